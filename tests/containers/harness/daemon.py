"""The Docker daemon: the one that answers, or a private one that leaves the machine as it was."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from harness.command import MINUTE, run, stdout_of, succeeds
from support.waits import eventually

FORWARDING = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = "docker0"
CHAINS = {  # of the tables that a daemon writes to; a table that was never used is not in what iptables-save says
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
}
STOP_SECONDS = 2 * MINUTE
PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def docker_daemon():
    """Until the end of the block "docker" reaches a daemon; yields whether it is a private one.

    CARTWHEEL_DOCKER_DATA names a folder for a private daemon's data that is kept, so that a second
    run finds its images.
    """
    if succeeds("docker", "info", timeout=30):
        yield False
        return
    assert os.getuid() == 0, "no Docker daemon answers, and only root can start one"
    kept = os.environ.get("CARTWHEEL_DOCKER_DATA")
    folder = pathlib.Path(kept or tempfile.mkdtemp(prefix="cartwheel-docker-", dir="/var/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _network_left_as_it_was(), _private_daemon(folder):
            yield True
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _private_daemon(folder):
    socket = f"unix://{folder}/docker.sock"
    with open(folder / "dockerd.log", "wb") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--host", socket, "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
             "--pidfile", str(folder / "dockerd.pid")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_parent)
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = socket

    def answers():
        assert daemon.poll() is None, (folder / "dockerd.log").read_text(errors="replace")[-4000:]
        return succeeds("docker", "info", timeout=10)

    try:
        eventually(answers, "the private Docker daemon to answer", MINUTE)
        _forget_interrupted_run()
        yield
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        for namespace in (folder / "exec" / "netns").glob("*"):
            run("umount", namespace, check=False)  # a mount of its own, which nobody else ends
        os.environ.pop("DOCKER_HOST")
        if before is not None:
            os.environ["DOCKER_HOST"] = before


def _forget_interrupted_run():
    """Kept data may hold containers that a run before could not take away."""
    stale = stdout_of("docker", "ps", "--all", "--quiet").split()
    if stale:
        run("docker", "rm", "--force", *stale)
    run("docker", "volume", "prune", "--force")
    run("docker", "network", "prune", "--force")


def _end_with_parent():
    """In the child: SIGTERM when the test run dies, whatever kills it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def _network_left_as_it_was():
    """A daemon adds firewall rules, a bridge and IP forwarding, and takes none of them away."""
    rules, forwarding = _firewall_rules(), FORWARDING.read_text()
    try:
        yield
    finally:
        run("iptables-restore", text=rules)
        FORWARDING.write_text(forwarding)
        run("ip", "link", "delete", BRIDGE, check=False)


def _firewall_rules():
    """What iptables-restore has to be told to bring back the rules of now, those of empty tables too."""
    rules = stdout_of("iptables-save")
    for table, chains in CHAINS.items():
        if f"*{table}\n" not in rules:
            rules += f"*{table}\n" + "".join(f":{chain} ACCEPT [0:0]\n" for chain in chains) + "COMMIT\n"
    return rules
