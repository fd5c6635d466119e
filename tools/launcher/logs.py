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
LEVELS = ("debug", "info", "warning", "error")


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


class Selection:
    """Which lines the reader wants. An order's are those that name it, and those of its traces that name no other order:
    a retry of its message, say."""

    def __init__(self, order=None, trace=None, since=None, level=None):
        self._order = order
        self._traces = {trace} if trace else set()
        self._since = since
        self._levels = LEVELS[LEVELS.index(level):] if level else None
        self.is_all = not (order or trace or since or level)
        self.is_story = bool(order or trace)  # which is of few lines, however many there are around them

    @property
    def traces(self):
        """That the reader named, or that were met so far in lines about the order."""
        return frozenset(self._traces)

    def learn(self, layout):
        """Reads the order's traces in the logs there are."""
        if self._order is not None:
            for path in layout.logs.glob("*.log"):
                for line in _all_lines(path):
                    self.wants(line)

    def wants(self, line):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            return self.is_all or not self.is_story and self._levels is None and _moment(line) >= self._since
        if self._since is not None and str(record.get("time", "")) < self._since:
            return False
        named = self._order is not None and self._order in line
        if named and "trace_id" in record:
            self._traces.add(record["trace_id"])
        if self.is_story and not named and not self._is_of_trace(record):
            return False
        return self._levels is None or record.get("level") in self._levels

    def _is_of_trace(self, record):
        return record.get("trace_id") in self._traces and (self._order is None or "order_id" not in record)


def print_last(layout, names, count, raw, selection):
    """The last lines of each log that are wanted, merged by their times; count None: all. How many there were."""
    lines = []
    for name in names:
        moment, log = "", layout.log(name)
        for line in processes.tail(log, count).splitlines() if selection.is_all else _all_lines(log):
            moment = _moment(line) or moment
            if selection.wants(line):
                lines.append((moment, name, line))
    lines.sort(key=lambda entry: entry[0])
    shown = lines[-count:] if count else lines
    for _, name, line in shown:
        terminal.say(line if raw else render(name, line))
    return len(shown)


def _all_lines(log):
    """Of a log and the older one that is kept."""
    for path in (log.with_suffix(".log.1"), log):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                yield from (line.rstrip("\n") for line in file)
        except FileNotFoundError:
            pass


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

    def __init__(self, layout, names, raw=False, from_start=False, selection=None):
        self._raw = raw
        self._selection = selection or Selection()
        self._files = {name: _Tail(layout.log(name), from_start) for name in names}

    def step(self):
        """Prints what is new; True when there was something."""
        found = []
        for name, file in self._files.items():
            for line in file.lines():
                found.append((_moment(line), name, line))
        found.sort(key=lambda entry: entry[0])
        for _, name, line in found:
            if self._selection.wants(line):
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
