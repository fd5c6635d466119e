"""Mixed abuse beside 100 orders a second: nobody grows, nothing leaks, orders are taken as ever and come to their end."""

import os
import random
import threading
import time

import pytest
import requests

from support import abuse
from support.history import ACCEPTED, OK
from support.invariants import check_recovered
from support.names import APIS, PROCESSES
from support.placing import Placing
from support.rawhttp import post, request
from support.system import memory_kib

SECONDS = float(os.environ.get("CARTWHEEL_SOAK_SECONDS", 3600))
ORDERS_A_SECOND = 100
MOST_KIB = 64 * 1024
LEAK_SECONDS = 600    # what a process needs once, for acts that come by chance, it has needed by half of that
LEAK_KIB = 4 * 1024   # of resident memory that was never seen in the first half, and never given back in the last quarter
P99_MS = 100
HEALTH_S = 5          # an answer of a probe, whatever is done to the listener
FILES = 4096
PRODUCTS, UNITS = 20, 10_000_000
STRANGER = "127.0.0.2"  # takes places from another address than those who order


def _large_bodies(address):
    abuse.hold(address, 200, post("/api/orders", b" " * abuse.LARGE_BYTES, length=abuse.LARGE_BYTES + 1), 1)


def _unread_lists(address):
    abuse.hold(address, 30, request("GET", "/api/orders?limit=100") * 20, 1)


def _fill(address):
    """More half heads than there are places, from one address."""
    abuse.hold(address, 2500, abuse.SLOW_HEAD, 3, source=STRANGER)


# What is done, and whether it fills the server: then placing may take longer.
ABUSES = (
    (abuse.send_inputs, False),
    (lambda address: abuse.leave_half_heads(address, 300), False),
    (lambda address: abuse.leave_by_reset(address, 100), False),
    (lambda address: abuse.hold(address, 150, abuse.SLOW_HEAD, 1), False),
    (lambda address: abuse.hold(address, 150, abuse.LATE_BODY, 1), False),
    (_large_bodies, True),
    (_unread_lists, True),
    (_fill, True),
)
AFTER_S = 3  # until the places are free again


class Watch:
    """Resident memory of each process once a second, and the answers of probes meanwhile (a context manager)."""

    def __init__(self, system):
        self._system = system
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.resident_kib = {name: [] for name in PROCESSES}
        self.slow_probes = []

    def _run(self):
        while not self._stop.wait(1):
            for name in PROCESSES:
                self.resident_kib[name].append(self._system.rss_kib(name))
                self._probe(name)

    def _probe(self, name):
        started = time.monotonic()
        try:
            answer = requests.get(self._system.admin(name) + "/health/live", timeout=2 * HEALTH_S)
            took = time.monotonic() - started if answer.status_code == 200 else None
        except requests.RequestException as error:
            took = repr(error)
        if not isinstance(took, float) or took > HEALTH_S:
            self.slow_probes.append((name, took))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)

    def begin(self):
        """What was seen until now was warming up: a process keeps what it needed once."""
        for seen in self.resident_kib.values():
            seen.clear()

    def growth_kib(self, name):
        """What the last quarter never falls below, over the most of the first half: which act comes when is chance."""
        seen = self.resident_kib[name]
        return min(seen[-max(1, len(seen) // 4):]) - max(seen[:max(1, len(seen) // 2)])


class Strangers:
    """Who do it, and the spans of time in which an API may have been full because of them."""

    def __init__(self, system):
        self._system = system
        self._targets = [system.address(name.removesuffix("-api")) for name in APIS]
        self._rng = random.Random(1)
        self.full = []

    def _act(self, action, fills, target):
        started = time.monotonic()
        action(target)
        if fills:
            self.full.append((started, time.monotonic() + AFTER_S))

    def fill_each(self):
        """What takes most memory, once on each API."""
        for action, fills in ABUSES:
            for target in self._targets if fills else ():
                self._act(action, fills, target)

    def act_until(self, deadline):
        """In random order, on every listener."""
        while time.monotonic() < deadline:
            self._act(*self._rng.choice(ABUSES), self._rng.choice(self._targets))
            host, port = self._system.admin(self._rng.choice(PROCESSES)).removeprefix("http://").split(":")
            abuse.leave_half_heads((host, int(port)), 40)


def _p99_outside(history, spans):
    calm = sorted(ms for t, op, event, *_, ms in history.calls
                  if op == "place" and event == OK and not any(a <= t <= b for a, b in spans))
    assert len(calm) > 100, f"only {len(calm)} orders were placed while the server was not full"
    return calm[int(len(calm) * 0.99)]


@pytest.mark.timeout(SECONDS + 400)
def test_abuse_beside_orders(system, stocks, dead_letters, same_processes):
    assert abuse.more_files(FILES) >= FILES, "not injected: too few files are allowed"
    initial = {stocks.create(UNITS): UNITS for _ in range(PRODUCTS)}
    with Watch(system) as watch, Placing(system.address("order"), list(initial), ORDERS_A_SECOND) as placing:
        strangers = Strangers(system)
        strangers.fill_each()
        watch.begin()
        strangers.act_until(time.monotonic() + SECONDS)
    history = placing.history
    assert history.counts().get(ACCEPTED, 0) >= ORDERS_A_SECOND * SECONDS / 2, history.counts()
    check_recovered(system, history, initial, final_timeout=120)
    dead_letters.assert_none_about(history.order_ids())
    assert not watch.slow_probes, watch.slow_probes[:5]
    p99_ms = _p99_outside(history, strangers.full)
    most = {name: memory_kib(system.pid(name), "VmHWM") for name in PROCESSES}
    print(f"placed {history.counts()}, p99 {p99_ms:.1f} ms, most KiB {most}")
    if not system.is_sanitized:
        assert max(most.values()) < MOST_KIB, most
        growing = {name: watch.growth_kib(name) for name in PROCESSES}
        print(f"growing KiB {growing}")
        assert SECONDS < LEAK_SECONDS or max(growing.values()) < LEAK_KIB, growing
        assert p99_ms < P99_MS, f"p99 of placing {p99_ms:.1f} ms"
