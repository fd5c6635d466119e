"""The clients' process and what they wrote down."""

import collections
import json
import math
import subprocess
import sys
import time
from pathlib import Path

from support.waits import eventually

CLIENT = Path(__file__).with_name("client.py")


class Load:
    """Clients that run until stopped (a context manager); their history grows in a file."""

    def __init__(self, path, address, seed, plenty, scarce, rate, clients, short=0.2):
        self.path = Path(path)
        self._command = [
            sys.executable, str(CLIENT), "--host", address[0], "--port", str(address[1]), "--seed", str(seed),
            "--history", str(path), "--plenty", ",".join(plenty), "--scarce", ",".join(scarce),
            "--rate", str(rate), "--clients", str(clients), "--short", str(short)]
        self._process = None
        self._position = 0
        self._accepted = 0

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
        eventually(self.path.exists, "the clients to start", 10)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Lets each client finish the request it is on."""
        if self._process is not None and self._process.poll() is None:
            self._process.stdin.close()
            try:
                assert self._process.wait(60) == 0, "the clients failed"
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise AssertionError("I10: a client never got an answer") from None

    def accepted(self):
        """How many orders have been accepted until now."""
        with open(self.path, "rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._position += len(line)
                self._accepted += b'"event": "ok", "op": "place"' in line
        return self._accepted

    def grow(self, count, timeout=30):
        """Waits until @count more orders have been accepted, so that a fault meets work in flight."""
        goal = self.accepted() + count
        eventually(lambda: self.accepted() >= goal, f"{count} more orders", timeout)


class Order:
    """All that was done under one idempotency key."""

    def __init__(self, key):
        self.key = key
        self.customer = None
        self.lines = []
        self.placed = []    # events of its place requests
        self.ids = {}       # those that it was told, and when first
        self.cancels = []   # events of its cancel requests
        self.missing = []   # answers to its own client that deny an accepted order

    @property
    def is_accepted(self):
        return bool(self.ids)

    @property
    def may_exist(self):
        return self.is_accepted or "info" in self.placed

    @property
    def may_be_cancelled(self):
        return "ok" in self.cancels or "info" in self.cancels


class History:
    """What the clients saw."""

    def __init__(self, path):
        self.orders = {}
        self.calls = []  # (end time, op, event, status, detail, ms)
        open_calls = collections.Counter()
        with open(path, encoding="utf-8") as file:
            for line in file:
                self._read(json.loads(line), open_calls)
        for (key, op), count in open_calls.items():  # the clients died in the middle
            events = {"place": self.orders[key].placed, "cancel": self.orders[key].cancels}.get(op, [])
            events += ["info"] * count

    def _read(self, entry, open_calls):
        key, op, event = entry["key"], entry["op"], entry["event"]
        order = self.orders.setdefault(key, Order(key))
        if event == "invoke":
            open_calls[key, op] += 1
            if op == "place":
                order.customer, order.lines = entry["customer"], entry["lines"]
            return
        open_calls[key, op] -= 1
        self.calls.append((entry["t"], op, event, entry["status"], entry["detail"], entry["ms"]))
        if op == "place":
            order.placed.append(event)
            if event == "ok":
                order.ids.setdefault(entry["order"], entry["t"])
        elif op == "cancel":
            order.cancels.append(event)
        if op in ("read", "cancel") and entry["status"] == 404:
            order.missing.append(f"{op} of {entry['order']} said 404")

    def counts(self):
        return dict(collections.Counter(f"{op} {event}" for _, op, event, *_ in self.calls))

    def hung(self):
        return sum(detail == "hung" for *_, detail, _ in self.calls)

    def slowest_ms(self):
        return max((ms for *_, ms in self.calls), default=0.0)

    def p99_ms(self, since, until=math.inf):
        """Of the orders accepted in that span; None when there are none."""
        span = sorted(ms for t, op, event, *_, ms in self.calls
                      if op == "place" and event == "ok" and since <= t < until)
        return span[min(len(span) - 1, int(len(span) * 0.99))] if span else None


def now():
    return time.monotonic()
