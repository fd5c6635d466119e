"""A collector that is slow, away or hostile costs spans, which are counted, and nothing else."""

import os
import pathlib
import threading
import time

import pytest
import requests

from support.api import OrderApi, new_id
from support.child import instead
from support.fakes import later
from support.otlp import CLASSES, Collector, decode, reply
from support.system import free_port, memory_kib
from support.waits import eventually

FULL = 512           # spans: a batch that leaves at once
SPANS_OF_A_GET = 5   # server, handler, batch, transaction, commit
QUEUE = 2048
GROWTH_KIB = 8 * 1024
WAITED_S = 10        # nothing but waiting for a collector, which has a minute, takes a request so long
SANITIZED = bool(os.environ.get("CARTWHEEL_SANITIZERS"))  # they keep what was freed


def sampled():
    return {"traceparent": f"00-{new_id().replace('-', '')}-00f067aa0ba902b7-01"}


def ask(api, spans):
    """Requests that leave that many spans; the slowest took so many seconds."""
    slowest = 0
    orders = OrderApi(api.base)
    for _ in range(-(-spans // SPANS_OF_A_GET)):
        start = time.monotonic()
        answer = orders.call("GET", f"/api/orders/{new_id()}", headers=sampled())
        slowest = max(slowest, time.monotonic() - start)
        assert answer.status_code == 404, answer.text
    return slowest


def exported(api):
    return api.metrics().value("cartwheel_spans_exported_total") or 0


def dropped(api, reason):
    return api.metrics().value("cartwheel_spans_dropped_total", reason=reason) or 0


class Moody(Collector):
    """Behaves as @mood says: a function of the body that gives an answer, or None."""

    def __init__(self, mood):
        self.mood = mood
        super().__init__(lambda body: self.mood(body))

    def bodies(self, first):
        return [body for _, _, _, body in self.requests[first:]]


@pytest.fixture
def held():
    """An event for which a slow collector waits."""
    event = threading.Event()
    yield event
    event.set()


def partial(rejected):
    response = CLASSES["Response"]()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = "no"
    body = response.SerializeToString()
    return lambda _: (200, lambda handler: reply(handler, 200, body))


def garbage(_):
    return 200, lambda handler: reply(handler, 200, b"\x0a\xff\xff\xff<html>")


def endless(_):
    """An answer that never ends."""
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)
    return 200, answer


# mood -> where the batch ends up after one try
ONCE = {"partial": (partial(FULL), "rejected"), "refused": (lambda _: (400, {}), "refused"), "moved": (lambda _: (307, {}), "refused"),
        "failing": (lambda _: (500, {}), "refused"), "endless": (endless, "refused")}
# mood -> tried again until it is taken
AGAIN = {"429": lambda _: later(429, 1), "503": lambda _: later(503, 1), "502": lambda _: (502, {}),
         "reset": lambda _: (None, None)}


def test_a_collector_that_misbehaves_costs_nothing_but_spans(system, held):
    with Moody(lambda _: held.wait(60) and None) as collector, instead(system, "order-api", {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url + "/", "OTEL_EXPORTER_OTLP_TIMEOUT": "60000",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%2Cb, x-other=2"}) as api:
        ask(api, FULL)  # whatever is made once
        before = memory_kib(api.process.pid)
        slowest = ask(api, QUEUE + 2 * FULL)  # it hangs
        assert slowest < WAITED_S, "a request waited for the collector"
        assert SANITIZED or memory_kib(api.process.pid) - before < GROWTH_KIB
        held.set()
        eventually(lambda: dropped(api, "queue_full") > 0 and exported(api) >= QUEUE, "what was kept to be taken", 30)
        for name, (mood, reason) in ONCE.items():
            collector.mood = mood
            was, first = dropped(api, reason), len(collector.requests)
            ask(api, FULL)
            eventually(lambda: dropped(api, reason) >= was + FULL, f"{name}: spans to be dropped as {reason}", 20)
            bodies = collector.bodies(first)
            assert len(set(bodies)) == len(bodies), f"{name}: tried again"
        for name, mood in AGAIN.items():
            collector.mood = mood
            first = len(collector.requests)
            ask(api, FULL)
            body = eventually(lambda: collector.bodies(first), f"{name}: a request", 20)[0]
            taken = exported(api)
            collector.mood = lambda _: None
            eventually(lambda: exported(api) >= taken + FULL, f"{name}: to be taken after all", 20)
            assert collector.bodies(first).count(body) >= 2, f"{name}: not tried again"
        collector.mood = garbage
        taken = exported(api)
        ask(api, FULL)
        eventually(lambda: exported(api) >= taken + FULL, "an answer that says nothing to count as taken", 20)
        assert dropped(api, "unavailable") == 0
        assert SANITIZED or memory_kib(api.process.pid) - before < GROWTH_KIB
        assert api.log.count("the collector takes") <= 2, api.log
        _, _, headers, body = collector.requests[0]
        headers = {name.lower(): value for name, value in headers.items()}
        assert (headers["x-key"], headers["x-other"]) == ("a,b", "2")
        assert headers["content-type"] == "application/x-protobuf"
        assert {span.service for span in decode(body)} == {"order-api"}


def test_a_collector_that_is_away_is_told_of_once_and_what_waits_is_sent_at_the_end(system):
    port = free_port()
    with instead(system, "order-api", {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}) as api:
        assert ask(api, FULL) < WAITED_S
        eventually(lambda: "the collector takes no spans" in api.log, "the outage in the log", 20)
        assert api.is_ready()
        with Collector(port=port) as collector:
            ask(api, SPANS_OF_A_GET)
            assert api.stop() == 0
            assert len(collector.spans) >= FULL
        assert api.log.count("the collector takes no spans") == 1


def threads_of(pid):
    return {path.read_text().strip() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/comm")}


def test_without_a_collector_nothing_is_recorded(system, orders):
    assert orders.get(f"/api/orders/{new_id()}").status_code == 404
    threads = threads_of(system.pids()["order-api"])
    assert "writes" in threads and "spans" not in threads
    assert "cartwheel_spans_dropped_total" not in requests.get(system.admin("order-api") + "/metrics", timeout=5).text
