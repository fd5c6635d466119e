"""Runs a command in a tree of Debian as its root folder: confine.py TREE {network|alone} COMMAND...

To be started by unshare, as the first process of its own namespaces: what is mounted and started here ends with it,
however it ends. "alone" has no network but 127.0.0.1, and with it none of the machine's servers.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
STREAMS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def main(tree, network, *command):
    _mount_devices(tree / "dev")
    _mount("proc", tree / "proc", "-t", "proc")
    if network == "alone":
        _start_loopback()
    child = subprocess.Popen(["chroot", str(tree), *command], stdin=subprocess.DEVNULL)
    # As an init does: what lost its parent comes here, and would look alive for ever.
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status)


def _mount(what, where, *options):
    subprocess.run(["mount", *options, what, str(where)], check=True)


def _mount_devices(folder):
    _mount("dev", folder, "-t", "tmpfs", "-o", "mode=755")
    for name in DEVICES:
        (folder / name).touch()
        _mount(f"/dev/{name}", folder / name, "--bind")
    for name, number in STREAMS.items():
        (folder / name).symlink_to(f"/proc/self/fd{number}")
    (folder / "shm").mkdir()
    _mount("shm", folder / "shm", "-t", "tmpfs", "-o", "mode=1777")


def _start_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
