"""@redocly/cli finds nothing to say about docs/api and docs/events."""

import fcntl
import hashlib
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build-documents"
INSTALL_SECONDS = 240
LINT_SECONDS = 120


def run(command, folder, seconds):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)


def installed():
    """The path of the program, from npm by a lock file, in a folder that git ignores."""
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
    return FOLDER / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js"


def lint(*documents, config=HERE / "redocly.yaml"):
    command = ["node", str(installed()), "lint", "--config", str(config), *map(str, documents)]
    return run(command, FOLDER, LINT_SECONDS)


def test_the_documents_are_lint_clean():
    services = (ROOT / "services" / "services.list").read_text(encoding="utf-8").split()
    done = lint(*(ROOT / "docs" / "api" / f"{service}.yaml" for service in services),
                ROOT / "docs" / "events" / "asyncapi.yaml")
    assert done.returncode == 0 and "warning" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_fault_is_found(tmp_path):
    """A planted one: an example that its schema does not allow."""
    shutil.copy(ROOT / "docs" / "api" / "common.yaml", tmp_path)
    text = (ROOT / "docs" / "api" / "order.yaml").read_text(encoding="utf-8")
    planted = tmp_path / "order.yaml"
    planted.write_text(text.replace("status: Confirmed", "status: Lost"), encoding="utf-8")
    done = lint(planted)
    assert done.returncode == 1 and "no-invalid-schema-examples" in done.stdout + done.stderr, done.stdout + done.stderr
