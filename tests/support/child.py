"""A product process started by the test itself: another environment, a real exit code."""

import contextlib
import pathlib
import signal
import subprocess
import tempfile
import time

import requests

from support import prometheus
from support.names import APIS, service_of
from support.system import free_port
from support.waits import eventually


class Child:
    """One running binary; its logs are kept in a file and shown when something fails."""

    def __init__(self, system, name, changes=None, prefix=(), ca=None):
        self.name = name
        self.good_exits = {0}
        self.environment = system.environment(name)
        self.environment["ADMIN_LISTEN"] = f"127.0.0.1:{free_port()}"
        if name in APIS:
            self.environment["HTTP_LISTEN"] = f"127.0.0.1:{free_port()}"
        for key, value in (changes or {}).items():
            if value is None:
                self.environment.pop(key, None)
            else:
                self.environment[key] = value
        self.ca = ca  # of its certificate, where it has one
        self.scheme = "https" if "HTTP_TLS_CERT_FILE" in self.environment else "http"
        self.admin = self.environment["ADMIN_LISTEN"]
        self.http = self.environment.get("HTTP_LISTEN")
        self._log = tempfile.NamedTemporaryFile(prefix=name + "-", suffix=".log")
        self.started_at = time.monotonic()
        self.process = subprocess.Popen([*prefix, system.binary(name)], env=self.environment,
                                        stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    @property
    def log(self):
        return pathlib.Path(self._log.name).read_text(errors="replace")

    @property
    def base(self):
        return f"{self.scheme}://{self.http}"

    def get(self, path):
        return requests.get(f"{self.scheme}://{self.admin}{path}", timeout=5, verify=self.ca or True)

    def metrics(self):
        return prometheus.parse(self.get("/metrics").text)

    def is_ready(self):
        assert self.process.poll() is None, f"{self.name} exited {self.process.returncode}:\n{self.log}"
        return self.get("/health/ready").status_code == 200

    def wait_ready(self, timeout=30):
        eventually(self.is_ready, f"the test's own {self.name} to be ready", timeout,
                   forgive=(requests.RequestException,))
        return self

    def stop(self, timeout=25):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not stop in {timeout} s:\n{self.log[-4000:]}")

    def discard(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()


@contextlib.contextmanager
def child(system, name, changes=None, ready=True):
    """Starts @name beside the launcher's own process (mind that both then work)."""
    process = Child(system, name, changes)
    try:
        yield process.wait_ready() if ready else process
        code = process.process.returncode if process.process.poll() is not None else process.stop()
        assert code in process.good_exits, f"{name} exited {code}:\n{process.log[-4000:]}"
    finally:
        process.discard()


@contextlib.contextmanager
def instead(system, name, changes=None, ready=True):
    """Starts @name in place of the launcher's process, and gives that back at the end."""
    system.stop(name)
    try:
        with child(system, name, changes, ready) as process:
            yield process
    finally:
        system.start(name)


def run_binary(system, name, changes=None, arguments=(), environment=None, timeout=60):
    """Runs a binary to its end; a migrator gets the environment of its service's worker."""
    if environment is None:
        environment = system.environment(service_of(name) + "-worker")
        environment.pop("ADMIN_LISTEN", None)
    environment = dict(environment)
    for key, value in (changes or {}).items():
        if value is None:
            environment.pop(key, None)
        else:
            environment[key] = value
    return subprocess.run([system.binary(name), *arguments], env=environment, timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
