#!/usr/bin/env python3
"""docs/calls.md, the page that lists every call, made of the documents in docs/api.

api_page.py: writes the page; api_page.py --check: says whether it is the one that the documents make.
"""

import pathlib
import sys

from embed_document import bundle, point

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "calls.md"
METHODS = ("get", "post", "put", "delete")
BOUNDS = (
    ("minimum", "maximum", "{} to {}"),
    ("minLength", "maxLength", "{} to {} characters"),
    ("minItems", "maxItems", "{} to {} elements"),
)
HEAD = """# Every call

What the APIs answer to, made of [the documents](api/order.yaml) that they serve at `/openapi.json`; `tools/build/api_page.py`
writes this page. What holds for all calls is in [the contract](contract.md#21-what-holds-everywhere).
"""


def resolved(document, value):
    while "$ref" in value:
        value = {**point(document, value["$ref"].removeprefix("#/")), **{k: v for k, v in value.items() if k != "$ref"}}
    return value


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def _number(value):
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def limits(schema):
    """What a value may be, in a few words."""
    types = schema.get("type", "")
    words = [" or ".join(types) if isinstance(types, list) else types]
    if schema.get("format"):
        words.append(schema["format"])
    if "enum" in schema:
        words.append(", ".join(f"`{'null' if one is None else one}`" for one in schema["enum"]))
    if "const" in schema:
        words.append(f"`{schema['const']}`")
    for least, most, form in BOUNDS:
        if most in schema:
            words.append(form.format(_number(schema.get(least, 0)), _number(schema[most])))
        elif least in schema:
            words.append("at least " + form.format(_number(schema[least]), "").replace(" to ", ""))
    if "x-decimals" in schema:
        words.append(f"at most {schema['x-decimals']} decimals")
    return "; ".join(word for word in words if word)


def members(document, schema, path=""):
    """(path, needed, limits, description) of each member that the schema lists, and of those inside."""
    schema = resolved(document, schema)
    for name, one in schema.get("properties", {}).items():
        one = resolved(document, one)
        yield path + name, name in schema.get("required", []), limits(one), one.get("description", "")
        yield from members(document, one, f"{path}{name}.")
        if "items" in one:
            yield from members(document, one["items"], f"{path}{name}[].")


def table(head, rows):
    rows = [[cell(one) for one in row] for row in rows]
    return ["", f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]


def inputs(document, item, operation):
    for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
        parameter = resolved(document, parameter)
        if parameter["name"] != "traceparent":
            schema = resolved(document, parameter["schema"])
            needed = "yes" if parameter.get("required") else ""
            yield f"`{parameter['name']}`", parameter["in"], needed, limits(schema), parameter.get("description", "")
    if "requestBody" in operation:
        body = resolved(document, operation["requestBody"])
        (schema,) = (content["schema"] for content in body["content"].values())
        place = "each line" if "x-lines" in schema else "body"
        for path, needed, what, why in members(document, schema.get("x-lines", schema)):
            yield f"`{path}`", place, "yes" if needed else "", what, why


def answers(document, operation):
    for status, response in sorted(operation["responses"].items()):
        response = resolved(document, response)
        content = next(iter(response.get("content", {}).items()), None)
        names = ""
        if content and content[0] in ("application/json", "application/x-ndjson"):
            schema = resolved(document, content[1]["schema"])
            schema = resolved(document, schema.get("x-lines", schema))
            kinds = [schema, *schema.get("oneOf", ()), *([schema["items"]] if "items" in schema else ())]
            found = (members(document, one) for one in kinds)
            names = ", ".join(f"`{path}`" for path in dict.fromkeys(one[0] for some in found for one in some))
        headers = ", ".join(f"`{name}`" for name in response.get("headers", ()))
        yield status, response["description"], headers, names


def call(document, path, method, item):
    operation = item[method]
    lines = ["", f"### {operation['operationId']}", "", f"`{method.upper()} {path}`: {operation['summary']}."]
    if "description" in operation:
        lines[-1] += " " + cell(operation["description"])
    given = list(inputs(document, item, operation))
    if given:
        lines += table(("given", "in", "required", "limits", ""), given)
    return lines + table(("status", "", "headers", "members"), answers(document, operation))


def page():
    lines = [HEAD.rstrip()]
    for service in (ROOT / "services" / "services.list").read_text(encoding="utf-8").split():
        document = bundle(ROOT / "docs" / "api" / f"{service}.yaml", ROOT / "docs" / "api" / "common.yaml")
        lines += ["", f"## {document['info']['title']}", "", cell(document["info"]["description"])]
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item and path.startswith("/api/"):
                    lines += call(document, path, method, item)
    return "\n".join(lines) + "\n"


def main(arguments):
    made = page()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == made:
            return 0
        print("docs/calls.md is not what docs/api makes: run tools/build/api_page.py")
        return 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
