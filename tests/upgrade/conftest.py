"""The programs of two versions, and a private system that the former one has set up."""

import os
import pathlib

import pytest

import former
from launcher.layout import Layout
from support.broker import Broker
from support.child import run_binary
from support.names import QUEUES, SERVICES, dead_letter_queue, unread_queue
from support.system import alive, private_system
from support.waits import eventually

RETRIES = (1, 2)
TIMEOUT_S = 900  # the first test waits for the build


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(autouse=True)
def held_to_the_documents():
    """In place of the other suites': the former version keeps to its own documents."""


@pytest.fixture(scope="session")
def old():
    """The folder of the former version's programs."""
    try:
        return former.build_of() / "services"
    except former.NoHistory as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def new():
    return Layout(os.environ).build / "services"


@pytest.fixture(scope="session")
def system(old):
    """Servers, and what each process has to be told; none of ours runs. Identity, which the former version does not know,
    is switched on after an upgrade: with it the keys of repeated requests become their caller's."""
    with private_system({"CARTWHEEL_BUILD": str(old.parent), "AUTH": "off"}) as running:
        pids = running.pids()
        for name in pids:
            running.signal(name)
        eventually(lambda: not any(map(alive, pids.values())), "the launcher's processes to end", 60)
        yield running


def empty(system):
    """No table and no queue of ours is left."""
    for service in SERVICES:
        system.databases.execute(service, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with Broker(system.amqp_url) as broker:
        for queue in QUEUES:
            retries = [f"{queue}.retry.{number}" for number in RETRIES]
            for name in (queue, dead_letter_queue(queue), unread_queue(queue), *retries):
                broker.channel.queue_delete(name)


def migrate(system, folder: pathlib.Path, service):
    """Runs the service's migrator of the build in @folder; whether there was anything to migrate."""
    system.use_binaries(folder)
    done = run_binary(system, f"{service}-migrator")
    assert done.returncode == 0, done.stdout + done.stderr
    return '"migration applied"' in done.stdout
