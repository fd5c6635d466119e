"""A Cartwheel under test: a private one of the launcher, or one that is known by its addresses alone."""

import collections
import contextlib
import json
import os
import pathlib
import pwd
import random
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from urllib.parse import quote

import requests

from support import prometheus, tokens
from support.databases import Databases
from support.logs import reports_in
from support.names import PROCESSES, SERVICES
from support.waits import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "cartwheel"
START_SECONDS = 600  # a first start may build
STEP_SECONDS = 120
NO_LIMIT = 100_000_000  # messages
for name in ("AMQP_URL", *(f"{service.upper()}_DATABASE_URL" for service in SERVICES), *tokens.SETTINGS):
    os.environ.pop(name, None)  # servers and an issuer of the reader's: a test has its own
GIVEN = collections.deque(maxlen=200)
PORTS = (15000, 32000)  # below those that the kernel gives away (ip_local_port_range), above the usual servers'


class Addresses:
    """What a client of a running Cartwheel knows: the addresses in an endpoints file."""

    def __init__(self, endpoints_file):
        self._endpoints_file = pathlib.Path(endpoints_file)

    @property
    def endpoints(self):
        return json.loads(self._endpoints_file.read_text())

    @property
    def amqp_url(self):
        url, ca_file = self.endpoints["amqp_url"], self.endpoints.get("ca_file")
        if ca_file is None:
            return url
        options = {"cafile": ca_file, "server_hostname": "localhost", "protocol": int(ssl.PROTOCOL_TLS_CLIENT)}
        return f"{url}?ssl_options={quote(str(options))}"  # as pika reads it

    def api(self, service):
        return self.endpoints[f"{service}_api"].rstrip("/")

    def address(self, service):
        """(host, port) of the service's public API."""
        host, port = self.api(service).split("//", 1)[1].split(":")
        return host, int(port)


class GivenSystem(Addresses):
    """A system that somebody else runs and looks after: its processes and logs are out of reach."""

    @property
    def databases(self):
        ends = self.endpoints
        return Databases({s: ends[f"{s}_database_url"] for s in SERVICES},
                         [ends[f"{s}_superuser_url"] for s in SERVICES])

    def pids(self):
        return {}

    def deadlocks(self):
        return self.databases.deadlocks()


class System(Addresses):
    """Addresses, processes, logs and databases of one running Cartwheel."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        super().__init__(self.home / "endpoints.json")
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

    def up(self, env=None, options=()):
        self.launcher("up", "--detach", *options, timeout=START_SECONDS, env=env)
        self.binary("order-api")
        for name in PROCESSES:
            self.environment(name)

    def down(self):
        self.launcher("down")

    def status(self):
        """What ./cartwheel status --json says, whether all is ready or not."""
        return json.loads(self.launcher("status", "--json", check=False))

    def stop(self, name):
        if name in PROCESSES:
            self.environment(name)
        self.launcher("stop", name)

    def start(self, name):
        self.launcher("start", name)
        if name in PROCESSES:
            self.wait_ready(name)

    @contextlib.contextmanager
    def without(self, *names):
        """These do not run; they do again at the end, and those of ours are ready then. One that cannot be stopped or
        started keeps none of the others away."""
        with contextlib.ExitStack() as started_again:
            for name in reversed(names):
                started_again.callback(self.start, name)
            for name in names:
                self.stop(name)
            yield

    @contextlib.contextmanager
    def limited(self, queue, length):
        """A queue that refuses what is more, by a policy, as an operator sets and clears it."""
        policy = json.dumps({"max-length": length, "overflow": "reject-publish"})
        self.launcher("rabbitmqctl", "set_policy", "-p", "cartwheel", "--apply-to", "queues", "full", f"^{queue}$", policy)
        try:
            yield
        finally:
            self.launcher("rabbitmqctl", "clear_policy", "-p", "cartwheel", "full")

    def tell_of_no_limit(self, queue):
        """What publishes inside the broker, such as a retry queue, is told of a high limit, and not of none."""
        with self.limited(queue, NO_LIMIT):
            pass

    def restart(self, name, kill=False):
        self.launcher("restart", name, *(["--kill"] if kill else []))
        if name in PROCESSES:
            self.wait_ready(name)

    # --- what the launcher wrote --------------------------------------------------------------

    @property
    def processes(self):
        return json.loads((self.home / "processes.json").read_text())

    @property
    def databases(self):
        ends = self.endpoints
        superuser = json.loads((self.home / "superuser.json").read_text())["postgres_superuser_url"]
        return Databases({s: ends[f"{s}_database_url"] for s in SERVICES}, [superuser])

    def admin(self, name):
        return self.processes[name]["admin_url"].rstrip("/")

    def pid(self, name):
        return self.processes[name]["pid"]

    def stopped(self):
        """The names of what was started once and does not run, servers too."""
        return [name for name, entry in self.processes.items() if entry["pid"] is None or not alive(entry["pid"])]

    def pids(self):
        return {name: self.pid(name) for name in PROCESSES}

    def log(self, name):
        return pathlib.Path(self.processes[name]["log"]).read_text(errors="replace")

    def logs(self):
        """{name: path} of our processes that run; nothing before the launcher has started any."""
        with contextlib.suppress(FileNotFoundError):
            return {name: entry["log"] for name, entry in self.processes.items() if name in PROCESSES}
        return {}

    def deadlocks(self):
        return self.log("postgres").count("deadlock detected")

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
            self._binaries = running.parent
        return str(self._binaries / name)

    def use_binaries(self, folder):
        """From here on binary() finds those below @folder: of a build that the launcher did not start."""
        self._binaries = pathlib.Path(folder)

    @property
    def is_sanitized(self):
        """Whether the binaries carry a sanitizer (their memory and start-up times differ)."""
        binary = pathlib.Path(self.binary("order-api")).read_bytes()
        return b"__asan_init" in binary or b"__tsan_init" in binary

    def is_ready(self, name):
        return requests.get(self.admin(name) + "/health/ready", timeout=5).status_code == 200

    def wait_ready(self, name, timeout=60):
        eventually(lambda: self.is_ready(name), f"{name} to be ready", timeout,
                   forgive=(requests.RequestException, OSError, KeyError, ValueError))

    def metrics(self, name):
        return prometheus.parse(requests.get(self.admin(name) + "/metrics", timeout=10).text)

    def signal(self, name, number=signal.SIGTERM):
        os.kill(self.pid(name), number)

    def rss_kib(self, name):
        return memory_kib(self.pid(name))


@contextlib.contextmanager
def private_system(env=None, options=()):
    """A system of its own, stopped at the end, when its logs must hold nothing that never should be there."""
    with tempfile.TemporaryDirectory(prefix="cartwheel-test-") as home:
        # An unprivileged database server has to reach its data below this directory.
        pathlib.Path(home).chmod(0o755)
        tokens.trust(home)
        running = System(home)
        try:
            running.up(env, options)
            yield running
        finally:
            try:
                logs = running.logs()
            finally:
                running.down()
        reports = [report for name, log in logs.items()
                   for report in reports_in(name, pathlib.Path(log).read_text(errors="replace"))]
        assert not reports, "\n".join(reports)


def memory_kib(pid, member="VmRSS"):
    """A size in /proc/<pid>/status: VmRSS is what is resident now, VmHWM the most that ever was, VmSize all of it."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines():
        if line.startswith(member + ":"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no {member}")


def account_of(user):
    """What subprocess is to be told so that a server runs as its own user: nothing when we could not become that."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


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


def divide_ports(number, count):
    """From here on free_port() keeps to the part @number of @count: nobody beside us takes what we stop for a moment."""
    global PORTS
    first, last = PORTS
    span = (last - first) // count
    PORTS = (first + number * span, first + (number + 1) * span)


def free_port():
    """A port that nobody has, none of those given last, which may not be in use yet, and none that the kernel gives to
    who asks it for any."""
    while True:
        port = random.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in GIVEN:
                GIVEN.append(port)
                return port
