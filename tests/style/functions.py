#!/usr/bin/env python3
"""Functions of more than 60 lines, as universal-ctags measures them."""

import json
import shutil
import subprocess
import sys

import sources

MAX_FUNCTION_LINES = 60


def functions(paths):
    """(path, line, name, lines) of every function in the C files @paths."""
    command = ["ctags", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+ne",
               "--output-format=json", "-f", "-", "-L", "-"]
    listing = "\n".join(map(str, paths))
    result = subprocess.run(
        command, input=listing, capture_output=True, text=True, check=True, cwd=sources.ROOT
    )
    for line in result.stdout.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["line"], tag["name"], tag["end"] - tag["line"] + 1


def main():
    if shutil.which("ctags") is None:
        print("ctags is missing: install universal-ctags")
        return 1
    found = list(functions(sources.files("chassis", "services", suffixes={".c", ".h"})))
    if not found:
        print("ctags found no function at all")
        return 1
    return sources.report(
        (path, line, f"{name} has {lines} lines, {MAX_FUNCTION_LINES} at most")
        for path, line, name, lines in found
        if lines > MAX_FUNCTION_LINES
    )


if __name__ == "__main__":
    sys.exit(main())
