#!/usr/bin/env python3
"""Turns the OpenAPI document of a service into a C constant, so that its API serves the description it was built with.

embed_document.py SERVICE OUT.c OUT.h SERVICE.yaml COMMON.yaml

What all documents share is in COMMON.yaml, and a document refers to it: a reference to one of its paths is replaced by
that path, a component that is referred to is added to the document's own.
"""

import copy
import hashlib
import json
import pathlib
import sys

import yaml

from embed_sql import c_string

HERE = "#/"
ETAG_DIGITS = 16


def point(document, pointer):
    """What "paths/~1health~1live" names in the document."""
    for step in pointer.split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def _references(value):
    """Each object of the document that is a reference."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from _references(one)


def bundle(path, common_path):
    """The document at @path with what it refers to in the one at @common_path."""
    document, common = (yaml.safe_load(pathlib.Path(each).read_text(encoding="utf-8")) for each in (path, common_path))
    there = pathlib.Path(common_path).name + HERE
    for where, item in document["paths"].items():
        if item.get("$ref", "").startswith(there):
            document["paths"][where] = point(common, item["$ref"].removeprefix(there))
    found = True
    while found:  # what was added may refer to more
        found = [one for one in _references(document) if one["$ref"].startswith(there)]
        for reference in found:
            pointer = reference["$ref"].removeprefix(there)
            components, kind, name = pointer.split("/")
            document.setdefault(components, {}).setdefault(kind, {}).setdefault(name, copy.deepcopy(point(common, pointer)))
            reference["$ref"] = HERE + pointer
    return document


def main(service, c_path, h_path, path, common_path):
    try:
        text = json.dumps(bundle(path, common_path), ensure_ascii=True, separators=(",", ":"))
    except (OSError, ValueError, KeyError, yaml.YAMLError) as error:
        sys.exit(f"embed_document.py: {path}: {error!r}")
    etag = hashlib.sha256(text.encode("ascii")).hexdigest()[:ETAG_DIGITS]
    literals = "\n".join("    " + c_string(text[at : at + 100].encode("ascii")) for at in range(0, len(text), 100))
    header = (
        f"/* docs/api/{service}.yaml, made by tools/build/embed_document.py. */\n"
        "#pragma once\n\n"
        '#include "chassis/runtime/document.h"\n\n'
        f"extern const ChDocument {service}_document;\n"
    )
    source = (
        f'#include "{service}_document.h"\n\n'
        f"static const char json[] =\n{literals};\n\n"
        f"const ChDocument {service}_document = {{\n"
        "    .json = json,\n"
        "    .bytes = sizeof json - 1,\n"
        f'    .etag = "\\"{etag}\\"",\n'
        "};\n"
    )
    pathlib.Path(c_path).write_text(source, encoding="ascii")
    pathlib.Path(h_path).write_text(header, encoding="ascii")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
