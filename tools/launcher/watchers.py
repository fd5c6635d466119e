"""Debian's Prometheus, Alertmanager and postgres_exporter beside the system: ./cartwheel up --observe starts what is installed.

They run as an ordinary user whoever we are, and go on with the rules and the route of deploy/prometheus.
"""

import json
from pathlib import Path
from urllib.parse import quote, urlsplit

from . import processes
from .accounts import NOBODY, Account
from .certificates import Authority
from .component import Component
from .observe import answers

PROGRAMS = Path("/usr/bin")
ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
RULES = ("alerts.yml", "objectives.yml")
EVERY = "5s"  # between two looks, at the system and at the rules: sooner than in production, somebody waits for it
KEPT_TIME, KEPT_SIZE = "7d", "256MB"


class Watcher(Component):
    """A server that looks at the system. Subclasses fill in the arguments, what package it is of, and what it needs."""

    package = ""
    ready_path = "/-/ready"

    def __init__(self, layout, settings, registry, data_folder):
        super().__init__(layout, settings, registry)
        self._data_folder = data_folder  # function: the folder that holds the servers' data

    def arguments(self, account):
        raise NotImplementedError

    def environ(self, account):
        return ENVIRON

    def is_installed(self):
        return (PROGRAMS / self.package).exists()

    def port_names(self):
        return [self.name]

    def listen(self):
        return f"127.0.0.1:{self.settings.port(self.name)}"

    def address(self):
        return f"http://{self.listen()}"

    def launch(self, progress):
        account = Account(NOBODY)
        command = [str(PROGRAMS / self.package), *self.arguments(account), f"--web.listen-address={self.listen()}"]
        return processes.spawn(self.layout, self.name, command, self.environ(account), account, background=True)

    def probe(self):
        return answers(self.settings.port(self.name), self.ready_path)

    def folder(self, account):
        """Its own, made."""
        folder = self._data_folder() / self.name
        account.own(folder)
        return folder

    def copy(self, account, name):
        """A file of deploy/prometheus where this user can read it."""
        source = self.layout.root / "deploy" / "prometheus" / name
        account.write(self.folder(account) / name, source.read_text(encoding="utf-8"))


class Alertmanager(Watcher):
    name = "alertmanager"
    package = "prometheus-alertmanager"

    def arguments(self, account):
        self.copy(account, "alertmanager.yml")
        folder = self.folder(account)
        return [f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
                "--cluster.listen-address=", "--log.level=warn"]  # alone: it looks for no others


class PostgresExporter(Watcher):
    """Only beside a PostgreSQL of ours, where it has a role of its own."""

    name = "postgres-exporter"
    package = "prometheus-postgres-exporter"
    ready_path = "/"

    def __init__(self, *common, postgres):
        super().__init__(*common)
        self._postgres = postgres

    def arguments(self, account):
        return ["--log.level=warn"]

    def environ(self, account):
        url = self._postgres.observer_url()
        if not self.settings.tls:
            return {**ENVIRON, "DATA_SOURCE_NAME": f"{url}?sslmode=disable"}
        authority = Authority(self.layout.tls).file
        reached = account.reachable(authority, self._data_folder())
        return {**ENVIRON, "DATA_SOURCE_NAME": url.replace(quote(str(authority)), quote(str(reached)))}


class Prometheus(Watcher):
    name = "prometheus"
    package = "prometheus"

    def __init__(self, *common, looks_at, alertmanager):
        super().__init__(*common)
        self._looks_at = looks_at  # function: the jobs of its configuration
        self._alertmanager = alertmanager

    def arguments(self, account):
        folder = self.folder(account)
        for name in RULES:
            self.copy(account, name)
        account.write(folder / "prometheus.yml", json.dumps(self._configuration(), indent=2) + "\n")  # which is YAML, too
        return [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", "--log.level=warn",
                f"--storage.tsdb.retention.time={KEPT_TIME}", f"--storage.tsdb.retention.size={KEPT_SIZE}"]

    def _configuration(self):
        told = [{"static_configs": [{"targets": [self._alertmanager.listen()]}]}] if self._alertmanager.runs() else []
        return {
            "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
            "rule_files": list(RULES),
            "alerting": {"alertmanagers": told},
            "scrape_configs": self._looks_at(),
        }


def jobs(admin_urls, broker, exporter):
    """Those of deploy/prometheus/prometheus.yml, without what is not here. @admin_urls: {process: URL}; addresses of the
    others, or None."""
    own = {"job_name": "cartwheel"}
    own["static_configs"] = [
        {"targets": [urlsplit(url).netloc], "labels": {"process": process}} for process, url in admin_urls.items()
    ]
    if any(url.startswith("https:") for url in admin_urls.values()):
        own |= {"scheme": "https", "tls_config": {"insecure_skip_verify": True}}  # as probes do: clients refuse it
    found = [own]
    if broker is not None:
        found.append(_job("rabbitmq", broker))
        detail = {"family": ["queue_coarse_metrics", "queue_consumer_count"]}
        found.append({**_job("rabbitmq-queues", broker), "metrics_path": "/metrics/detailed", "params": detail})
    if exporter is not None:
        found.append(_job("postgres", exporter))
    return found


def _job(name, address):
    return {"job_name": name, "static_configs": [{"targets": [address]}]}
