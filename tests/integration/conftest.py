"""What takes long and needs nobody to look at it is started once, at the beginning."""

import subprocess
from urllib.parse import urlsplit, urlunsplit

import pytest

from support.names import MIGRATORS, service_of


@pytest.fixture(scope="session", autouse=True)
def hopeless_migrators(system):
    """A migrator of each service that waits for a database that will not come: {name: process}."""
    running = {}
    for name in MIGRATORS:
        environment = system.environment(service_of(name) + "-worker")
        parts = urlsplit(environment["DATABASE_URL"])
        environment["DATABASE_URL"] = urlunsplit(parts._replace(netloc=parts.netloc.rsplit(":", 1)[0] + ":1"))
        running[name] = subprocess.Popen([system.binary(name)], env=environment, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield running
    for process in running.values():
        if process.poll() is None:
            process.kill()
        process.communicate()
