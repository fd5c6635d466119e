"""What is decided once and kept across starts: ports, passwords, the place of the data."""

import random
import secrets
import socket
import threading
import time
from pathlib import Path

from .layout import LauncherError, read_json, write_json

FORMAT = 2
LOWEST_PORT = 15000


class Settings:
    """settings.json of a state folder. Saved on every change; only the launcher reads it."""

    def __init__(self, layout):
        self._lock = threading.RLock()  # guards _value and the file
        self._file = layout.settings_file
        value = read_json(self._file)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            instance = secrets.token_hex(8)
            value = {"format": FORMAT, "instance": instance, "data": None, "ports": {}, "passwords": {}}
            value["tls"] = layout.wants_tls
        self._value = value
        if layout.wants_tls and not self.tls:
            raise LauncherError(f"{layout.home} was made without TLS: name another folder by CARTWHEEL_HOME")

    def save(self):
        write_json(self._file, self._value)

    @property
    def data(self):
        """The folder that holds the servers' data; None before it was chosen."""
        return Path(self._value["data"]) if self._value["data"] else None

    @data.setter
    def data(self, path):
        self._value["data"] = str(path)
        self.save()

    @property
    def tls(self):
        """Whether the servers speak TLS alone; decided by CARTWHEEL_TLS at the first start."""
        return self._value.get("tls", False)

    def password(self, name):
        """The password of that name, made at the first call. Safe inside a URL as it is."""
        with self._lock:
            if name not in self._value["passwords"]:
                self._value["passwords"][name] = secrets.token_hex(20)
                self.save()
            return self._value["passwords"][name]

    @property
    def given(self):
        """{variable: value} of the servers that exist already; see given.py."""
        return dict(self._value.get("given") or {})

    @given.setter
    def given(self, variables):
        with self._lock:
            self._value["given"] = variables
            self.save()

    @property
    def poison(self):
        """The id of the message that ./cartwheel break poison sent; None: it sent none, or it was mended."""
        return self._value.get("poison")

    @poison.setter
    def poison(self, message_id):
        with self._lock:
            self._value["poison"] = message_id
            self.save()

    @property
    def instance(self):
        """Tells these settings from others of the same folder: data that was made under others has
        passwords that nobody knows any more."""
        return self._value["instance"]

    def port(self, name):
        """The port of that name, chosen at the first call."""
        with self._lock:
            if name not in self._value["ports"]:
                return self.new_port(name)
            return self._value["ports"][name]

    def new_port(self, name):
        """Chooses another port; for a stranger that has taken ours."""
        with self._lock:
            taken = set(self._value["ports"].values())
            self._value["ports"][name] = _free_port(taken)
            self.save()
            return self._value["ports"][name]


def _free_port(taken):
    """A free port below those the kernel hands to outgoing connections: one of these could sit on
    our port while the process that owns it is being restarted."""
    highest = _first_ephemeral_port() - 1
    lowest = min(LOWEST_PORT, highest - 4000)
    for _ in range(10000):
        port = random.randint(max(lowest, 1024), highest)
        if port not in taken and is_free(port):
            return port
    raise OSError("no free port on 127.0.0.1")


def _first_ephemeral_port():
    try:
        words = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
        return min(max(int(words[0]), 10000), 60000)
    except (OSError, ValueError, IndexError):
        return 32768


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def becomes_free(port, seconds):
    """A process that was just ended may hold its port for a moment longer."""
    deadline = time.monotonic() + seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
