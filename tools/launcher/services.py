"""Our own processes: each service of services/services.list has an API, a worker and a migrator."""

import http.client
import json
import os
import subprocess
from urllib.parse import quote

from . import catalogue, given, processes, web
from .accounts import NOBODY, Account
from .component import LOG_LINES_SHOWN, STARTING_STOP_SECONDS, Component
from .layout import LauncherError

SERVICES = tuple(catalogue.read())
APIS = tuple(f"{service}-api" for service in SERVICES)
WORKERS = tuple(f"{service}-worker" for service in SERVICES)
MIGRATOR_SECONDS = 120
PROBE_SECONDS = 2

# What the launcher sets; the same with _FILE would contradict it.
OURS = (
    "HTTP_LISTEN", "ADMIN_LISTEN", "ADMIN_TOKEN", "DATABASE_URL", "AMQP_URL", "AMQP_CA", "AMQP_CERT", "AMQP_KEY",
)  # fmt: skip

ISSUER = ("AUTH_ISSUER", "AUTH_JWKS_FILE", "AUTH_CA_FILE")


def binary(layout, name):
    return layout.build / "services" / name


def environment(servers, service):
    """The reader's environment with the addresses of our servers."""
    environ = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in OURS}
    given.forget(environ)
    environ["DATABASE_URL"] = servers.database_url(service)
    environ["AMQP_URL"] = servers.amqp_url(service)
    account = Account(NOBODY)
    if account.changes:
        environ["HOME"] = account.home  # where libpq looks for files, which it must not fail to
    if servers.authority is not None:
        authority = servers.authority.file
        reached = account.reachable(authority, servers.data_folder())
        if not servers.broker_is_given:
            environ["AMQP_CA_FILE"] = str(reached)
        environ["DATABASE_URL"] = environ["DATABASE_URL"].replace(quote(str(authority)), quote(str(reached)))
    _give_issuer(environ, servers, account)
    servers.spans.told_to(environ)
    servers.slow_mail.told_to(environ)
    return environ | servers.files


def _give_issuer(environ, servers, account):
    """Unless the reader names one, or wants authentication off, the issuer is our own."""
    if environ.get("AUTH", "on") != "on" or any(environ.get(name) for name in ISSUER):
        return
    environ["AUTH_ISSUER"] = servers.issuer.name
    environ["AUTH_JWKS_FILE"] = str(account.reachable(servers.issuer.jwks_file, servers.data_folder()))


def spawn(layout, servers, name, environ, background=False):
    """Starts one of our binaries, as an ordinary user whoever we are."""
    account = Account(NOBODY)
    command = [str(account.reachable(binary(layout, name), servers.data_folder()))]
    return processes.spawn(layout, name, command, environ, account, layout.home, background)


class Process(Component):
    """One API or worker."""

    def __init__(self, layout, settings, registry, servers, name):
        super().__init__(layout, settings, registry)
        self.name = name
        self.service, _, self.kind = name.partition("-")
        self._servers = servers
        self._paused = []

    @property
    def admin_url(self):
        return f"{self._scheme}://{self._listen(f'{self.name}_admin')}"

    @property
    def http_url(self):
        """The public base URL of an API; None for a worker."""
        return f"{self._scheme}://{self._listen(self.name)}" if self.kind == "api" else None

    @property
    def _scheme(self):
        return "https" if given.CERTIFICATE in self.settings.given else "http"

    def _listen(self, port):
        return f"127.0.0.1:{self.settings.port(port)}"

    def port_names(self):
        return [self.name, f"{self.name}_admin"] if self.kind == "api" else [f"{self.name}_admin"]

    def address(self):
        return self.http_url or f"{self.admin_url} (admin)"

    def launch(self, progress):
        environ = environment(self._servers, self.service)
        environ["ADMIN_LISTEN"] = self._listen(f"{self.name}_admin")
        if self.kind == "api":
            environ["HTTP_LISTEN"] = self._listen(self.name)
        else:
            environ["ADMIN_TOKEN"] = self.settings.password("admin_token")
        return spawn(self.layout, self._servers, self.name, environ, background=self.kind == "worker")

    def probe(self):
        """Over TLS the certificate does not matter, as for --health: clients are those who refuse it."""
        connection = web.connection(self.admin_url, PROBE_SECONDS, web.anybody())
        try:
            connection.request("GET", "/health/ready")
            response = connection.getresponse()
            body = response.read(4096)
        except (OSError, http.client.HTTPException):
            return "starting"
        finally:
            connection.close()
        self._paused = _what_is_paused(body)
        return None if response.status == 200 else f"not ready: {_what_is_down(body)}"

    def paused(self):
        return self._paused


def _what_is_paused(body):
    try:
        return [str(name) for name in json.loads(body).get("paused", [])]
    except (ValueError, AttributeError, TypeError):
        return []


def _what_is_down(body):
    """Names of the dependencies that a process misses, from its answer."""
    try:
        dependencies = json.loads(body)["dependencies"]
        return ", ".join(name for name, state in dependencies.items() if state["status"] != "ok")
    except (ValueError, KeyError, TypeError, AttributeError):
        return body.decode("utf-8", errors="replace").strip()[:80]


def _end(child):
    child.terminate()
    try:
        child.wait(STARTING_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def migrate(layout, servers, service, progress):
    """Runs a service's migrator to its end. Fails with what it said."""
    name = f"{service}-migrator"
    progress.begin(name, "migrating")
    log = layout.log(name)
    child = spawn(layout, servers, name, environment(servers, service))
    waited = 0.0
    while child.poll() is None:
        if progress.cancelled.is_set() or waited > MIGRATOR_SECONDS:
            _end(child)
            why = "interrupted" if progress.cancelled.is_set() else f"not done after {MIGRATOR_SECONDS} s"
            raise LauncherError(f"{name}: {why}; its log is {log}")
        try:
            child.wait(0.1)
        except subprocess.TimeoutExpired:
            waited += 0.1
    if child.returncode != 0:
        lines = processes.tail(log, LOG_LINES_SHOWN)
        raise LauncherError(f"{name} failed (exit code {child.returncode})\nthe end of {log}:\n{lines}")
    progress.done(name, "database and broker are up to date")
