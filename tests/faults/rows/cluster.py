"""Rows 11 and 11b: three broker nodes on loopback ports. One dies, stands still, or is cut off from the others."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pika.exceptions

from support.broker import Broker
from support.child import run_binary
from support.names import MIGRATORS
from support.system import account_of, free_port
from support.urls import with_address
from support.waits import TookTooLong, eventually

from faults.rows import row

PROGRAMS = pathlib.Path("/usr/lib/rabbitmq/bin")
NODES = 3
START_S = 90


class Node:
    """One broker with a folder and ports of its own."""

    def __init__(self, number, folder, system):
        self.name = f"fault-{os.getpid()}-{number}@localhost"
        self.port = free_port()
        self.calls_from = f"127.0.{os.getpid() % 250 + 1}.{number}"  # its connections to other nodes, so that they show
        self.dist_port = free_port()
        self._folder = folder / str(number)
        self._folder.mkdir()
        self._account = account_of("rabbitmq")
        self._environ = _environment_of(system.processes["rabbitmq"]["pid"])
        self._configure()
        if self._account:
            shutil.chown(self._folder, self._account["user"], self._account["group"])
        self.process = None

    def _configure(self):
        text = pathlib.Path(self._environ["RABBITMQ_CONFIG_FILE"]).read_text(encoding="utf-8")
        text = re.sub(r'\{"127.0.0.1", \d+\}', f'{{"127.0.0.1", {self.port}}}', text)
        text = text.replace("{tcp_listeners", "{cluster_partition_handling, pause_minority},\n   {tcp_listeners", 1)
        config = self._folder / "rabbitmq.config"
        config.write_text(text, encoding="utf-8")
        config.chmod(0o644)
        self._environ |= {
            "RABBITMQ_NODENAME": self.name, "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.dist_port), "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"), "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid")}
        self._environ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] += (
            f" -kernel inet_dist_connect_options [{{ip,{{{self.calls_from.replace('.', ',')}}}}}]")

    def start(self):
        with open(self._folder / "console", "ab") as console:
            self.process = subprocess.Popen(
                [str(PROGRAMS / "rabbitmq-server")], env=self._environ, cwd=self._folder, stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, **self._account)

    @property
    def log(self):
        return (self._folder / "console").read_text(encoding="utf-8", errors="replace")

    def control(self, *arguments):
        done = subprocess.run([str(PROGRAMS / "rabbitmqctl"), "--node", self.name, *arguments], env=self._environ,
                              cwd=self._folder, capture_output=True, text=True, check=False, timeout=START_S,
                              **self._account)
        assert done.returncode == 0, f"not injected: rabbitmqctl {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _environment_of(pid):
    raw = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    pairs = (os.fsdecode(entry).partition("=") for entry in raw if b"=" in entry)
    wanted = ("RABBITMQ_", "ERL_", "HOME", "PATH", "LC_ALL", "RUNNING_UNDER")
    return {name: value for name, _, value in pairs if name.startswith(wanted)}


class Clustered:
    """The system with the cluster in place of its broker."""

    def __init__(self, system, node):
        self._system = system
        self.node = node

    @property
    def amqp_url(self):
        return with_address(self._system.amqp_url, self.node.port)

    def launcher(self, command, *arguments, **options):
        if command == "rabbitmqctl":
            return self.node.control(*arguments)
        return self._system.launcher(command, *arguments, **options)

    def __getattr__(self, name):
        return getattr(self._system, name)


def _takes_log_in(url):
    with contextlib.suppress(pika.exceptions.AMQPError, OSError), Broker(url):
        return True
    return False


def declare_topology(run):
    """Every exchange and queue of the product, on a broker that knows none."""
    for name in MIGRATORS:
        done = run_binary(run.system, name, {"AMQP_URL": run.system.amqp_url})
        assert done.returncode == 0, f"not injected: {name}: {done.stdout[-500:]}"


def _three_nodes(run, stack):
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-cluster-", dir="/var/tmp")))
    folder.chmod(0o755)
    run.nodes = [Node(number + 1, folder, run.system) for number in range(NODES)]
    first, *others = run.nodes
    for node in run.nodes:
        stack.callback(node.kill)
        node.start()
    run.system = Clustered(run.system, first)
    for node in run.nodes:
        eventually(lambda n=node: _takes_log_in(with_address(run.system.amqp_url, n.port)), f"{node.name} to start",
                   START_S)
    for node in others:
        node.control("stop_app")
        node.control("join_cluster", first.name)
        node.control("start_app")
    declare_topology(run)


@row("11", "three broker nodes: the queues' leader is killed or stands still, a follower takes over",
     proxied=("rabbitmq",), setup=_three_nodes)
def leader_lost(run):
    first, second, _ = run.nodes
    pauses = run.random.random() < 0.5
    run.note("leader", "paused" if pauses else "killed")
    if pauses:
        os.kill(first.process.pid, signal.SIGSTOP)
    else:
        first.kill()
    run.system.node = second
    run.proxies["rabbitmq"].target = ("127.0.0.1", second.port)
    run.proxies["rabbitmq"].cut()
    run.load.grow(100)
    run.pause(8)
    if pauses:
        os.kill(first.process.pid, signal.SIGCONT)
    else:
        first.start()
    eventually(lambda: _takes_log_in(with_address(run.system.amqp_url, first.port)), "the old leader to be back",
               START_S)


PAUSED = "Application mnesia exited"  # as a node says that has stopped all that is of the broker
FIREWALL = "/usr/sbin/iptables"
BACK_S = 60
TICK_S = 8  # a node that was silent for so long is gone, give or take a quarter


def _ticking_three_nodes(run, stack):
    _three_nodes(run, stack)
    run.nodes[0].control("eval", f"rpc:eval_everywhere(net_kernel, set_net_ticktime, [{TICK_S}, 0]).")


def _firewall(change, node):
    """@change (-I, -D): between @node and the others nothing arrives, whoever has called."""
    for what in ((f"--dport={node.dist_port}",), (f"--sport={node.dist_port}",),
                 ("-s", node.calls_from), ("-d", node.calls_from)):
        done = subprocess.run([FIREWALL, "-w", change, "INPUT", "-i", "lo", "-p", "tcp", *what, "-j", "DROP"],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"not injected: no rule can be set: {done.stderr}"


def _talk_to(run, node):
    run.proxies["rabbitmq"].target = ("127.0.0.1", node.port)
    run.proxies["rabbitmq"].cut()
    run.fleet.wait_ready()


def _wait_back(run):
    """Until each node is there. One that does not come back by itself is restarted, as operations.md says."""
    for node in run.nodes:
        url = with_address(run.system.amqp_url, node.port)
        try:
            eventually(lambda at=url: _takes_log_in(at), f"{node.name} to be back", BACK_S)
        except TookTooLong:
            run.note("restarted", run.nodes.index(node) + 1)
            node.kill()
            node.start()
            eventually(lambda at=url: _takes_log_in(at), f"{node.name} to start", START_S)


@row("11b", "three broker nodes: one is cut off, with our processes on its side or on the others'",
     proxied=("rabbitmq",), setup=_ticking_three_nodes)
def partition(run):
    """The one that is alone pauses itself, since it is the minority, until it sees the others again."""
    alone, *others = run.random.sample(run.nodes, NODES)
    inside = run.random.random() < 0.5
    run.note("cut off", f"node {run.nodes.index(alone) + 1}, our processes {'with it' if inside else 'elsewhere'}")
    run.system.node = others[0]
    _talk_to(run, alone if inside else others[0])
    run.load.grow(run.nth(100))
    stops = alone.log.count(PAUSED)
    with contextlib.ExitStack() as stack:
        stack.callback(_firewall, "-D", alone)
        _firewall("-I", alone)
        eventually(lambda: alone.log.count(PAUSED) > stops, "the minority to pause", START_S)
        run.load.grow(100)
        run.pause(1, TICK_S)
    run.healed()
    _wait_back(run)
