"""What takes long and needs nobody to look at it is started once, at the beginning."""

import subprocess

import pytest

from support.names import MIGRATORS, service_of
from support.urls import with_address


@pytest.fixture(scope="session", autouse=True)
def hopeless_migrators(system):
    """A migrator of each service that waits for a database that will not come: {name: process}."""
    running = {}
    for name in MIGRATORS:
        environment = system.environment(service_of(name) + "-worker")
        environment["DATABASE_URL"] = with_address(environment["DATABASE_URL"], 1)
        running[name] = subprocess.Popen([system.binary(name)], env=environment, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield running
    for process in running.values():
        if process.poll() is None:
            process.kill()
        process.communicate()
