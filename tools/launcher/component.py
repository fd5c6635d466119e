"""What PostgreSQL, RabbitMQ and our own processes have in common for the launcher."""

import signal
import time

from . import processes
from .layout import LauncherError
from .settings import becomes_free

READY_POLL_SECONDS = 0.025
LOG_LINES_SHOWN = 15
STARTING_STOP_SECONDS = 3  # for one that is still starting: RabbitMQ heeds no SIGTERM then


class Component:
    """A long-running process with a name. Subclasses fill in the marked methods."""

    name = ""
    admin_url = None
    stop_signal = signal.SIGTERM
    stop_seconds = 25  # SHUTDOWN_TIMEOUT of our processes is 20 s; then they end at once
    ready_seconds = 60
    leftover_program = None  # what a left-over process of that name must run; None: anything

    def __init__(self, layout, settings, registry):
        self.layout = layout
        self.settings = settings
        self.registry = registry
        self._log_start = 0  # where in the log this run begins
        self._starting = False  # spawned by us and not ready yet: has nothing in flight that a stop must wait for

    # -- filled in by subclasses --

    def port_names(self):
        """The settings' names of the ports this process listens on."""
        raise NotImplementedError

    def launch(self, progress):
        """Prepares and spawns the process; its Popen."""
        raise NotImplementedError

    def probe(self):
        """None when the process is ready, else a few words that say what is missing."""
        raise NotImplementedError

    def paused(self):
        """Names of what operators have paused in it, as its last probe() found."""
        return []

    def complete(self):
        """What is to be done when the process is ready; doing it again changes nothing."""

    def address(self):
        """What a table shows to the reader."""
        return f"127.0.0.1:{self.settings.port(self.port_names()[0])}"

    # -- the same for all --

    def pid(self):
        return self.registry.pid(self.name)

    def runs(self):
        """Whether it can be used: what is somebody else's has no process of ours."""
        return self.pid() is not None

    def start(self, progress, may_move=True, wait=True):
        """Starts the process unless it runs, and waits until it is ready. True: it was started."""
        if self.pid() is not None:
            progress.begin(self.name, "waiting until ready")
            if wait:
                self.wait_ready(progress, None)
                self.complete()
            progress.done(self.name, f"already running at {self.address()}")
            return False
        progress.begin(self.name, "starting")
        self.end_leftovers(progress)
        self._settle_ports(progress, may_move)
        self._log_start = processes.size(self.layout.log(self.name))
        self._starting = wait
        child = self.launch(progress)
        self.registry.add(self.name, child.pid, self.admin_url)
        if wait:
            self.wait_ready(progress, child)
            self.complete()
            self._starting = False
        progress.done(self.name, f"{'ready' if wait else 'started'} at {self.address()}")
        return True

    def wait_ready(self, progress, child):
        """Waits until probe() is content. Fails when the process ends or the time is over."""
        deadline = time.monotonic() + self.ready_seconds
        while (missing := self.probe()) is not None:
            progress.update(self.name, missing)
            if child is not None and child.poll() is not None:
                raise self._failure(f"{self.name} ended while starting, {ending(child.returncode)}")
            if child is None and self.pid() is None:
                raise self._failure(f"{self.name} has ended")
            if time.monotonic() > deadline:
                raise self._failure(f"{self.name} is not ready after {self.ready_seconds} s: {missing}")
            if progress.cancelled.wait(READY_POLL_SECONDS):
                raise LauncherError("interrupted")

    def stop(self, progress, kill=False):
        """Stops the process and waits until it is gone. True: it was running."""
        pid = self.pid()
        if pid is None:
            self.registry.remove(self.name, self.admin_url)
            return False
        progress.begin(self.name, "stopping")
        if kill:
            processes.kill(pid)
            self.registry.remove(self.name, self.admin_url)
            progress.done(self.name, "killed", "yellow")
        else:
            seconds = STARTING_STOP_SECONDS if self._starting else self.stop_seconds
            clean = processes.stop(pid, self.stop_signal, seconds)
            self.registry.remove(self.name, self.admin_url)
            if clean or self._starting:
                progress.done(self.name, "stopped")
            else:
                progress.done(self.name, f"did not stop within {self.stop_seconds} s and was killed", "red")
        return True

    def _failure(self, what):
        log = self.layout.log(self.name)
        lines = processes.tail(log, LOG_LINES_SHOWN, self._log_start)
        return LauncherError(f"{what}\nthe end of {log}:\n{lines or '(empty)'}")

    def end_leftovers(self, progress):
        """Ends processes of this name that an earlier launcher started and did not write down."""
        for pid in processes.find_tagged(self.layout, self.name, self.leftover_program):
            progress.note(f"{self.name}: ending process {pid}, left over from an earlier run")
            processes.stop(pid, self.stop_signal, self.stop_seconds)

    def _settle_ports(self, progress, may_move):
        for name in self.port_names():
            port = self.settings.port(name)
            if becomes_free(port, 3):
                continue
            if not may_move:
                raise LauncherError(
                    f"port {port} of {self.name} is taken by a process that is not ours, and others "
                    "rely on it; end that process, or run down and up to move"
                )
            moved = self.settings.new_port(name)
            progress.note(f"{self.name}: port {port} is taken by a process that is not ours, using {moved}")


def ending(code):
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
