#!/usr/bin/env python3
"""No circle of files.

A file is a .c with its .h. It points to what it includes, and a header points to the file that
defines a function which it declares: such a function stands beside another header's. An arrow that
closes a circle is an error, and so is a function that is not defined beside the header that declares
it.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import sources

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def file_of(path):
    """chassis/core/log for chassis/core/log.c and chassis/core/log.h."""
    return str(pathlib.PurePosixPath(path).with_suffix(""))


def included(path, text):
    """(file, line) of each of our files that @text includes."""
    for match in INCLUDE.finditer(text):
        header = match[1] if match[1].startswith("chassis/") else f"services/{match[1]}"
        yield file_of(header), sources.line_of(text, match.start())


def tags(paths, kinds):
    command = ["ctags", "--languages=C", "--langmap=C:.c.h", f"--kinds-C={kinds}", "--fields=+n",
               "--extras=-F", "-I", "G_DEFINE_AUTOPTR_CLEANUP_FUNC+,CH_MUST_CHECK,G_GNUC_PRINTF+",
               "--output-format=json", "-f", "-", "-L", "-"]
    result = subprocess.run(
        command, input="\n".join(map(str, paths)), capture_output=True, text=True, check=True, cwd=sources.ROOT
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def strayed(declared, defined):
    """(path, line, message) of each function that is declared in one file and defined in another."""
    homes = {tag["name"]: file_of(tag["path"]) for tag in defined if tag["path"].endswith(".c") and "file" not in tag}
    for tag in declared:
        home = homes.get(tag["name"])
        if tag["path"].endswith(".h") and home is not None and home != file_of(tag["path"]):
            yield tag["path"], tag["line"], f"{tag['name']} is declared here and defined in {home}.c"


def circle(arrows):
    """A list of files, each pointing to the next and the last to the first; None when there is none.
    @arrows: file -> files it points to."""
    done = set()
    for start in sorted(arrows):
        path, waiting = [], [(start, iter(sorted(arrows[start])))]
        on_path = set()
        if start in done:
            continue
        path.append(start)
        on_path.add(start)
        while waiting:
            file, targets = waiting[-1]
            target = next((target for target in targets if target not in done), None)
            if target is None:
                waiting.pop()
                path.pop()
                on_path.discard(file)
                done.add(file)
            elif target in on_path:
                return path[path.index(target):]
            else:
                path.append(target)
                on_path.add(target)
                waiting.append((target, iter(sorted(arrows.get(target, ())))))
    return None


def self_test():
    faults = []
    if circle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) != ["b", "c"]:
        faults.append("a circle of two was not found")
    if circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is not None:
        faults.append("a circle was found where there is none")
    here, there = {"name": "f", "path": "x/a.h", "line": 1}, {"name": "f", "path": "x/b.c"}
    if not list(strayed([here], [there])) or list(strayed([here], [{**there, "path": "x/a.c"}])):
        faults.append("a function that is defined elsewhere was not told from one that is not")
    return sources.report(("tests/style/circles.py", 1, f"self-test: {fault}") for fault in faults)


def main():
    if shutil.which("ctags") is None:
        print("ctags is missing: install universal-ctags")
        return 1
    paths = sources.files("chassis", "services", suffixes={".c", ".h"})
    arrows, places = {}, {}
    for path in paths:
        file = file_of(path)
        targets = arrows.setdefault(file, set())
        for target, line in included(path, sources.read(path)):
            if target != file:
                targets.add(target)
                places.setdefault((file, target), (path, line))
    complaints = list(strayed(tags(paths, "p"), tags(paths, "f")))
    while (found := circle(arrows)) is not None:
        file, target = found[-1], found[0]
        path, line = places[file, target]
        way = " -> ".join([*found, found[0]])
        complaints.append((path, line, f"the arrow to {target} closes a circle: {way}"))
        arrows[file].discard(target)
    return sources.report(complaints)


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
