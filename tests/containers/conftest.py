"""The images, and one composed system of them for the whole run, on a Docker that answers or a private one."""

import os

import pytest

from harness import images
from harness.command import MINUTE, run
from harness.daemon import docker_daemon
from harness.stack import Stack, first_times
from support.system import GivenSystem

TAG = f"test-{os.getpid()}"
REPORT = pytest.StashKey()


def pytest_configure(config):
    config.stash[REPORT] = {}


def pytest_collection_modifyitems(items):
    """The first test that needs them waits for all builds."""
    for item in items:
        item.add_marker(pytest.mark.timeout(15 * MINUTE))


def pytest_terminal_summary(terminalreporter, config):
    for title, lines in config.stash[REPORT].items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def report(request):
    """report(title, lines): figures that are shown at the end."""
    def add(title, lines):
        request.config.stash[REPORT].setdefault(title, []).extend(lines)
    return add


@pytest.fixture(scope="session")
def docker():
    """Whether the daemon is a private one, whose images go with it."""
    with docker_daemon() as private:
        yield private


@pytest.fixture(scope="session")
def built(docker):
    """The images of this checkout are there; what docker-compose.yml must be told about the servers'."""
    try:
        yield images.build_all(TAG)
    finally:
        if not docker:
            run("docker", "image", "rm", *images.made(TAG), check=False, timeout=5 * MINUTE)


@pytest.fixture(scope="session")
def image(built):
    """The name of a binary's image."""
    return lambda binary: images.image_of(binary, TAG)


@pytest.fixture(scope="session")
def stack(built):
    """Started by the two commands of the README; taken away with its data at the end."""
    composed = Stack(TAG, built)
    try:
        with composed.events("health_status") as events:
            composed.up()
        composed.first_healthy = first_times(events, "health_status: healthy")
        composed.at_start = composed.everything()
        yield composed
    finally:
        composed.down("--volumes")
    assert not composed.leftovers()


@pytest.fixture(scope="session")
def endpoints_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("containers")


@pytest.fixture(scope="session")
def system(stack, endpoints_folder):
    """The same as a client knows it: addresses alone."""
    return GivenSystem(stack.write_endpoints(endpoints_folder))
