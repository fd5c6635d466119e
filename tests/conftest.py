"""One private Cartwheel for the whole run; every test isolates itself by ids of its own."""

import contextlib
import os
import pathlib
import tempfile

import pytest

from support.api import NotificationApi, OrderApi, StockApi
from support.broker import Broker, Tap
from support.invariants import DeadLetterMark
from support.names import PROCESSES
from support.system import GivenSystem, System, alive

# Everything here is on this machine: no proxy may come in between.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


# Reports of sanitizers, and an answer of the broker that only a client's misuse or its own fault can bring.
NEVER_IN_A_LOG = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", ": runtime error:",
                  "541 INTERNAL_ERROR")


def assert_clean_logs(logs):
    """A sanitizer build writes its reports into the log, leaks when the process ends."""
    for name, path in logs.items():
        text = pathlib.Path(path).read_text(errors="replace")
        for report in NEVER_IN_A_LOG:
            place = text.find(report)
            if place >= 0:
                pytest.fail(f"log of {name}: {text[max(0, place - 400):place + 4000]}", pytrace=False)


def pytest_collection_modifyitems(config, items):
    """Against a system of somebody else's only those tests run that need nothing but its addresses."""
    if os.environ.get("CARTWHEEL_TEST_ENDPOINTS"):
        fitting = [item for item in items if item.get_closest_marker("by_address")]
        config.hook.pytest_deselected(items=[item for item in items if item not in fitting])
        items[:] = fitting


@contextlib.contextmanager
def private_system(env=None):
    """A system of its own, stopped at the end, when its logs must hold nothing that never should be there."""
    with tempfile.TemporaryDirectory(prefix="cartwheel-test-") as home:
        # An unprivileged database server has to reach its data below this directory.
        pathlib.Path(home).chmod(0o755)
        running = System(home)
        try:
            running.up(env)
            yield running
        finally:
            logs = {name: running.processes[name]["log"] for name in PROCESSES if name in running.processes}
            running.down()
        assert_clean_logs(logs)


@pytest.fixture(scope="session")
def system():
    """The running system.

    CARTWHEEL_TEST_HOME names one of the launcher that already runs and is left running;
    CARTWHEEL_TEST_ENDPOINTS the endpoints file of one that somebody else runs.
    """
    endpoints = os.environ.get("CARTWHEEL_TEST_ENDPOINTS")
    if endpoints:
        yield GivenSystem(endpoints)
        return
    given = os.environ.get("CARTWHEEL_TEST_HOME")
    if given:
        running = System(given)
        running.up()
        yield running
        return
    with private_system() as running:
        yield running


@pytest.fixture(scope="module")
def tls():
    """A second one, whose servers speak TLS alone."""
    with private_system({"CARTWHEEL_TLS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def orders(system):
    return OrderApi(system.api("order"))


@pytest.fixture(scope="session")
def stocks(system):
    return StockApi(system.api("stock"))


@pytest.fixture(scope="session")
def notifications(system):
    return NotificationApi(system.api("notification"))


@pytest.fixture(scope="session")
def apis(orders, stocks, notifications):
    return {"order": orders, "stock": stocks, "notification": notifications}


@pytest.fixture
def databases(system):
    return system.databases


@pytest.fixture
def broker(system):
    with Broker(system.amqp_url) as connection:
        yield connection


@pytest.fixture
def tap(system):
    with Tap(system.amqp_url) as listening:
        yield listening


@pytest.fixture
def dead_letters(system):
    """What was dead-lettered since the test began."""
    return DeadLetterMark(system)


@pytest.fixture
def same_processes(system):
    """The test must leave every process that we run as it was: same pid, alive."""
    before = system.pids()
    yield before
    assert system.pids() == before
    for name, pid in before.items():
        assert alive(pid), f"{name} (pid {pid}) died; end of its log:\n{system.log(name)[-2000:]}"
