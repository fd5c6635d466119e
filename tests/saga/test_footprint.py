"""Memory when idle and the time from exec to ready."""

import time

import pytest
import requests

from support.child import Child
from support.names import PROCESSES
from support.system import memory_kib
from support.waits import SLOWNESS

IDLE_KIB = 24 * 1024
READY_S = 0.3
TRY_FOR_S = 150


@pytest.fixture(autouse=True)
def not_sanitized(system):
    if system.is_sanitized:
        pytest.skip("a sanitizer build is larger and slower by design")


def seconds_to_ready(process):
    """From exec to the first 200, polled without pause."""
    while True:
        try:
            if process.get("/health/ready").status_code == 200:
                return time.monotonic() - process.started_at
        except requests.RequestException:
            assert process.process.poll() is None, process.log
        assert time.monotonic() - process.started_at < 30, process.log


@pytest.mark.parametrize("name", PROCESSES)
def test_ready_within_300_ms_and_at_most_24_mib(system, name):
    """The best of a few starts: other load of the machine is not the process's fault."""
    seconds = []
    give_up_at = time.monotonic() + TRY_FOR_S
    while not seconds or (seconds[-1] > READY_S and time.monotonic() < give_up_at):
        process = Child(system, name)
        try:
            seconds.append(seconds_to_ready(process))
            assert memory_kib(process.process.pid) <= IDLE_KIB
            assert process.stop() == 0
        finally:
            process.discard()
    assert min(seconds) <= READY_S * SLOWNESS, seconds


@pytest.mark.parametrize("name", PROCESSES)
def test_idle_memory_of_the_running_system(system, name):
    """After whatever load came before: at rest a process is small again."""
    assert system.rss_kib(name) <= IDLE_KIB, f"{name}: {system.rss_kib(name)} KiB"
