"""Documents: every relative link leads to a file and a heading that are there, every file that a page names is there,
and the index of the decisions lists each of them under its title."""

import pathlib
import re
import sys

import sources

DECISIONS = pathlib.Path("docs/decisions")
INDEX = DECISIONS / "README.md"

FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
NAMED = re.compile(r"`([\w.-]+/[\w./-]+)`")  # a path in backticks
OWN_FILE = re.compile(r"^`([\w./-]+)`$", re.MULTILINE)  # a line of its own above a block: the reader writes that file
FOREIGN = ("curl/",)  # headers of libraries
RUNS = pathlib.Path("docs/runs")  # logs: true for their date

FOLDERS = ("chassis", "services", "tests", "tools", "deploy", "docs")
SUFFIXES = {".c", ".h", ".py", ".sh", ".sql", ".json", ".build", ".list", ".pml", ".yaml", ".cfg"}

TITLE = re.compile(r"# (\d{4}) (.+)\n")
INDEX_ROW = re.compile(r"^\| \[(\d{4})\]\(([^)]+)\) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


def documents():
    """Markdown files relative to the root: those beside the README, and all below docs."""
    at_root = (path.relative_to(sources.ROOT) for path in sources.ROOT.glob("*.md"))
    return [*sorted(at_root), *sources.files("docs", "tests", suffixes={".md"})]


def blanked(text, *patterns):
    """@text without what the patterns match; the lines keep their numbers."""
    for pattern in patterns:
        text = pattern.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text


def anchors(text):
    """What a link into the page can name after #: its headings as GitHub makes them."""
    headings = HEADING.findall(blanked(text, FENCE))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text):
    """(target, line) of the relative ones."""
    prose = blanked(text, FENCE, CODE)
    for match in LINK.finditer(prose):
        if not re.match(r"[a-z]+:", match[1]):
            yield match[1], sources.line_of(prose, match.start())


def broken(page):
    for target, line in links(sources.read(page)):
        path, _, anchor = target.partition("#")
        place = (sources.ROOT / page).parent / path if path else sources.ROOT / page
        if not place.exists():
            yield page, line, f"there is no {path}"
        elif anchor and anchor not in anchors(place.read_text(encoding="utf-8")):
            yield page, line, f"{path or 'this page'} has no heading #{anchor}"


def unknown_files(page, text, known):
    """@known: the files there are; a page may leave out the first folders of a path."""
    own = set(OWN_FILE.findall(text))
    prose = blanked(text, FENCE)
    for match in NAMED.finditer(prose):
        name = match[1]
        checked = pathlib.Path(name).suffix in SUFFIXES and name not in own and not name.startswith(FOREIGN)
        if checked and not any(f"/{path}".endswith(f"/{name}") for path in known):
            yield page, sources.line_of(prose, match.start()), f"names {name}, which is not there"


def misfiled(texts, index):
    """@texts: a decision's file name and text."""
    listed = {name: (number, title.strip()) for number, name, title in INDEX_ROW.findall(index)}
    for name, text in texts.items():
        title = TITLE.match(text)
        if title is None or not name.startswith(title[1] + "-"):
            yield DECISIONS / name, 1, "the first line is # and the number of the file's name, then the title"
        elif listed.get(name) != (title[1], title[2]):
            yield INDEX, 1, f"has no row | [{title[1]}]({name}) | {title[2]} | ... |"
    for name in listed.keys() - texts.keys():
        yield INDEX, 1, f"lists {name}, which is not there"


def main():
    complaints = [complaint for page in documents() for complaint in broken(page)]
    known = sources.files(*FOLDERS, suffixes=SUFFIXES)
    for page in documents():
        if RUNS not in page.parents:
            complaints += unknown_files(page, sources.read(page), known)
    names = [path.name for path in sources.files(DECISIONS, suffixes={".md"}) if path != INDEX]
    texts = {name: sources.read(DECISIONS / name) for name in names}
    return sources.report([*complaints, *misfiled(texts, sources.read(INDEX))])


def self_test():
    page = "# The `a` page's end\n[a\nb](x.md#y), `[c](d)`, [e](https://f), ![g](h.svg)\n```\n# [i](j)\n```\n[k](#l)\n"
    row = "| [0001](0001-a.md) | Lanes | all |\n"
    good = {"0001-a.md": "# 0001 Lanes\n"}
    expectations = [
        (list(links(page)), [("x.md#y", 2), ("h.svg", 3), ("#l", 7)]),
        (anchors(page), {"the-a-pages-end"}),
        (len(list(unknown_files("p", "`a/b.c` `http/x.h`", ["chassis/http/x.h"]))), 1),
        (len(list(unknown_files("p", "`a/b.c`\n\n```\nint a;\n```\n", []))), 0),
        (len(list(misfiled(good, row))), 0),
        (len(list(misfiled(good, ""))), 1),
        (len(list(misfiled({"0001-a.md": "# 0001 Other\n"}, row))), 1),
        (len(list(misfiled({"0001-a.md": "# 0002 Lanes\n"}, row))), 1),
        (len(list(misfiled({}, row))), 1),
    ]
    return sources.report(("self-test", 1, f"{seen} in place of {wanted}")
                          for seen, wanted in expectations if seen != wanted)


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
