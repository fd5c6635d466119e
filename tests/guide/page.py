"""A page of docs as a list of steps that a machine can take.

The page's fenced blocks are the steps, in their order:
  - a block below a line that is a path alone, in backticks, is that file;
  - a block `diff` is a patch, for `patch -p1`;
  - a block `sh` is run by a shell in the root of the checkout.
Any other block is an illustration, and refused: nothing on the page may go unchecked.
"""

import re
from typing import NamedTuple

BLOCK = re.compile(r"(?:^`(?P<path>[\w./-]+)`\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


class Step(NamedTuple):
    kind: str  # "file", "diff" or "sh"
    line: int  # of the page, where it begins
    text: str
    path: str = ""


def steps(markdown):
    return [_step(match, markdown.count("\n", 0, match.start()) + 1) for match in BLOCK.finditer(markdown)]


def _step(match, line):
    if match["path"]:
        return Step("file", line, match["text"], match["path"])
    assert match["language"] in ("diff", "sh"), f"line {line}: a block without a path that is neither diff nor sh"
    return Step(match["language"], line, match["text"])
