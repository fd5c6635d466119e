"""Builds with one known bug each: a copy of the sources, patched, and only what the patch touches compiled again."""

import contextlib
import filecmp
import os
import pathlib
import shutil
import tempfile

from launcher.build import build
from launcher.layout import Layout, LauncherError, locked_directory
from launcher.suites import FAULTS_SETUP
from launcher.terminal import Progress
from support.names import PROCESSES

from faults import patches

SOURCES = ("chassis", "services", "tools", "docs/api")  # and the files beside them: what a build without tests reads


@contextlib.contextmanager
def built(bugs):
    """Gives {name of a bug: folder of its binaries}, as long as the context lasts.

    The copy and its build stay in .cartwheel/bugs: the next time little is compiled.
    """
    layout = Layout(os.environ)
    home = layout.home / "bugs"
    layout.root, layout.build = home / "source", home / "build"
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="binaries-", dir=home) as folder:
        with locked_directory(home, print), Progress() as progress:
            places = {bug.name: _build(layout, progress, bug, pathlib.Path(folder) / bug.name) for bug in bugs}
        yield places


def _build(layout, progress, bug, folder):
    renew(layout.root)
    bug.apply(layout.root)
    try:
        build(layout, progress, setup=FAULTS_SETUP, name=f"build with {bug.name}")
    except LauncherError as error:
        raise patches.BadPatch(f"{bug.path} applies, but does not build:\n{error}") from None
    folder.mkdir(parents=True)
    for name in PROCESSES:
        shutil.copy(layout.build / "services" / name, folder / name)
    return folder


def renew(copy):
    """Makes @copy the sources again. What is the same is not touched: it need not be compiled again."""
    copy.mkdir(parents=True, exist_ok=True)
    wanted = set(_files(patches.ROOT))
    for path in set(_files(copy)) - wanted:
        (copy / path).unlink()
    for path in wanted:
        source, target = patches.ROOT / path, copy / path
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)  # modified now, whatever the time of the source


def _files(root):
    beside = (path for path in root.iterdir() if not path.name.startswith("."))
    below = (path for folder in SOURCES for path in (root / folder).rglob("*") if "__pycache__" not in path.parts)
    return (path.relative_to(root) for path in (*beside, *below) if path.is_file())
