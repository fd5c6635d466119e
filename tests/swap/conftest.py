"""One private system whose queues have the shape of the replaced system's; its workers are the tests' own."""

import pytest

from support.broker import Broker
from support.fakes import FakeHttp
from support.names import SERVICES, WORKERS
from support.standins.process import lay_out
from support.system import private_system

SHAPE = {"BROKER_SHAPE": "dotnet"}


@pytest.fixture(scope="session")
def system():
    with private_system(SHAPE) as running:
        for name in WORKERS:
            running.stop(name)
        yield running


@pytest.fixture
def empty_queues(system):
    """Nothing is left of the test before."""
    with Broker(system.amqp_url) as broker:
        broker.purge_all()


@pytest.fixture
def their_databases(empty_database):
    """{service: URL} of databases as the replaced services have them."""
    urls = {service: empty_database(service) for service in SERVICES}
    for service, url in urls.items():
        lay_out(url, service)
    return urls


@pytest.fixture
def sender():
    """What the notification service's mails are given to."""
    with FakeHttp(lambda method, path, body: (200, {})) as server:
        yield server
