"""What clients were told: the only truth about which orders were accepted."""

import collections
import dataclasses
import json
import math
import threading

ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
OK, FAIL, INFO = "ok", "fail", "info"  # what became of a request; INFO: nobody knows


@dataclasses.dataclass
class Attempt:
    """All that was done under one idempotency key; its customer id is its own, so that its order can be found."""

    key: str = None
    customer: str = None
    items: list = None                                         # [(product, quantity)]
    placed: list = dataclasses.field(default_factory=list)     # what became of each request that places it
    ids: dict = dataclasses.field(default_factory=dict)        # the orders that it was told, and when first
    cancels: list = dataclasses.field(default_factory=list)    # what became of each request that cancels it
    missing: list = dataclasses.field(default_factory=list)    # answers that deny an accepted order
    detail: str = ""                                           # of the last request that failed

    @property
    def outcome(self):
        if self.ids:
            return ACCEPTED
        return UNKNOWN if INFO in self.placed else REFUSED

    @property
    def order_id(self):
        return next(iter(self.ids), None)

    @property
    def may_be_cancelled(self):
        return OK in self.cancels or INFO in self.cancels

    def accepted(self, order_id, at=None):
        self.placed.append(OK)
        self.ids.setdefault(order_id, at)
        return self


class History:
    """The attempts of all clients, and their calls where those were written down."""

    def __init__(self, attempts=()):
        self._lock = threading.Lock()
        self.attempts = list(attempts)
        self.calls = []  # (end time, op, event, status, detail, ms)

    def add(self, attempt):
        with self._lock:
            self.attempts.append(attempt)

    def having(self, outcome):
        with self._lock:
            return [a for a in self.attempts if a.outcome == outcome]

    def counts(self):
        """{outcome: how many attempts}"""
        with self._lock:
            return dict(collections.Counter(a.outcome for a in self.attempts))

    def order_ids(self):
        return [order for a in self.having(ACCEPTED) for order in a.ids]

    def details(self, outcome):
        return dict(collections.Counter(a.detail for a in self.having(outcome)))

    # --- of the calls -------------------------------------------------------------------------

    def counts_of_calls(self):
        """{"place ok": how many}"""
        return dict(collections.Counter(f"{op} {event}" for _, op, event, *_ in self.calls))

    def hung(self):
        return sum(detail == "hung" for *_, detail, _ in self.calls)

    def slowest_ms(self):
        return max((ms for *_, ms in self.calls), default=0.0)

    def p99_ms(self, since, until=math.inf):
        """Of the orders accepted in that span; None when there are none."""
        span = sorted(ms for t, op, event, *_, ms in self.calls
                      if op == "place" and event == OK and since <= t < until)
        return span[min(len(span) - 1, int(len(span) * 0.99))] if span else None


def read_history(path):
    """The History that clients wrote down, one JSON object a line:

      {"t", "event": "invoke", "op", "key", ...}       before a request is sent
      {"t", "event": "ok" | "fail" | "info", ...}      what became of it
    Times are CLOCK_MONOTONIC, which all processes of the machine share.
    """
    history, by_key = History(), {}
    open_calls = collections.Counter()
    with open(path, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            attempt = by_key.setdefault(entry["key"], Attempt(entry["key"]))
            _read(entry, attempt, history, open_calls)
    for (key, op), count in open_calls.items():  # the clients died in the middle
        events = {"place": by_key[key].placed, "cancel": by_key[key].cancels}.get(op, [])
        events += [INFO] * count
    history.attempts = list(by_key.values())
    return history


def _read(entry, attempt, history, open_calls):
    op, event = entry["op"], entry["event"]
    if event == "invoke":
        open_calls[attempt.key, op] += 1
        if op == "place":
            attempt.customer, attempt.items = entry["customer"], entry["lines"]
        return
    open_calls[attempt.key, op] -= 1
    history.calls.append((entry["t"], op, event, entry["status"], entry["detail"], entry["ms"]))
    if op == "place" and event == OK:
        attempt.accepted(entry["order"], entry["t"])
    elif op == "place":
        attempt.placed.append(event)
    elif op == "cancel":
        attempt.cancels.append(event)
    if op in ("read", "cancel") and entry["status"] == 404:
        attempt.missing.append(f"{op} of {entry['order']} said 404")
