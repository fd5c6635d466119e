"""What the style checks share: which files there are, and C text without its comments."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

SKIPPED_FOLDERS = re.compile(r"\.|__pycache__$")
BUILD_TREES = re.compile(r"build(-|$)")  # at the root

COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.DOTALL | re.VERBOSE,
)


def files(*folders, suffixes):
    """Paths relative to the root, sorted; build trees and hidden folders are left out."""
    found = []
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            relative = path.relative_to(ROOT)
            parents = relative.parts[:-1]
            skipped = BUILD_TREES.match(relative.parts[0]) or any(map(SKIPPED_FOLDERS.match, parents))
            if path.suffix in suffixes and not skipped:
                found.append(relative)
    return sorted(found)


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def code_only(text):
    """@text with comments blank and literals empty; the lines keep their numbers."""

    def blank(match):
        piece = match[0]
        newlines = "\n" * piece.count("\n")
        return piece[0] + piece[0] if piece[0] in "\"'" else " " + newlines

    return COMMENT_OR_LITERAL.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def report(complaints):
    """Prints (path, line, message) triples; the exit status of the check."""
    complaints = list(complaints)
    for path, line, message in complaints:
        print(f"{path}:{line}: {message}")
    return 1 if complaints else 0
