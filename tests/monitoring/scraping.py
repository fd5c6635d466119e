"""Debian's Prometheus, postgres_exporter and RabbitMQ's own plugin beside a running system."""

import contextlib
import subprocess
import sys
from urllib.parse import urlsplit

import requests
import yaml

from rules import FOLDER, RULE_FILES
from support.names import PROCESSES
from support.system import free_port
from support.waits import eventually

# The plugin is not among those that the launcher offers its broker, which therefore starts sooner: it is put there and
# started, as `rabbitmq-plugins enable` does.
ENABLE = """
[file:make_symlink(P, filename:join(rabbit_plugins:plugins_dir(), filename:basename(P)))
 || P <- filelib:wildcard("/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/*")],
application:set_env(rabbitmq_prometheus, tcp_config, [{ip, "127.0.0.1"}, {port, %d}]),
{ok, File} = application:get_env(rabbit, enabled_plugins_file),
ok = file:write_file(File, "[rabbitmq_prometheus]."),
{ok, _, _} = rabbit_plugins:ensure(File).
"""


SCRAPE = "3s"  # which is also what a loaded broker has for its answer


@contextlib.contextmanager
def _server(command, address, path, environ=None):
    """A server that answers at @path, until the end of the block."""
    with subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr) as child:
        try:
            def answers():
                assert child.poll() is None, f"{command[0]} ended with {child.returncode}"
                return requests.get(f"http://{address}{path}", timeout=5).ok
            eventually(answers, f"{command[0]} to answer", 30, forgive=(requests.RequestException,))
            yield
        finally:
            child.terminate()


def _plugin(system):
    address = f"127.0.0.1:{free_port()}"
    system.launcher("rabbitmqctl", "eval", ENABLE % int(address.rpartition(":")[2]))
    return address


def _configuration(system, plugin, exporter):
    """The one that is shipped, with the addresses of this system in place of names that compose gives, and more often."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": SCRAPE, "evaluation_interval": "1s"}
    config["rule_files"] = [str(path) for path in RULE_FILES]
    del config["alerting"]
    for job in config["scrape_configs"]:
        if job["job_name"] == "cartwheel":
            del job["dns_sd_configs"], job["relabel_configs"]
            job["static_configs"] = [{"targets": [urlsplit(system.admin(name)).netloc], "labels": {"process": name}} for name in PROCESSES]
        else:
            job["static_configs"] = [{"targets": [plugin if job["job_name"].startswith("rabbitmq") else exporter]}]
    return config


class Prometheus:
    def __init__(self, address):
        self._api = f"http://{address}/api/v1"

    def _get(self, path, **query):
        answer = requests.get(f"{self._api}/{path}", params=query, timeout=30).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """[(labels, value)]"""
        return [(one["metric"], float(one["value"][1])) for one in self._get("query", query=expression)["result"]]

    def targets(self):
        """{(job, address): "up", or why it gave nothing when it was last looked at}; empty before any was."""
        return {(one["labels"]["job"], one["labels"]["instance"]): one["lastError"] or one["health"]
                for one in self._get("targets")["activeTargets"]}

    def broken_rules(self):
        """Rules that could not be evaluated: [(name, why)]."""
        groups = self._get("rules")["groups"]
        return [(rule["name"], rule.get("lastError")) for group in groups for rule in group["rules"] if rule["health"] != "ok"]

    def firing(self):
        return {labels["alertname"] for labels, _ in self.query('ALERTS{alertstate="firing"}')}


@contextlib.contextmanager
def watching(system, folder):
    """A Prometheus that looks at @system, its servers too."""
    exporter, prometheus = (f"127.0.0.1:{free_port()}" for _ in range(2))
    database = f"{system.databases.superuser_urls[0]}?sslmode=disable"
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_configuration(system, _plugin(system), exporter)), encoding="utf-8")
    with (_server(["prometheus-postgres-exporter", f"--web.listen-address={exporter}"], exporter, "/metrics",
                  {"DATA_SOURCE_NAME": database, "PATH": "/usr/bin"}),
          _server(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                   f"--web.listen-address={prometheus}", "--log.level=warn"], prometheus, "/-/ready")):
        yield Prometheus(prometheus)
