"""clients/typescript is what openapi-typescript makes of docs/api."""

import pathlib
import shutil
import sys

from support.npm import modules, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 120


def check(root):
    return run([sys.executable, str(root / "tools" / "build" / "api_types.py"), "--check"], root, SECONDS)


def test_the_types_are_those_of_the_documents():
    modules("documents")
    done = check(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_change_of_a_document_is_noticed(tmp_path):
    """In a copy of what it takes: a member has another name."""
    for path in ("tools/build", "docs/api", "clients/typescript", "services/services.list"):
        source, there = ROOT / path, tmp_path / path
        there.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, there)
    (tmp_path / "build-documents").mkdir()
    (tmp_path / "build-documents" / "node_modules").symlink_to(modules("documents"))
    document = tmp_path / "docs" / "api" / "order.yaml"
    document.write_text(document.read_text(encoding="utf-8").replace("unitPrice", "price"), encoding="utf-8")
    done = check(tmp_path)
    assert done.returncode == 1 and "order.ts" in done.stdout, done.stdout + done.stderr
