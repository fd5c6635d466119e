"""What processes use, from /proc."""

import os
import threading
import time
from pathlib import Path

from launcher import processes

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid):
    return [pid, *processes.children_of(pid)]


def cpu_seconds(pid):
    """User and system time of a process, its children, and those of them that have ended."""
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        fields = fields.rpartition(")")[2].split()
        own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
        total += own + ended
    return total / TICKS


def resident_mib(pid):
    return processes.resident_kib(pid) / 1024


def family_mib(pid):
    """Memory of a process and its children; pages that they share are counted once."""
    return sum(_proportional_kib(one) for one in family(pid)) / 1024


def _proportional_kib(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return processes.resident_kib(pid)


class PeakMemory:
    """The highest resident size of each process while the block runs, looked at a few times a second."""

    def __init__(self, pids, seconds=0.25):
        self._pids = pids
        self._seconds = seconds
        self.mib = dict.fromkeys(pids, 0.0)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while True:
            for name, pid in self._pids.items():
                self.mib[name] = max(self.mib[name], resident_mib(pid))
            if self._done.wait(self._seconds):
                return


def until(holds, poll=0.001, seconds=30):
    """How long it takes until holds(), in seconds."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"not there after {seconds} s")
        time.sleep(poll)
    return time.monotonic() - start
