"""All our processes, started by the test itself: environments of their own, real exit codes, quick restarts."""

import contextlib
import os
import signal
import subprocess

import requests

from support.child import Child
from support.logs import reports_in
from support.names import APIS, PROCESSES
from support.system import cpu_seconds, memory_kib
from support.waits import eventually

START_S = 60
STOP_S = 25
LOG_SHOWN = 400
KILLED = -signal.SIGKILL


class Fleet:
    """Processes by name; what they did wrong is gathered in .complaints."""

    def __init__(self, system, may_log=()):
        self._system = system
        self._may_log = may_log
        self._addresses = {}     # name: HTTP_LISTEN, the same at each start
        self._standing = {}      # name: changes that hold for each start
        self._running = {}
        self._expected = {}      # name: exit codes that are no complaint
        self.prefix = ()         # a command that the next starts are put behind
        self.complaints = []
        self.extra = []          # second copies, stopped with the rest

    def configure(self, changes):
        """@changes: {name or "": {variable: value}}; "" is for all. Holds until the next configure()."""
        self._standing = changes

    def __getitem__(self, name):
        return self._running[name]

    @property
    def names(self):
        return tuple(self._running)

    @property
    def address(self):
        """(host, port) of the order API."""
        host, port = self._running["order-api"].http.split(":")
        return host, int(port)

    def base(self, name):
        return self._running[name].base

    def start_all(self):
        for name in PROCESSES:
            self.start(name, wait=False)
        self.wait_ready()

    def start(self, name, changes=None, wait=True):
        self._running[name] = self._new(name, changes)
        if wait:
            self._running[name].wait_ready(START_S)

    def second(self, name, changes=None):
        """A second copy of @name beside the first."""
        copy = self._new(name, {**(changes or {}), "HTTP_LISTEN": "127.0.0.1:0"} if name in APIS else changes)
        self.extra.append(copy)
        return copy.wait_ready(START_S)

    def _new(self, name, changes):
        wanted = {**self._standing.get("", {}), **self._standing.get(name, {}), **(changes or {})}
        if name in APIS and name in self._addresses:
            wanted.setdefault("HTTP_LISTEN", self._addresses[name])
        process = Child(self._system, name, wanted, self.prefix)
        if name in APIS:
            self._addresses.setdefault(name, process.http)
        return process

    def wait_ready(self, timeout=START_S):
        for name in self.names:
            self._running[name].wait_ready(timeout)

    def is_ready(self, name):
        with contextlib.suppress(requests.RequestException):
            return self._running[name].get("/health/ready").status_code == 200
        return False

    # --- ends ---------------------------------------------------------------------------------

    def kill(self, name):
        self._running[name].process.kill()
        self.wait_end(name, {KILLED})

    def wait_end(self, name, codes, timeout=30):
        """Waits until @name has ended by itself, with one of @codes."""
        process = self._running[name].process
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{name} did not end in {timeout} s") from None
        if code not in codes:
            self._complain(f"I9: {name} ended with {code}", self._running[name])
        self._put_away(name)
        return code

    def signal(self, name, number):
        self._running[name].process.send_signal(number)

    def stop(self, name, codes=frozenset({0})):
        """SIGTERM; must end with one of @codes in time."""
        process = self._running[name]
        if process.process.poll() is None:
            process.process.send_signal(signal.SIGTERM)
        self._wait_stopped(process, codes)
        self._put_away(name)

    def restart(self, name, changes=None, wait=True):
        if name in self._running:
            self.stop(name)
        self.start(name, changes, wait)

    def stop_all(self):
        """SIGTERM to all at once; each must exit 0."""
        running = [*self._running.values(), *self.extra]
        for process in running:
            if process.process.poll() is None:
                process.process.send_signal(signal.SIGTERM)
        for process in running:
            self._wait_stopped(process, {0})
            self._look_into(process)
            process.discard()
        self._running, self.extra = {}, []

    def _wait_stopped(self, process, codes):
        try:
            code = process.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._complain(f"I9: {process.name} did not stop in {STOP_S} s", process)
            process.process.kill()
            process.process.wait()
            return
        if code not in codes:
            self._complain(f"I9: {process.name} ended with {code}", process)

    def _put_away(self, name):
        process = self._running.pop(name)
        self._look_into(process)
        process.discard()

    def _look_into(self, process):
        self.complaints += [f"I9: {report}" for report in reports_in(process.name, process.log, self._may_log)]

    def _complain(self, text, process):
        self.complaints.append(f"{text}; the end of its log: {process.log[-LOG_SHOWN:]}")

    def crashed(self):
        """Names of processes that ended though nobody ended them."""
        return [name for name, process in self._running.items() if process.process.poll() is not None]

    def discard(self):
        """Ends whatever is left without a word: something failed already."""
        for process in [*self._running.values(), *self.extra]:
            process.discard()
        self._running, self.extra = {}, []

    # --- what they use ------------------------------------------------------------------------

    def pids(self):
        return {name: process.process.pid for name, process in self._running.items()}

    def resources(self):
        """{name: (open files, resident KiB)}"""
        return {name: (len(os.listdir(f"/proc/{pid}/fd")), memory_kib(pid)) for name, pid in self.pids().items()}

    def memory_kib(self, name, member):
        """@member: of /proc/<pid>/status, such as VmSize, or VmHWM for the most that was ever resident."""
        return memory_kib(self._running[name].process.pid, member)

    def cpu_seconds(self):
        return {name: cpu_seconds(pid) for name, pid in self.pids().items()}

    def wait_log(self, name, text, timeout=30):
        eventually(lambda: text in self._running[name].log, f"{name} to log {text!r}", timeout)
