"""Servers that exist already, told by variables of `up`: used as they are, shown, never stopped or cleaned. Beside them,
the certificate that our own listeners are to show.

What was told is kept in the settings, so that later commands know it; the next `up` decides again. Only `up` looks at these
variables: tests and measurements have servers of their own.
"""

import os
import socket
from urllib.parse import urlsplit

from . import catalogue
from .component import Component
from .layout import LauncherError

BROKER = "AMQP_URL"
BROKER_FILES = ("AMQP_CA_FILE", "AMQP_CERT_FILE", "AMQP_KEY_FILE")
CERTIFICATE = "HTTP_TLS_CERT_FILE"
LISTENER_FILES = (CERTIFICATE, "HTTP_TLS_KEY_FILE")
FILES = (*BROKER_FILES, *LISTENER_FILES)
PORTS = {"amqp": 5672, "amqps": 5671, "postgresql": 5432, "postgres": 5432}
PROBE_SECONDS = 2


def database_variable(service):
    return f"{service.upper()}_DATABASE_URL"


VARIABLES = (BROKER, *FILES, *(database_variable(service) for service in catalogue.read()))


def found(environ):
    """{variable: its value} of those that are set; our processes run in another folder than the reader."""
    set_ones = {name: environ[name] for name in VARIABLES if environ.get(name)}
    return {name: os.path.abspath(value) if name in FILES else value for name, value in set_ones.items()}


def forget(environ):
    """For whoever starts systems of its own."""
    for name in VARIABLES:
        environ.pop(name, None)


def decide(system_settings, environ, running):
    """Keeps what @environ says; what runs already has been told something else and must be stopped first."""
    wanted = found(environ)
    if wanted == system_settings.given:
        return
    if running:
        raise LauncherError(
            "this system runs with other servers or certificates than the variables of this command say: ./cartwheel down first"
        )
    system_settings.given = wanted


class Given(Component):
    """Servers of somebody else's, in the place of one of ours."""

    def __init__(self, layout, settings, registry, name, urls):
        super().__init__(layout, settings, registry)
        self.name = name
        self._urls = urls

    def port_names(self):
        return []

    def address(self):
        return ", ".join(sorted({f"{host}:{port}" for host, port in map(_place, self._urls)})) + " (given)"

    def pid(self):
        return None

    def runs(self):
        return True

    def start(self, progress, may_move=True, wait=True):
        progress.begin(self.name, "looking")
        if wait and (missing := self.probe()) is not None:
            raise LauncherError(f"{self.name} is given by the environment, but {missing}")
        progress.done(self.name, f"used as it is at {self.address()}")
        return False

    def stop(self, progress, kill=False):
        return False

    def end_leftovers(self, progress):
        pass

    def probe(self):
        for host, port in map(_place, self._urls):
            try:
                socket.create_connection((host, port), PROBE_SECONDS).close()
            except OSError as error:
                return f"{host}:{port} does not answer: {error}"
        return None


def _place(url):
    parts = urlsplit(url)
    try:
        return parts.hostname or "localhost", parts.port or PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise LauncherError("a URL of a given server is none: amqp[s]:// or postgresql:// is expected") from None
