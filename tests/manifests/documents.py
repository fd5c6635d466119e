"""The tables of the documentation that say what the manifests must be."""

import re

from rendering import SERVICES
from tools import ROOT

CELL = re.compile(r"\s*\|\s*")


def table(heading, document="deployment.md"):
    """The rows below a heading, without the head; each a list of texts without code marks."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    _, found, rest = text.partition(f"{heading}\n")
    assert found, f"docs/{document} has no line {heading}"
    lines = rest.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.replace("`", "") for cell in CELL.split(line)[1:-1]])
    assert len(rows) > 2, f"no table below {heading}"
    return rows[2:]


def names(cell):
    """The names of a cell, with <service> not yet replaced."""
    return [name.strip() for name in cell.split(",")]


def for_services(values):
    """values once for each service where they speak of <service>, else as they are."""
    if not any("<service>" in value for value in values):
        return [values]
    return [[value.replace("<service>", service) for value in values] for service in SERVICES]
