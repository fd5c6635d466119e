"""Requests made of the documents: those that they allow, and those that they just don't."""

import copy
import datetime
import json
import re
import string
from urllib.parse import quote

from hypothesis import strategies as st

from support import documents

# What the documents say in words alone.
MOST_TOTAL = 999_999_999_999
LANGUAGE = st.from_regex(r"\A[xX][a-z]{1,5}(-[A-Za-z0-9]{1,8})?\Z")  # of nobody: no other test meets these templates
IN_WORDS = {"language": LANGUAGE, "currency": st.sampled_from(("USD", "EUR", "JPY", "KWD", None))}
TEXT = st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="{}\u2028\u2029")  # one line, no placeholder
FUTURE = datetime.datetime(2100, 1, 1)
NEVER = {"cursor", "traceparent", "If-Match", "If-None-Match"}  # opaque, or any text will do
DOTS = (".", "..")  # no segments: clients take them out of a path
JUNK = (None, True, "", "x", "x" * 10_001, "5f1c2b0e-3d57-4a86-9c1e-2f6a7d8b9c0", "usd", -1, 0, 1.5, 0.00001, 3,
        10**12 + 1, -10**13, 10**30, [], [1], {}, {"x": 1})
JUNK_TEXTS = ("x", "-1", "0", "1001", "1.5", "1e1", "99999999999999999999", "created", "5f1c2b0e-3d57-4a86-9c1e-2f6a7d8b9c0")
JUNK_KEYS = ("", "a b", "k" * 256, "\u00e9")
JUNK_BODIES = (b"", b"{", b"[]", b"null", b"\"x\"", b"{}{}", b"\xff\xfe", b'{"a": 1, "a": 2}', b"[" * 100)


def _number(schema):
    scale = 10_000
    low, high = (int(schema[end] * scale) for end in ("minimum", "maximum"))
    bound = 10**14  # digits enough, and few enough for a float to be written exactly
    return st.integers(max(low, -bound), min(high, bound)).map(lambda n: n / scale)


def _string(schema):
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if schema.get("format") == "uuid":
        return st.uuids(version=4).map(str) | st.uuids(version=4).map(lambda one: str(one).upper())
    if schema.get("format") == "date-time":
        earliest = FUTURE if schema.get("x-future") else datetime.datetime.min
        return st.datetimes(min_value=earliest).map(lambda time: time.isoformat() + "Z")
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z")).filter(lambda text: len(text) <= schema.get("maxLength", 99))
    return st.text(TEXT, min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 60), 60))


def _object(schema):
    required = set(schema.get("required", []))
    members = {name: IN_WORDS[name] if name in IN_WORDS else values(one) for name, one in schema["properties"].items()}
    return st.fixed_dictionaries({name: members[name] for name in members if name in required},
                                 optional={name: members[name] for name in members if name not in required})


MAKERS = {
    "string": _string,
    "number": _number,
    "integer": lambda schema: st.sampled_from(schema["enum"]) if "enum" in schema
    else st.integers(schema["minimum"], schema["maximum"]),
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
    "array": lambda schema: st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=5),
    "object": _object,
}


def values(schema):
    """Values that the schema allows."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([MAKERS[one](schema) for one in types])


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _keeps_to_the_words(body):
    """What no schema can say: each product once, and a total that is not too large."""
    items = (body or {}).get("items", [])
    if len({item["productId"].lower() for item in items}) < len(items):
        return False
    return sum(item["quantity"] * (item.get("unitPrice") or 0) for item in items) <= MOST_TOTAL


def _header(text):
    """As a field holds it: in UTF-8, without the white space around it, which is not its value's (RFC 9110, 5.5)."""
    text = text.strip()
    return text if text.isascii() else text.encode()


@st.composite
def allowed(draw, operation, ids):
    """(path, query, headers, body) of a request that the document allows; @ids: what there is to name in a path."""
    path = operation.path
    for parameter in operation.path_parameters():
        known = ids if parameter["schema"].get("format") == "uuid" else [1]
        named = draw(st.sampled_from(known) | values(parameter["schema"]).filter(lambda one: one not in DOTS))
        path = path.replace("{" + parameter["name"] + "}", quote(str(named), safe=""))
    query, headers = ({name: _text(draw(values(one["schema"]))) for name, one in operation.of_place(place).items()
                       if name not in NEVER and draw(st.booleans())} for place in ("query", "header"))
    headers = {name: _header(value) for name, value in headers.items()}
    if operation.line_schema():
        return path, query, headers, draw(st.lists(values(operation.line_schema()), min_size=1, max_size=5))
    schema = operation.body_schema()
    if schema is None or not (operation.body.get("required") or draw(st.booleans())):
        return path, query, headers, None
    fitting = values(schema).filter(lambda body: not documents.faults(schema, body) and _keeps_to_the_words(body))
    return path, query, headers, draw(fitting)


def _places(value):
    """(holder, key) of every value inside."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


@st.composite
def _spoilt(draw, body):
    body = copy.deepcopy(body)
    places = list(_places(body))
    if not places:
        return draw(st.sampled_from(JUNK[6:]))
    holder, key = draw(st.sampled_from(places))
    if isinstance(holder, dict) and draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = copy.deepcopy(draw(st.sampled_from(JUNK)))
    return body


def _takes_any_text(schema):
    return schema["type"] == "string" and not {"format", "pattern", "enum"} & schema.keys()


def places_of_faults(operation):
    """Where a request can be wrong; the key is one among several."""
    found = {"path": [one for one in operation.path_parameters() if not _takes_any_text(one["schema"])],
             "query": set(operation.of_place("query")) - NEVER, "body": operation.body}
    return [place for place, names in found.items() if names]


@st.composite
def nearly(draw, operation, ids):
    """(path, query, headers, bytes of the body or None) of a request with one fault, or of one that is fine by chance."""
    path, query, headers, body = draw(allowed(operation, ids))
    wrong = places_of_faults(operation)
    if "Idempotency-Key" in operation.of_place("header"):
        wrong.append("key")
    place = draw(st.sampled_from(wrong)) if wrong else None
    if place == "path":
        path = re.sub(r"\{\w+\}", draw(st.text(string.hexdigits + "-", min_size=1, max_size=40)), operation.path)
    elif place == "query":
        name = draw(st.sampled_from(sorted(set(operation.of_place("query")) - NEVER)))
        query[name] = draw(st.sampled_from(JUNK_TEXTS))
    elif place == "key":
        headers["Idempotency-Key"] = draw(st.sampled_from(JUNK_KEYS)).encode()
    content = None if body is None else json.dumps(body).encode()
    if place == "body":
        content = draw(st.sampled_from(JUNK_BODIES) | _spoilt(body).map(lambda one: json.dumps(one).encode()))
    return path, query, headers, content
