"""@redocly/cli finds nothing to say about docs/api and docs/events."""

import pathlib
import shutil

from support.npm import folder_of, modules, run

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
LINT_SECONDS = 120


def lint(*documents, config=HERE / "redocly.yaml"):
    command = ["node", str(modules("documents") / "@redocly" / "cli" / "bin" / "cli.js"), "lint", "--config", str(config), *map(str, documents)]
    return run(command, folder_of("documents"), LINT_SECONDS)


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
