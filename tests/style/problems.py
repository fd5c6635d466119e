"""Problem types: docs/problems.md has a section for each that the programs can send, with its status and title, and no
other; every ChHttpProblem is a constant that is written as one, so that none is made up elsewhere."""

import re
import sys

import sources

PAGE = "docs/problems.md"
MADE = re.compile(r"\bChHttpProblem\s+\w+\s*(?:\[[^\]]*\])?\s*=")
LITERAL = re.compile(r"\(\s*(?:const\s+)?ChHttpProblem\s*\)\s*\{")
CONSTANT = re.compile(r'const ChHttpProblem (\w+) = \{\s*"([a-z0-9-]+)",\s*(\d{3}),\s*"([^"]+)"\s*\};')
SECTION = re.compile(r"^### (.+)\n\nStatus (\d{3}), `([^`]+)`\. ", re.MULTILINE)
HEADING = re.compile(r"^### .+$", re.MULTILINE)


def sent(path, text, found, complaints):
    """Adds the types that a file makes: {name: (status, title, path, line)}."""
    constants = list(CONSTANT.finditer(text))
    if len(constants) != len(MADE.findall(text)) + len(LITERAL.findall(text)):
        complaints.append((path, 1, 'a ChHttpProblem is not written as const ChHttpProblem x = { "name", 409, "Title" };'))
    for match in constants:
        line = sources.line_of(text, match.start())
        if match[2] in found:
            complaints.append((path, line, f"the problem type {match[2]} is there twice"))
        found[match[2]] = (match[3], match[4], path, line)


def differences(types, page):
    sections = {match[1]: (match[2], match[3]) for match in SECTION.finditer(page)}
    if len(sections) != len(HEADING.findall(page)):
        yield PAGE, 1, "a section is there twice, or does not begin with: Status 409, `Title`. "
    for name, (status, title, path, line) in types.items():
        if name not in sections:
            yield path, line, f"the problem type {name} has no section in {PAGE}"
        elif sections[name] != (status, title):
            yield path, line, f"{PAGE} says {sections[name]} of the problem type {name}"
    for name in sections.keys() - types.keys():
        yield PAGE, 1, f"nothing sends the problem type {name}"


def main():
    types, complaints = {}, []
    for path in sources.files("chassis", "services", suffixes={".c", ".h"}):
        sent(path, sources.read(path), types, complaints)
    return sources.report([*complaints, *differences(types, sources.read(PAGE))])


def judged(code, page):
    types, complaints = {}, []
    sent("x.c", code, types, complaints)
    return len([*complaints, *differences(types, page)])


def self_test():
    code = 'static const ChHttpProblem held = { "held", 409,\n    "Held" };\nvoid f(const ChHttpProblem *problem);\n'
    page = "## All\n\n### held\n\nStatus 409, `Held`. Words.\n"
    expectations = [
        (judged(code, page), 0),
        (judged(code, ""), 1),
        (judged("", page), 1),
        (judged(code, page.replace("409", "404")), 1),
        (judged(code, page.replace("`Held`", "`Kept`")), 1),
        (judged(code + code.replace(" held ", " kept "), page), 1),
        (judged(code, page + page), 1),
        (judged(code, page + "\n### other\n\nWords.\n"), 1),
        (judged(code + "ChHttpProblem own = { name, 409, title };\n", page), 1),
        (judged(code + "f(&(ChHttpProblem){ name, 409, title });\n", page), 1),
    ]
    return sources.report(("self-test", 1, f"{seen} in place of {wanted}")
                          for seen, wanted in expectations if seen != wanted)


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
