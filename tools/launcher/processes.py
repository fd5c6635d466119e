"""Operating system processes: starting them, knowing them again, stopping them.

A process is known by its pid together with its start time and the boot it was started in, so that a
pid that was given to somebody else meanwhile is never signalled. Every process also carries
CARTWHEEL_PROCESS=<state folder>/<name> in its environment; by that one is found again whose pid was
never written down because the launcher was killed.
"""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from .layout import LauncherError, read_json, write_json

TAG = "CARTWHEEL_PROCESS"
POLL_SECONDS = 0.02
KILL_SECONDS = 10
LOG_BYTES_KEPT = 64 * 1024 * 1024
BACKGROUND_NICE = 10
AUTOGROUP_TRIES = 5
AUTOGROUP_PAUSE = 0.11


def start_time(pid):
    """When the process was started, as text; None when it is gone (a zombie is gone)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return f"{boot}/{fields[19]}"


def resident_kib(pid):
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def children_of(pid):
    """All descendants of a process."""
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(f"/proc/{entry.name}/stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = []
    waiting = [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found.extend(below)
        waiting.extend(below)
    return found


def reap():
    """Collects children that have ended, so that they do not stay behind as zombies: {pid: code as Popen has it}."""
    found = {}
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            found[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    except ChildProcessError:
        pass
    return found


class Registry:
    """processes.json: which process has which pid. Safe to use from several threads."""

    def __init__(self, layout, instance):
        self._layout = layout
        self._instance = instance
        self._lock = threading.Lock()  # guards the file

    def _read(self):
        value = read_json(self._layout.processes_file)
        return value if isinstance(value, dict) else {}

    def _update(self, name, pid, started, admin_url):
        with self._lock:
            records = self._read()
            records[name] = {
                "pid": pid,
                "admin_url": admin_url,
                "log": str(self._layout.log(name)),
                "started": started,
                "instance": self._instance,
            }
            write_json(self._layout.processes_file, records)

    def add(self, name, pid, admin_url):
        self._update(name, pid, start_time(pid), admin_url)

    def remove(self, name, admin_url):
        self._update(name, None, None, admin_url)

    def pid(self, name):
        """The pid of the running process of that name; None when it does not run."""
        record = self._read().get(name) or {}
        pid = record.get("pid")
        if not isinstance(pid, int) or record.get("started") is None:
            return None
        return pid if start_time(pid) == record["started"] else None

    def lost(self, name):
        """The pid of a process that ended although no launcher stopped it; else None."""
        pid = (self._read().get(name) or {}).get("pid")
        return pid if pid is not None and self.pid(name) is None else None

    def is_foreign(self, name):
        """Whether it runs, but under settings that were lost: its ports and passwords are unknown."""
        return self.pid(name) is not None and self._read()[name].get("instance") != self._instance


def find_tagged(layout, name, program=None):
    """Pids of running processes that an earlier launcher started under that name.

    A child inherits the tag; children are left out by asking for leaders of sessions, and where
    these have helpers that lead sessions too, by asking for a program.
    """
    wanted = f"{TAG}={layout.home}/{name}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            if wanted not in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                continue
            runs = os.readlink(f"/proc/{pid}/exe").rpartition("/")[2]
            leads = os.getsid(pid) == pid
        except OSError:
            continue
        if leads and program in (None, runs) and start_time(pid) is not None:
            found.append(pid)
    return found


def spawn(layout, name, command, environ, account=None, directory="/", background=False):
    """Starts a process in a session of its own with its output appended to the log. A @background one
    leaves the cores to the others while they are short."""
    log = layout.log(name)
    _roll(log)
    identity = account.popen_arguments() if account is not None else {}
    environ = {**environ, TAG: f"{layout.home}/{name}"}
    try:
        with open(log, "ab") as output, open(os.devnull, "rb") as nothing:
            os.fchmod(output.fileno(), 0o600)
            child = subprocess.Popen(
                command,
                stdin=nothing,
                stdout=output,
                stderr=output,
                env=environ,
                cwd=directory,
                start_new_session=True,
                **identity,
            )
    except OSError as error:
        raise LauncherError(f"cannot start {name}: {error}") from error
    if background:
        _stand_back(child.pid)
    return child


def _stand_back(pid):
    """Lowers the priority of a process just started. Where the kernel shares the cores out among
    sessions first, that of the session counts (sched(7), "The autogroup feature")."""
    nice = max(BACKGROUND_NICE, os.getpriority(os.PRIO_PROCESS, 0))
    for _ in range(AUTOGROUP_TRIES):
        try:
            os.setpriority(os.PRIO_PROCESS, pid, nice)
            Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")
            return
        except BlockingIOError:  # a user may do it ten times a second
            time.sleep(AUTOGROUP_PAUSE)
        except OSError:  # no such feature; or the process has ended, which whoever waits for it tells
            return


def _roll(log):
    """Keeps one older log, so that a system that is restarted often does not fill the disk."""
    try:
        if log.stat().st_size > LOG_BYTES_KEPT:
            os.replace(log, log.with_suffix(".log.1"))
    except FileNotFoundError:
        pass


def stop(pid, first_signal, seconds):
    """Signals a process and waits until it is gone; kill -9 when it stays. True: it went by itself."""
    started = start_time(pid)
    if started is None:
        return True
    _signal(pid, first_signal)
    if wait_gone(pid, started, seconds):
        return True
    _signal(pid, signal.SIGKILL)
    if not wait_gone(pid, started, KILL_SECONDS):
        raise LauncherError(f"process {pid} does not end, not even by SIGKILL")
    return False


def kill(pid):
    """kill -9 of a process, then waits for it and for all its children, which notice and end."""
    started = start_time(pid)
    if started is None:
        return
    family = {child: start_time(child) for child in children_of(pid)}
    _signal(pid, signal.SIGKILL)
    if not wait_gone(pid, started, KILL_SECONDS):
        raise LauncherError(f"process {pid} does not end, not even by SIGKILL")
    for child, born in family.items():
        if born is not None and not wait_gone(child, born, KILL_SECONDS):
            _signal(child, signal.SIGKILL)
            wait_gone(child, born, KILL_SECONDS)


def wait_gone(pid, started, seconds):
    deadline = time.monotonic() + seconds
    while start_time(pid) == started:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise LauncherError(f"not allowed to signal process {pid}: {error}") from error


def size(log):
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def tail(log, lines, start=0):
    """The last lines of a log behind that position as text; empty when there is none."""
    try:
        with open(log, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            start = start if start <= end else 0
            file.seek(max(start, end - 400 * max(lines, 1)))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
