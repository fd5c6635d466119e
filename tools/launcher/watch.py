"""What ./cartwheel up does once everything is ready: shows the logs, and ends when a process does."""

import fcntl

from . import logs, processes, terminal
from .component import ending
from .system import NAMES

UNKNOWN = 1  # the exit code when a process that must run ended well, or was not started by us


class Watch:
    """Follows the logs of a system that this launcher has just started."""

    def __init__(self, layout, system):
        self._layout = layout
        self._system = system
        self._codes = {}  # of our children that have ended: pid -> as Popen has it
        self._lost = []  # [(name, pid)] of those that nobody stopped

    def run(self):
        """The exit code for ./cartwheel when a process ended by itself, after it was announced; 0 when another command
        stopped everything."""
        logs.Follower(self._layout, NAMES).run(self._is_over)
        if not self._lost:
            terminal.say("Everything was stopped by another command.")
            return 0
        for name, pid in self._lost:
            code = self._codes.get(pid)
            how = "has ended" if code is None else f"has ended by itself, {ending(code)}"
            terminal.say(terminal.paint(f"{name} {how}; its log is {self._layout.log(name)}", "red"))
        return exit_code(self._codes.get(self._lost[0][1]))

    def _is_over(self):
        self._codes |= processes.reap()
        with open(self._layout.lock_file, "a", encoding="utf-8") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False  # another launcher is at work: what is gone now may be back, or be written down as stopped
            lost = ((name, self._system.registry.lost(name)) for name in NAMES)
            self._lost = [(name, pid) for name, pid in lost if pid is not None]
            return bool(self._lost) or not self._system.running()


def exit_code(code):
    """As a shell has it: 128 and the number of the signal. A process that must run and ends well is a failure too."""
    if code is None or code == 0:
        return UNKNOWN
    return 128 - code if code < 0 else code
