"""meson and ninja: quiet while all is well, the whole output when not."""

import os
import re
import subprocess
import threading

from .layout import LauncherError, locked_directory, read_json
from .services import APIS, SERVICES, WORKERS, binary

STEP = re.compile(r"^\[(\d+)/(\d+)\]")
MIGRATORS = tuple(f"{service}-migrator" for service in SERVICES)


def build(layout, progress, verbose=False, directory=None, setup=(), environ=None, name="build"):
    """Configures the folder when it is not, and compiles what changed.

    Without arguments: the layout's build folder. A folder that holds binaries but is no build folder
    of meson (an installation, say) is used as it is.
    """
    directory = directory or layout.build
    environ = {**os.environ, **(environ or {})}
    progress.begin(name, "configuring")
    if (directory / "services").is_dir() and not (directory / "meson-private").exists():
        progress.done(name, f"the binaries in {directory} are used as they are")
        return
    directory.mkdir(parents=True, exist_ok=True)
    with locked_directory(directory, progress.note):
        if not _is_configured(layout, directory):
            _configure(layout, directory, setup, environ, progress, verbose)
        steps = _run(["ninja", "-C", str(directory)], environ, progress, name, verbose)
    progress.done(name, f"{steps} steps" if steps else "up to date")


def check_binaries(layout):
    for name in (*APIS, *WORKERS, *MIGRATORS):
        if not os.access(binary(layout, name), os.X_OK):
            raise LauncherError(f"{binary(layout, name)} is missing after the build")


def _is_configured(layout, directory):
    """Whether the folder was configured for this checkout, and not before it was moved here."""
    info = read_json(directory / "meson-info" / "meson-info.json") or {}
    source = info.get("directories", {}).get("source")
    return (directory / "build.ninja").exists() and source == str(layout.root)


def _configure(layout, directory, setup, environ, progress, verbose):
    command = ["meson", "setup", *setup]
    if (directory / "meson-private" / "cmd_line.txt").exists():
        command.append("--wipe")  # begins anew with the options it had
    _run([*command, str(directory), str(layout.root)], environ, progress, "meson", verbose)


def _run(command, environ, progress, name, verbose):
    """Runs a command, showing how far it is; the number of ninja steps done. Fails with its output."""
    child = subprocess.Popen(
        command,
        env={**environ, "PATH": "/usr/local/bin:/usr/bin:/bin:" + environ.get("PATH", "")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    stopper = threading.Thread(target=_end_when_cancelled, args=(child, progress), daemon=True)
    stopper.start()
    output = []
    steps = 0
    for line in child.stdout:
        output.append(line)
        if (match := STEP.match(line)) is not None:
            steps = int(match.group(2))
            progress.update(name, f"compiling {match.group(1)}/{match.group(2)}")
        if verbose:
            progress.note(line.rstrip())
    if child.wait() != 0:
        if progress.cancelled.is_set():
            raise LauncherError("interrupted")
        shown = "" if verbose else "".join(line for line in output if STEP.match(line) is None)
        raise LauncherError(f"{' '.join(command)} failed\n{shown}")
    return steps


def _end_when_cancelled(child, progress):
    while child.poll() is None:
        if progress.cancelled.wait(0.2):
            child.terminate()
            return
