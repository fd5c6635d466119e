#!/usr/bin/python3
"""Asks Python's json about every document that the fuzzer of the JSON reader kept: both must take the same
documents and read the same from them.

usage: json_peer.py PROGRAM FOLDER...   (the program is json-canonical)
"""

import json
import struct
import subprocess
import sys
from pathlib import Path

MAX_DEPTH = 64


class OurLimit(ValueError):
    """JSON as such, but refused by us on purpose."""


class Members(tuple):
    """Of an object; no list."""


def _object(pairs):
    """In their order, with those that are there twice."""
    return Members((_without_flaws(name), value) for name, value in pairs)


def _is_flaw(char):
    return char == "\0" or "\ud800" <= char <= "\udfff"


def _without_flaws(name):
    return "".join("\ufffd" if _is_flaw(char) else char for char in name)


def _number(digits):
    """As it is written: neither a float nor a text."""
    return ("number", digits)


def _constant(name):
    raise ValueError(f"{name} is no JSON")


def _as_we_read(value, depth=1):
    """Texts with a zero character or half of a surrogate pair are none; too deep is refused."""
    if isinstance(value, str):
        return None if any(map(_is_flaw, value)) else value
    if isinstance(value, (Members, list)) and depth > MAX_DEPTH:
        raise OurLimit
    if isinstance(value, Members):
        return Members((name, _as_we_read(member, depth + 1)) for name, member in value)
    if isinstance(value, list):
        return [_as_we_read(element, depth + 1) for element in value]
    return value


def read(document):
    """What Python reads; None when it is no JSON or beyond our limits."""
    try:
        value = json.loads(
            document.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_constant,
        )
        return [_as_we_read(value)]  # a list, so that null is not None
    except (ValueError, RecursionError):
        return None


def _documents(folders):
    paths = {path for folder in folders for path in Path(folder).iterdir() if path.is_file()}
    return [(path, path.read_bytes()) for path in sorted(paths)]


def main(program, *folders):
    documents = _documents(folders)
    sent = b"".join(struct.pack(">I", len(document)) + document for _, document in documents)
    done = subprocess.run([program], input=sent, stdout=subprocess.PIPE, check=True)
    answers = done.stdout.split(b"\n")[:-1]
    if len(answers) != len(documents):
        print(f"{len(answers)} answers to {len(documents)} documents")
        return 1
    taken = 0
    for (path, document), answer in zip(documents, answers):
        expected = read(document)
        ours = None if answer == b"-" else read(answer)
        if ours != expected or (answer != b"-") != (expected is not None):
            print(f"{path}: we say {answer!r}, Python says {expected!r}")
            return 1
        taken += expected is not None
    print(f"{len(documents)} documents, {taken} of them JSON")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
