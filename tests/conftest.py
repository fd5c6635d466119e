"""One private Cartwheel for the whole run; every test isolates itself by ids of its own."""

import collections
import os
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from support import documents
from support.api import NotificationApi, OrderApi, StockApi, new_id
from support.broker import Broker
from support.invariants import DeadLetterMark
from support.system import GivenSystem, System, alive, private_system
from support.tap import Tap
from support.urls import with_path

# Everything here is on this machine: no proxy may come in between.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


# What takes longest comes first: then those that share the tests out among them end together.
LONGEST = ("test_observed.py", "test_tls.py", "test_launcher.py", "test_crashes.py", "test_stuck_orders.py", "test_servers_away.py",
           "test_customers.py", "test_reshape.py", "test_outbox.py", "test_dlq_api.py", "test_replay_jobs.py", "test_access.py",
           "test_hostile_issuer.py", "test_topology.py", "test_generated_requests.py")


def _place(item):
    name = item.path.name
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(config, items):
    """Against a system of somebody else's only those tests run that need nothing but its addresses, on a sanitizer
    build only those that run something of ours in a way that the rows of the fault plan do not."""
    chosen = items[:]
    if os.environ.get("CARTWHEEL_TEST_ENDPOINTS"):
        chosen = [item for item in chosen if item.get_closest_marker("by_address")]
    if os.environ.get("CARTWHEEL_SANITIZERS"):
        elsewhere = ("none_of_ours", "in_fault_plan")
        chosen = [item for item in chosen if not any(map(item.get_closest_marker, elsewhere))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = sorted(chosen, key=_place)


COUNTED = pytest.StashKey()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A worker of pytest-xdist ended: what it counted."""
    node.config.stash.setdefault(COUNTED, []).append(getattr(node, "workeroutput", {}).get("documents", {}))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["documents"] = dict(documents.counts)


def pytest_terminal_summary(terminalreporter, config):
    total = sum(map(collections.Counter, config.stash.get(COUNTED, [])), documents.counts)
    if total:
        terminalreporter.write_line("held to the documents: " + ", ".join(f"{n} {what}" for what, n in sorted(total.items())))


@pytest.fixture(autouse=True)
def held_to_the_documents():
    """Whatever the test said to our APIs, and they and our workers to it, is in docs/api and docs/events."""
    documents.deviations.clear()
    yield
    found, documents.deviations[:] = list(dict.fromkeys(documents.deviations)), []
    assert not found, "not as documented:\n" + "\n".join(found[:20])


SYSTEMS = []  # of the run, that we may start again


@pytest.fixture(autouse=True)
def runs_again():
    """No test takes its neighbours with it: whatever ran before it and does not now is started again, and told."""
    before = [(running, running.stopped()) for running in SYSTEMS]
    yield
    left = {name: running for running, missing in before for name in running.stopped() if name not in missing}
    for name, running in left.items():
        running.start(name)
    assert not left, f"left behind: {', '.join(left)} did not run any more"


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
        SYSTEMS.append(running)
        yield running
        return
    with private_system() as running:
        SYSTEMS.append(running)
        yield running
        SYSTEMS.remove(running)


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
def empty_database(databases):
    """Makes empty databases owned by a service's role; gives their URLs; drops them at the end."""
    made = []

    def create(service):
        made.append("empty_" + new_id().replace("-", ""))
        with databases.superuser() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(made[-1]), sql.Identifier(urlsplit(databases.url(service)).username)))
        return with_path(databases.url(service), made[-1])

    yield create
    with databases.superuser() as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


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
