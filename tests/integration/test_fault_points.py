"""Fault points are for a build of their own."""

import pathlib

import pytest

from support.names import MIGRATORS, PROCESSES


@pytest.mark.parametrize("name", PROCESSES + MIGRATORS)
def test_this_build_holds_neither_fault_points_nor_seeded_bugs(system, name):
    if system.is_sanitized:
        pytest.skip("sanitizer builds have them, for the fault plan")
    binary = pathlib.Path(system.binary(name)).read_bytes()
    assert b"FAULT_POINT" not in binary and b"SEEDED_BUG" not in binary
    assert b"no_inbox" not in binary and b"unsorted_locks" not in binary
