"""./cartwheel bench: a private system of its own, built for speed, and the scenarios of tests/bench."""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from . import accounts, terminal
from .build import build
from .layout import Layout, LauncherError
from .system import System

SCENARIOS = (
    "intake", "saga", "latency", "spike", "hot-product", "reads", "tls", "authentication", "lists", "growth", "footprint",
    "scale-out", "storm", "tracing",
)  # fmt: skip
SETUP = ("--buildtype=release", "-Doptimization=2", "-Dtests=false")
LTO = "-Db_lto=true"
# What the processes get is what a user gets who sets nothing; AUTH=off is left to compare with.
SETTINGS = (
    "LOG_LEVEL", "SHUTDOWN_TIMEOUT", "OUTBOX_MAX_PENDING", "QUEUE_TYPE", "BROKER_SHAPE", "INBOX_RETENTION",
    "CUSTOMER_SERVICE_URL", "EMAIL_CHANNEL", "SMS_CHANNEL", "AUTH_ISSUER", "AUTH_JWKS_FILE", "AUTH_CA_FILE", "AUTH_AUDIENCE",
    "AUTH_TOKEN_TYPE", "AUTH_CUSTOMER_CLAIM",
)  # fmt: skip


def add_arguments(command):
    command.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes: within 6 minutes")
    command.add_argument("--json", metavar="FILE", help="write the figures there")
    command.add_argument("--plots", metavar="FOLDER", help="where the plots go (default: docs/performance)")
    command.add_argument(
        "--only", action="append", choices=SCENARIOS, metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; repeatable"
    )


def run(layout, options):
    """The command; exit code 0 when every scenario ran and nothing was lost."""
    options.started = time.monotonic()
    options.plots = options.plots or str(layout.root / "docs" / "performance")
    for name in SETTINGS:
        os.environ.pop(name, None)
    layout.prepare()
    _end_leftovers(layout)
    with terminal.Progress() as progress:
        folder = _build(layout, progress)
        with _private(layout, folder) as private:
            return _run(private, progress, options)


def _run(layout, progress, options):
    sys.path.insert(0, str(layout.root / "tests"))
    from bench import runner  # needs the packages that only this command asks for
    from bench.rig import settle_postgres

    system = System(layout)
    try:
        settle_postgres(system, progress)
        system.up(progress)
        return runner.run(layout, system, progress, options)
    finally:
        progress.restart()
        system.down(progress)


def _build(layout, progress):
    """The folder of a release build: with link time optimization where that links."""
    folder = layout.root / "build-release"
    try:
        build(layout, progress, False, folder, (*SETUP, LTO), name="release build")
    except LauncherError:
        if progress.cancelled.is_set():
            raise
        progress.note("the release build fails; once more without link time optimization")
        shutil.rmtree(folder)
        build(layout, progress, False, folder, SETUP, name="release build")
    return folder


@contextlib.contextmanager
def _private(layout, build_folder):
    """A state folder below the user's, with nothing in it, and nothing left of it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=layout.home))
    private = Layout({"CARTWHEEL_HOME": str(home), "CARTWHEEL_BUILD": str(build_folder)})
    private.prepare()
    try:
        with private.lock(terminal.say):
            yield private
    finally:
        _remove(private)


def _remove(private):
    if private.settings_file.exists():
        accounts.remove_data(private, System(private).settings)
    shutil.rmtree(private.home, ignore_errors=True)


def _end_leftovers(layout):
    """A bench that was killed left its system running."""
    for home in layout.home.glob("bench-*"):
        private = Layout({"CARTWHEEL_HOME": str(home)})
        if not _is_abandoned(private):
            continue
        terminal.say(f"ending what an earlier bench left in {home}")
        with terminal.Progress() as progress:
            system = System(private)
            system.down(progress)
            system.end_leftovers(progress)
        _remove(private)


def _is_abandoned(private):
    try:
        with open(private.lock_file, "w", encoding="utf-8") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
