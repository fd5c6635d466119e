"""The system that is looked at, here or elsewhere. What several checks want to know is asked for once."""

import contextlib
import http.client
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from launcher import broker_users, given, web
from launcher.layout import LauncherError, read_json
from launcher.services import SERVICES
from launcher.system import System

from . import declared
from .checks import NotChecked, Unreachable
from .views import Amqp, Control, Management, Nowhere

CONNECT_SECONDS = 5
CALL_SECONDS = 5
STATEMENT_MS = 10000
SAMPLE = re.compile(r"^(\w+)(\{[^}]*\})? (\S+)", re.MULTILINE)
KINDS = ("api", "worker")
PROCESSES = tuple(f"{service}-{kind}" for service in SERVICES for kind in KINDS)


class Patient:
    """A context manager: its sessions are closed at the end."""

    def __init__(self, layout, file=None, environ=os.environ, settings_file=None):
        if file is None and not layout.exists():
            raise LauncherError("nothing was started yet; ./cartwheel up does it, --endpoints names a system elsewhere")
        self.layout, self.environ = layout, environ
        self.settings_file = Path(settings_file) if settings_file else None  # NAME=value lines
        self.file = Path(file) if file else layout.endpoints_file
        self.read_endpoints()
        self.local = None if file else System(layout)
        self._kept = {}
        self._sessions = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._sessions.close()

    def read_endpoints(self):
        self.endpoints = read_json(self.file)
        if not isinstance(self.endpoints, dict):
            raise LauncherError(f"{self.file} holds no addresses")

    def drop(self, key):
        """What once() kept of it, where it has to be of now."""
        self._kept.pop(key, None)

    def forget(self):
        """What was asked for may have changed."""
        self._sessions.close()
        self._kept.clear()

    def once(self, key, ask):
        """ask(), at the first call; a NotChecked is kept like an answer."""
        if key not in self._kept:
            try:
                self._kept[key] = ask()
            except NotChecked as reason:
                self._kept[key] = reason
        if isinstance(self._kept[key], NotChecked):
            raise self._kept[key]
        return self._kept[key]

    def address(self, member):
        url = self.endpoints.get(member)
        if not url:
            raise NotChecked(f"{self.file} does not name it")
        return url

    def ours(self, server):
        """The launcher's component of a server that runs here and is its own; None: it is somebody else's."""
        component = self.local.component(server) if self.local else None
        return None if isinstance(component, given.Given) else component

    # --- databases ---

    def session(self, service):
        """In the service's database, as the service's role; a statement is a transaction."""
        return self.once(("session", service), lambda: self.connect(self.address(f"{service}_database_url")))

    def connect(self, url):
        import psycopg  # the other commands do without

        try:
            found = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="doctor",
                                    prepare_threshold=None)
            self._sessions.callback(found.close)
            found.execute(f"set statement_timeout = {STATEMENT_MS}")
            return found
        except psycopg.Error as error:
            raise Unreachable("the database", _line(error)) from error

    def servers(self):
        """{host:port: the first service whose database is there}."""
        found = {}
        for service in SERVICES:
            url = self.endpoints.get(f"{service}_database_url")
            if url:
                parts = urlsplit(url)
                found.setdefault(f"{parts.hostname}:{parts.port or 5432}", service)
        return found

    def observer(self, service):
        """A session on that service's server that sees most: the superuser's, where its URL is known."""
        url = self.endpoints.get("postgres_superuser_url")
        if url is None and self.ours("postgres"):
            url = (read_json(self.layout.superuser_file) or {}).get("postgres_superuser_url")
        wanted = urlsplit(self.address(f"{service}_database_url"))
        if url is None or (urlsplit(url).hostname, urlsplit(url).port) != (wanted.hostname, wanted.port):
            return self.session(service)
        return self.once(("observer", url), lambda: self.connect(url))

    # --- the broker ---

    @property
    def vhost(self):
        path = urlsplit(self.endpoints.get("amqp_url", "")).path
        return unquote(path[1:]) or broker_users.VHOST

    @property
    def shares_user(self):
        """Whether the services have one user, of a broker that was given to the launcher."""
        return self.local is not None and self.ours("rabbitmq") is None

    def amqp(self):
        return self.once("amqp", self._amqp)

    def _amqp(self):
        found = Amqp(self.address("amqp_url"), self._broker_ca())
        self._sessions.callback(found.close)
        return found

    def _broker_ca(self):
        return self.environ.get("AMQP_CA_FILE") or self.endpoints.get("ca_file")

    def broker(self):
        """Who can be asked about it."""
        if url := self.environ.get("RABBITMQ_MANAGEMENT_URL"):
            return Management(url, self.vhost, self._broker_ca())
        rabbitmq = self.ours("rabbitmq")
        return Control(rabbitmq, self.vhost) if rabbitmq else Nowhere()

    def definitions(self):
        """Queues, exchanges, bindings, policies, users and their rights, as RabbitMQ exports them."""
        return self.once("definitions", lambda: self.broker().definitions())

    def queue_kind(self, service):
        """What its worker declares; None: that is not known."""
        environ = self.environment_of(f"{service}-worker")
        return None if environ is None else declared.kind_of(environ)

    # --- processes ---

    def environment_of(self, process):
        """That of one that runs here, where this user may read it."""
        pid = self.local.component(process).pid() if self.local else None
        try:
            raw = Path(f"/proc/{pid}/environ").read_bytes() if pid else b""
        except OSError:
            return None
        return {os.fsdecode(k): os.fsdecode(v) for k, _, v in (entry.partition(b"=") for entry in raw.split(b"\0")) if k} or None

    def get(self, process, path):
        """(status, text) of its admin listener; nothing is given away, so whoever answers is believed."""
        return self.once((process, path), lambda: self._get(process, path))

    def _get(self, process, path):
        url = self.address(f"{process.replace('-', '_')}_admin")
        with contextlib.closing(web.connection(url, CALL_SECONDS, web.anybody())) as connection:
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return response.status, response.read().decode("utf-8", errors="replace")
            except (OSError, http.client.HTTPException) as error:
                raise NotChecked(f"{url} does not answer: {error or type(error).__name__}") from error

    def readiness(self, process):
        status, text = self.get(process, "/health/ready")
        try:
            return status, json.loads(text)
        except ValueError as error:
            raise NotChecked(f"it is not the admin listener of a process: it answers {status}") from error

    def metrics(self, process):
        """{name and labels as they are written: value}."""
        status, text = self.get(process, "/metrics")
        if status != 200:
            raise NotChecked(f"its metrics are answered {status}")
        return {name + labels: float(value) for name, labels, value in SAMPLE.findall(text)}


def _line(error):
    return " ".join(str(error).split()) or type(error).__name__
