"""The programs of a former version, built from the history of this checkout and kept in .cartwheel/former."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from launcher.layout import ROOT, Layout, locked_directory
from support.names import MIGRATORS, PROCESSES

PROGRAMS = PROCESSES + MIGRATORS
REFERENCE = "608f12c"  # the version that an upgrade begins at: before the first release, the one that went before
PARTS = ("chassis", "services", "tools/build", "meson.build", "meson_options.txt")  # all but the tests
SETUP = ("-Dtests=false", "-Dwerror=false")  # its warnings are no longer anybody's to mend


class NoHistory(Exception):
    """The version cannot be built; the sentence says what to do."""


def _git(*arguments, **options):
    # A checkout that another user owns is read all the same: nothing of it is run.
    return subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments],
                          stdin=subprocess.DEVNULL, check=False, **options)


def demand_history(version):
    """The commit is here."""
    try:
        found = _git("cat-file", "-e", f"{version}^{{commit}}", capture_output=True, text=True)
    except FileNotFoundError:
        raise NoHistory(f"git is not installed, and version {version} is built from the history") from None
    if found.returncode != 0:
        raise NoHistory(f"the history of {ROOT} does not hold commit {version}, the version that the upgrade begins at; a"
                        f" shallow clone gets it by: git fetch --unshallow ({found.stderr.strip()})")


def build_of(version=REFERENCE):
    """A folder that the launcher takes for CARTWHEEL_BUILD: the version's programs are in its services/."""
    layout = Layout(os.environ)
    layout.prepare()
    place = layout.home / "former"
    place.mkdir(exist_ok=True)
    with locked_directory(place, print):
        if not (place / version).is_dir():
            demand_history(version)
            with tempfile.TemporaryDirectory(dir=place, prefix=f".{version}-") as folder:
                _make(version, pathlib.Path(folder)).rename(place / version)
    return place / version


def _make(version, folder):
    source, made, done = (folder / name for name in ("source", "build", "done"))
    source.mkdir()
    with subprocess.Popen(["tar", "-x", "-C", str(source)], stdin=subprocess.PIPE) as tar:
        _git("archive", version, "--", *PARTS, stdout=tar.stdin).check_returncode()
    for command in (["meson", "setup", *SETUP, str(made), str(source)], ["ninja", "-C", str(made)]):
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"version {version}: {' '.join(command)}\n{ended.stdout[-8000:]}{ended.stderr}"
    (done / "services").mkdir(parents=True)
    for program in PROGRAMS:
        found, = (made / "services").rglob(program)  # not every version had them in one folder
        shutil.copy2(found, done / "services")
    return done
