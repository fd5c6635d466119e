"""Programs from npm, by a lock file: those of the package.json of a suite."""

import fcntl
import hashlib
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTALL_SECONDS = 240


def run(command, folder, seconds):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)


def folder_of(suite):
    """Where they are; git ignores it."""
    return ROOT / f"build-{suite}"


def modules(suite):
    """The folder in which those of tests/<suite> are, installed where that is needed."""
    source, folder = ROOT / "tests" / suite, folder_of(suite)
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
        stamp = folder / "installed"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder / name)
            done = run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, INSTALL_SECONDS)
            assert done.returncode == 0, done.stderr[-2000:]
            stamp.write_text(wanted, encoding="utf-8")
    return folder / "node_modules"
