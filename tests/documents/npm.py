"""The programs of package.json, from npm by a lock file."""

import fcntl
import hashlib
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
FOLDER = HERE.parents[1] / "build-documents"  # git ignores it
INSTALL_SECONDS = 240


def run(command, folder, seconds):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)


def modules():
    """The folder in which they are, installed where that is needed."""
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
        stamp = FOLDER / "installed"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, FOLDER / name)
            done = run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], FOLDER, INSTALL_SECONDS)
            assert done.returncode == 0, done.stderr[-2000:]
            stamp.write_text(wanted, encoding="utf-8")
    return FOLDER / "node_modules"
