"""Rows 32, 32b and 32c: the power of the servers' host is lost. What they had not synced is gone.

A kill -9 leaves what a server wrote in the kernel's cache. Here its data is on a file system of its own, which is told
to drop what is in that cache: no write arrives from then on, and what was written and not synced never arrived.
"""

import contextlib
import fcntl
import functools
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import threading

import psycopg

from support.waits import eventually

from faults.rows import row
from faults.rows.servers import evaluate
from faults.rows.volumes import broker_data, descriptions_of, give_back

MKFS = "/sbin/mkfs.ext4"
ROOM_MIB = 4096        # a limit: the image takes what is written
SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
WITHOUT_FLUSH = 2      # EXT4_GOING_FLAGS_NOLOGFLUSH: the journal does not get what it lacks either
UMOUNT_S = 30


class Disk:
    """A file system in a file, over @folder and with what is in it; its power can be lost."""

    def __init__(self, folder, image):
        self._folder = folder
        self._image = image
        image.touch()
        os.truncate(image, ROOM_MIB * 1024 * 1024)
        subprocess.run([MKFS, "-q", "-F", str(image)], check=True)

    def fill(self):
        """All of it is synced in the end, as data is that is old."""
        with tempfile.TemporaryDirectory(dir=self._image.parent) as place:
            mounted = self._mount(place)
            assert mounted.returncode == 0, f"not injected: mounting an image is not allowed here: {mounted.stderr}"
            try:
                os.rmdir(f"{place}/lost+found")
                subprocess.run(["cp", "-a", f"{self._folder}/.", place], check=True)
            finally:
                subprocess.run(["umount", place], check=True)

    def mount(self):
        mounted = self._mount(self._folder)
        assert mounted.returncode == 0, mounted.stderr

    def _mount(self, folder):
        return subprocess.run(["mount", "-t", "ext4", "-o", "loop", str(self._image), str(folder)],
                              capture_output=True, text=True, check=False)

    def umount(self):
        """Once nobody has a file open there. The loop device goes with it."""
        def gone():
            return subprocess.run(["umount", str(self._folder)], capture_output=True, check=False).returncode == 0
        eventually(gone, f"{self._folder} to be left alone", UMOUNT_S)

    def close(self):
        if os.path.ismount(self._folder):
            self.umount()

    def lose_power(self):
        (self._folder / "unsynced").write_text("written just before", encoding="ascii")
        place = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(place, SHUTDOWN, struct.pack("i", WITHOUT_FLUSH))
        except OSError as error:
            raise AssertionError(f"not injected: the file system cannot be shut down: {error}") from error
        finally:
            os.close(place)

    def power_up(self):
        """What the journal has is made good; the rest has to be gone."""
        self.umount()
        self.mount()
        spared = self._folder / "unsynced"
        assert not spared.exists() or spared.stat().st_size == 0, "not injected: what was not synced is still there"


def _data_of(run, server):
    return broker_data(run) if server == "rabbitmq" else run.system.home / server / "data"


def _to_disks(run, stack, servers):
    """What the other rows use lies below the disks meanwhile, untouched."""
    images = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="disks-", dir=run.system.home)))
    run.disks = {}
    for server in servers:
        run.system.stop(server)
        stack.callback(run.system.start, server)
        disk = run.disks[server] = Disk(_data_of(run, server), images / server)
        stack.callback(disk.close)
        disk.fill()
        disk.mount()
        stack.callback(run.system.launcher, "stop", server, "--kill")
        run.system.start(server)


def _kill_family(pid):
    """The server and its children, none of which can react to the end of another."""
    os.kill(pid, signal.SIGSTOP)
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for member in (*map(int, children), pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


def _lose_power(run, *servers):
    """Both at once where there are two. They are killed first: a sync that is under way while the file system is shut
    down may report success, and no server may live to confirm by it."""
    for server in servers:
        _kill_family(run.system.pid(server))
    for server in servers:
        run.disks[server].lose_power()
    for server in servers:
        run.system.launcher("stop", server, "--kill")
    for server in servers:
        run.disks[server].power_up()


def _checkpoint(run):
    with contextlib.suppress(psycopg.Error), run.databases.superuser() as connection:
        connection.execute("checkpoint")


def _power_lost_amid_checkpoint(run, *servers):
    """Or soon after it: what a checkpoint has not synced, the log behind it does not bring back."""
    checkpoint = threading.Thread(target=_checkpoint, args=(run,))
    checkpoint.start()
    run.load.grow(run.nth(100))
    _lose_power(run, *servers)
    checkpoint.join()


def _roll_over(run):
    """The broker's log is closed in half of the runs, as it is when it is full: what it has goes into files of its
    queues, and it is deleted."""
    if run.random.random() < 0.5:
        evaluate(run, "ra_log_wal:force_roll_over(ra_log_wal)")
        run.note("the broker's log", "rolled over")


@row("32", "power loss of the database's host: what was not synced is gone",
     setup=functools.partial(_to_disks, servers=("postgres",)))
def database_host(run):
    run.load.grow(run.nth(100))
    _power_lost_amid_checkpoint(run, "postgres")
    run.system.start("postgres")


@row("32b", "power loss of the broker's host", setup=functools.partial(_to_disks, servers=("rabbitmq",)))
def broker_host(run):
    descriptions = descriptions_of(run)
    _roll_over(run)
    run.load.grow(run.nth(100))
    _lose_power(run, "rabbitmq")
    give_back(run, descriptions)
    run.system.start("rabbitmq")


@row("32c", "power loss of the database's and the broker's host in the same moment",
     setup=functools.partial(_to_disks, servers=("postgres", "rabbitmq")))
def both_hosts(run):
    descriptions = descriptions_of(run)
    _roll_over(run)
    _power_lost_amid_checkpoint(run, "postgres", "rabbitmq")
    give_back(run, descriptions)
    for server in run.random.sample(list(run.disks), len(run.disks)):
        run.system.start(server)
