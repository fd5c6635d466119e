"""./cartwheel up --observe: one order's trace in the terminal."""

import re

import pytest

from support.api import OrderApi, StockApi, items_of
from support.system import alive, private_system
from support.waits import eventually

BESIDE = ("spans",)
STORY = ("handle placeOrder", "publish OrderCreatedEvent", "process stock.ordercreated",
         "publish OrderStockProcessCompletedDomainEvent", "process order.stock.completed", "publish OrderConfirmedEvent",
         "process order.confirmed.queue", "deliver notification")
pytestmark = pytest.mark.none_of_ours


@pytest.fixture(scope="module")
def observed():
    """What down leaves is looked at when all is done."""
    with private_system({"CARTWHEEL_PACKAGES": "present"}, ["--observe"]) as running:
        yield running
        started = {name: entry["pid"] for name, entry in running.processes.items()}
        assert set(BESIDE) < set(started)
        running.down()
        assert not [name for name, pid in started.items() if pid is not None and alive(pid)]


@pytest.fixture(scope="module")
def shop(observed):
    return OrderApi(observed.api("order")), StockApi(observed.api("stock"))


def test_an_order_s_trace_is_printed_from_the_request_to_what_the_customer_was_told(observed, shop):
    orders, stocks = shop
    order = orders.placed((stocks.create(5), 1))
    orders.wait(order, "Confirmed")

    def told():
        text = observed.launcher("trace", order, check=False)
        return text if all(step in text for step in STORY) and " link" not in text else None

    text = eventually(told, "the whole story", 60)
    print(text)
    lines = text.splitlines()
    assert re.fullmatch("trace [0-9a-f]{32}", lines[0])
    assert re.fullmatch(r" +0\.0 +\d+\.\d  order-api +POST /api/orders", lines[2])
    for step in STORY:
        assert sum(line.endswith(step) for line in lines) == 1, step
    assert re.search("order-api +~ batch", text), "what a span points to follows it"

    answer = orders.post(f"/api/orders/{order}/cancel", {})
    assert answer.status_code == 202

    def cancelled():
        traces = observed.launcher("trace", order).split("\ntrace ")
        return len(traces) == 2 and "POST /api/orders/{id}/cancel" in traces[1]

    eventually(cancelled, "the trace of the cancellation, with the request", 60)


def test_an_order_that_nobody_placed_has_none(observed):
    said = observed.launcher("trace", "0190a000-0000-7000-8000-00000000000a", check=False)
    assert "no span of order 0190a000-0000-7000-8000-00000000000a is kept" in said


def test_what_is_restarted_goes_on_sending_spans(observed):
    observed.restart("order-api")
    observed._environment.clear()
    environ = observed.environment("order-api")
    assert environ["OTEL_EXPORTER_OTLP_ENDPOINT"].startswith("http://127.0.0.1:") and environ["OTEL_TRACES_SAMPLER_ARG"] == "1"
