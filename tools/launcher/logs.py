"""The processes' logs as people read them: JSON lines become time, process, level, message, fields."""

import json
import os
import sys
import time

from . import processes, terminal

FOLLOW_POLL_SECONDS = 0.1
LEVEL_COLOURS = {"error": "red", "warning": "yellow", "info": "green", "debug": "dim"}
NAME_COLOURS = ("cyan", "magenta", "blue", "green", "yellow")
SERVERS = ("postgres", "rabbitmq")
KNOWN = ("time", "level", "process", "message")
HELD_BYTES = 1024 * 1024


def render(name, line):
    """One log line for a terminal; lines that are not JSON pass as they are."""
    colour = NAME_COLOURS[sum(name.encode()) % len(NAME_COLOURS)]
    who = terminal.paint(f"{name:<19}", colour)
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return f"{who} {terminal.paint(line, 'dim') if name in SERVERS else line}"
    level = str(record.get("level", ""))
    fields = " ".join(
        f"{terminal.paint(key + '=', 'dim')}{_value(value)}" for key, value in record.items() if key not in KNOWN
    )
    clock = terminal.paint(str(record.get("time", ""))[11:23], "dim")
    level_text = terminal.paint(f"{level:<7}", LEVEL_COLOURS.get(level, "dim"))
    return f"{clock} {who} {level_text} {record.get('message', '')}  {fields}".rstrip()


def _value(value):
    return value if isinstance(value, str) else json.dumps(value)


def print_last(layout, names, count, raw):
    """The last lines of each log, merged by their times."""
    lines = []
    for name in names:
        moment = ""
        for line in processes.tail(layout.log(name), count).splitlines():
            moment = _moment(line) or moment
            lines.append((moment, name, line))
    lines.sort(key=lambda entry: entry[0])
    for _, name, line in lines[-count:]:
        terminal.say(line if raw else render(name, line))


def _moment(line):
    """The time a line carries, in a form that sorts; empty when there is none."""
    try:
        record = json.loads(line)
        return str(record.get("time", ""))[:26] if isinstance(record, dict) else ""
    except ValueError:
        # The servers write "2026-11-22 10:47:00.123..."
        return line[:10] + "T" + line[11:26] if line[:2] == "20" and line[10:11] == " " else ""


class Follower:
    """Prints what is added to the logs from now on."""

    def __init__(self, layout, names, raw=False, from_start=False):
        self._raw = raw
        self._files = {name: _Tail(layout.log(name), from_start) for name in names}

    def step(self):
        """Prints what is new; True when there was something."""
        found = []
        for name, file in self._files.items():
            for line in file.lines():
                found.append((_moment(line), name, line))
        found.sort(key=lambda entry: entry[0])
        for _, name, line in found:
            print(line if self._raw else render(name, line))
        sys.stdout.flush()
        return bool(found)

    def run(self, finished):
        """Follows until finished() says so; asks it about once a second."""
        asked = time.monotonic()
        while True:
            if not self.step():
                time.sleep(FOLLOW_POLL_SECONDS)
            if time.monotonic() - asked > 1:
                asked = time.monotonic()
                if finished():
                    self.step()
                    return


class _Tail:
    """A file that grows, may not exist yet, and may be replaced by a new one."""

    def __init__(self, path, from_start):
        self._path = path
        self._inode = None
        self._offset = 0
        self._rest = b""
        if not from_start and path.exists():
            found = path.stat()
            self._inode, self._offset = found.st_ino, found.st_size

    def lines(self):
        try:
            with open(self._path, "rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._inode or found.st_size < self._offset:
                    self._inode, self._offset, self._rest = found.st_ino, 0, b""
                file.seek(self._offset)
                data = file.read(HELD_BYTES)
        except FileNotFoundError:
            return []
        self._offset += len(data)
        whole = (self._rest + data).split(b"\n")
        self._rest = whole.pop()
        return [line.decode("utf-8", errors="replace") for line in whole]
