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

MAX_DEPTH = 32
MAX_MEMBERS = 1024


class OurLimit(ValueError):
    """JSON as such, but refused by us on purpose."""


def _object(pairs):
    folded = {_fold(name) for name, _ in pairs}
    if len(folded) < len(pairs) or len(pairs) > MAX_MEMBERS:
        raise OurLimit
    return dict(pairs)


def _fold(name):
    """In lower case, ASCII letters only."""
    return "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in name)


def _number(digits):
    """As it is written: neither a float nor a text."""
    return ("number", digits)


def _constant(name):
    raise ValueError(f"{name} is no JSON")


def _check(value, depth=1):
    """Refuses what Python takes and we do not: zero characters, halves of surrogate pairs, depth."""
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= char <= "\udfff" for char in value)):
        raise OurLimit
    if isinstance(value, (dict, list)) and depth > MAX_DEPTH:
        raise OurLimit
    if isinstance(value, dict):
        for name, member in value.items():
            _check(name, depth)
            _check(member, depth + 1)
    elif isinstance(value, list):
        for element in value:
            _check(element, depth + 1)


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
        _check(value)
    except (ValueError, RecursionError):
        return None
    return [value]  # a list, so that null is not None


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
