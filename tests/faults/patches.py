#!/usr/bin/env python3
"""The known bugs, each a patch in bugs/. Run by itself: whether each still applies to the sources as they are.

A patch begins with a line that says what the bug is, and one of the rows of the plan that have to find it:
"Rows: 6, 21". Its context is small, so that only a change of that very code is in its way.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(__file__).parent / "bugs"
DRILL = ROOT / "tests" / "drill"  # which needs a faulty build too
HEAD = re.compile(r"(?P<says>\S.*)\nRows: (?P<rows>\w+(, \w+)*)\n\n--- a/")


class BadPatch(Exception):
    """Names the patch and what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class Patch:
    """One known bug."""

    path: pathlib.Path
    says: str
    rows: tuple

    @property
    def name(self):
        return self.path.stem

    def apply(self, root):
        """Puts the bug into the sources below @root."""
        self._run(root)

    def check(self, root):
        """Fails as apply() would, and changes nothing."""
        self._run(root, "--dry-run")

    def _run(self, root, *more):
        command = ["patch", "--strip=1", "--fuzz=0", "--force", "--no-backup-if-mismatch", "--reject-file=-", *more,
                   "--directory", str(root), "--input", str(self.path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode != 0:
            raise BadPatch(f"{self.path} does not apply any more:\n{done.stdout.strip()}")


def load(folder=FOLDER):
    """Every known bug, by name."""
    return [_read(path) for path in sorted(folder.glob("*.patch"))]


def _read(path):
    head = HEAD.match(path.read_text(encoding="utf-8"))
    if head is None:
        raise BadPatch(f"{path} does not begin with what the bug is, the rows that find it, and an empty line")
    return Patch(path, head["says"], tuple(head["rows"].split(", ")))


def wrong(patches, root):
    """What is wrong with those that do not apply to the sources below @root."""
    complaints = []
    for patch in patches:
        try:
            patch.check(root)
        except BadPatch as error:
            complaints.append(str(error))
    return complaints


def self_test():
    """A patch moves with its lines, and is refused where they changed or their file is gone."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "bug.patch").write_text("It.\nRows: 1, 2b\n\n--- a/it.c\n+++ b/it.c\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n")
        (patch,) = load(root)
        assert (patch.name, patch.says, patch.rows) == ("bug", "It.", ("1", "2b")), patch
        source = root / "it.c"
        for text, applies in (("a\nb\nc\n", True), ("new\n\n\na\nb\nc\n", True), ("a\nb\nd\n", False), (None, False)):
            source.unlink() if text is None else source.write_text(text)
            complaints = wrong([patch], root)
            assert len(complaints) == (0 if applies else 1), (text, complaints)
            assert applies or "bug.patch" in complaints[0] and "it.c" in complaints[0], complaints
            assert text is None or source.read_text() == text, "a check changes nothing"
        source.write_text("new\na\nb\nc\n")
        patch.apply(root)
        assert source.read_text() == "new\na\nB\nc\n", source.read_text()
        assert sorted(path.name for path in root.iterdir()) == ["bug.patch", "it.c"], "apply leaves nothing behind"


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif found := wrong([*load(), *load(DRILL)], ROOT):
        sys.exit("\n".join(found))
