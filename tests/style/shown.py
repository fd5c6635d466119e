"""docs/security.md says which test shows each rule: every test that it names is there, and each risk names one.

A test is named as pytest does, `test_access.py::test_lists_are_narrowed`, or, of C, by its file and path:
`token_test.c::/token/limits/sizes`.
"""

import pathlib
import re
import sys

import sources

PAGE = pathlib.Path("docs/security.md")
NAMED = re.compile(r"`([\w-]+_test\.c|test_\w+\.py)::([\w/-]+)`")
RISK = re.compile(r"^\| (API\d+) .*$", re.MULTILINE)
RISKS = [f"API{number}" for number in range(1, 11)]


def tests_of():
    """{name of the file: its text} of all files with tests."""
    found = {}
    for path in sources.files("tests", suffixes={".py", ".c"}):
        if path.name.startswith("test_") or path.name.endswith("_test.c"):
            found[path.name] = sources.read(path)
    return found


def is_there(text, file, test):
    """Of C the path may be put together: its last part is behind a macro that adds the rest."""
    if file.endswith(".py"):
        return re.search(rf"^\s*def {re.escape(test)}\(", text, re.MULTILINE) is not None
    return f'"{test}"' in text or f'"{test.rpartition("/")[2]}"' in text


def faults(page, tests):
    for file, test in NAMED.findall(page):
        if file not in tests or not is_there(tests[file], file, test):
            yield f"{PAGE}: there is no test {file}::{test}"
    rows = {row[1]: row[0] for row in RISK.finditer(page)}
    for risk in RISKS:
        if risk not in rows:
            yield f"{PAGE}: {risk} has no row"
        elif NAMED.search(rows[risk]) is None:
            yield f"{PAGE}: {risk} names no test that shows it"


def self_test():
    tests = {"test_a.py": "def test_one(x):\n", "b_test.c": '"/b/one" ADD("two"'}
    good = "\n".join(f"| {risk} x | `test_a.py::test_one`, `b_test.c::/b/one`, `b_test.c::/b/two` |" for risk in RISKS)
    assert not list(faults(good, tests))
    assert len(list(faults(good + "\n`test_a.py::test_on`", tests))) == 1
    assert len(list(faults(good + "\n`b_test.c::/b/three`", tests))) == 1
    assert len(list(faults(good + "\n`c_test.c::/b/one`", tests))) == 1
    assert len(list(faults(good.replace("| API3 x | `test_a.py::test_one`, `b_test.c::/b/one`, `b_test.c::/b/two` |", ""), tests))) == 1
    assert len(list(faults(good.replace("API7 x | `test_a.py::test_one`, `b_test.c::/b/one`, `b_test.c::/b/two`", "API7 x | none"), tests))) == 1


def main(arguments):
    if arguments == ["--self-test"]:
        self_test()
        return 0
    found = list(faults(sources.read(PAGE), tests_of()))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
