"""A private Cartwheel: started and stopped by the launcher, or one that already runs."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import requests

from support.databases import Databases
from support.names import PROCESSES, SERVICES, service_of
from support.waits import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "cartwheel"
START_SECONDS = 600  # a first start may build
STEP_SECONDS = 120


class System:
    """Addresses, processes, logs and databases of one running Cartwheel."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self._environment = {}
        self._binaries = None

    # --- the launcher -------------------------------------------------------------------------

    def launcher(self, *arguments, timeout=STEP_SECONDS, check=True, env=None):
        """Runs ./cartwheel with this system's home; fails with its output when it fails."""
        with tempfile.TemporaryFile() as output:
            done = subprocess.run([str(LAUNCHER), *arguments], cwd=ROOT, timeout=timeout,
                                  stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                  env={**os.environ, "CARTWHEEL_HOME": str(self.home), **(env or {})})
            output.seek(0)
            text = output.read().decode(errors="replace")
        if check:
            assert done.returncode == 0, f"cartwheel {' '.join(arguments)}: {done.returncode}\n{text}"
        return text

    def up(self):
        self.launcher("up", "--detach", timeout=START_SECONDS)
        self.binary("order-api")
        for name in PROCESSES:
            self.environment(name)

    def down(self):
        self.launcher("down")

    def stop(self, name):
        if name in PROCESSES:
            self.environment(name)
        self.launcher("stop", name)

    def start(self, name):
        self.launcher("start", name)
        if name in PROCESSES:
            self.wait_ready(name)

    def restart(self, name, kill=False):
        self.launcher("restart", name, *(["--kill"] if kill else []))
        if name in PROCESSES:
            self.wait_ready(name)

    # --- what the launcher wrote --------------------------------------------------------------

    @property
    def endpoints(self):
        return json.loads((self.home / "endpoints.json").read_text())

    @property
    def processes(self):
        return json.loads((self.home / "processes.json").read_text())

    @property
    def amqp_url(self):
        return self.endpoints["amqp_url"]

    @property
    def databases(self):
        ends = self.endpoints
        return Databases({s: ends[f"{s}_database_url"] for s in SERVICES}, ends["postgres_superuser_url"])

    def api(self, service):
        return self.endpoints[f"{service}_api"].rstrip("/")

    def address(self, service):
        """(host, port) of the service's public API."""
        host, port = self.api(service).split("//", 1)[1].split(":")
        return host, int(port)

    def admin(self, name):
        return self.processes[name]["admin_url"].rstrip("/")

    def pid(self, name):
        return self.processes[name]["pid"]

    def pids(self):
        return {name: self.pid(name) for name in PROCESSES}

    def log(self, name):
        return pathlib.Path(self.processes[name]["log"]).read_text(errors="replace")

    # --- the processes themselves -------------------------------------------------------------

    def environment(self, name):
        """The environment the launcher gave to a process, so that a test can start it itself."""
        if name not in self._environment:
            raw = pathlib.Path(f"/proc/{self.pid(name)}/environ").read_bytes()
            pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if b"=" in entry)
            self._environment[name] = {os.fsdecode(k): os.fsdecode(v) for k, _, v in pairs}
        return dict(self._environment[name])

    def binary(self, name):
        """Path of a binary (migrators too), found beside the one that runs as order-api."""
        if self._binaries is None:
            running = pathlib.Path(os.readlink(f"/proc/{self.pid('order-api')}/exe").removesuffix(" (deleted)"))
            self._binaries = running.parents[1]
        return str(self._binaries / service_of(name) / name)

    @property
    def is_sanitized(self):
        """Whether the binaries carry AddressSanitizer (their memory and start-up times differ)."""
        return b"__asan_init" in pathlib.Path(self.binary("order-api")).read_bytes()

    def is_ready(self, name):
        return requests.get(self.admin(name) + "/health/ready", timeout=5).status_code == 200

    def wait_ready(self, name, timeout=60):
        eventually(lambda: self.is_ready(name), f"{name} to be ready", timeout,
                   forgive=(requests.RequestException, OSError, KeyError, ValueError))

    def signal(self, name, number=signal.SIGTERM):
        os.kill(self.pid(name), number)

    def rss_kib(self, name):
        for line in pathlib.Path(f"/proc/{self.pid(name)}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError(f"{name} has no VmRSS")


def cpu_seconds(pid):
    """Processor time that the process has used, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_shares(pids, seconds=2.0):
    """{name: share of one processor} over the next @seconds, for {name: pid}."""
    before, started = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    span = time.monotonic() - started
    return {name: (cpu_seconds(pid) - before[name]) / span for name, pid in pids.items()}


def alive(pid):
    """Whether the process runs (a zombie does not)."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
