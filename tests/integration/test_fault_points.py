"""Fault points are for a build of their own."""

import pathlib
import re

import pytest

from support.names import MIGRATORS, PROCESSES
from support.system import ROOT

POINT = re.compile(r"CH_FAULT_ON\(([^;]+),[^,;]+\);")  # its first argument: one name, or a choice of names


def fault_points():
    """Every name that the sources give to CH_FAULT_ON."""
    sources = [path.read_text() for folder in ("chassis", "services") for path in (ROOT / folder).rglob("*.c")]
    return {name for text in sources for names in POINT.findall(text) for name in re.findall(r'"(\w+)"', names)}


@pytest.mark.parametrize("name", PROCESSES + MIGRATORS)
def test_this_build_names_no_fault_point(system, name):
    if system.is_sanitized:
        pytest.skip("sanitizer builds have them, for the fault plan")
    points = fault_points()
    assert {"before_commit", "amid_publish", "after_publish"} <= points
    binary = pathlib.Path(system.binary(name)).read_bytes()
    assert [text for text in ("FAULT_POINT", *sorted(points)) if text.encode() in binary] == []
