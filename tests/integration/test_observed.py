"""./cartwheel up --observe: one order's trace in the terminal; and what ./cartwheel break makes of the system."""

import re

import pytest

from support.api import OrderApi, StockApi, items_of
from support.system import alive, private_system
from support.waits import eventually

BESIDE = ("spans", "slow-mail")
FAILURES = ("database-read-only", "broker-off", "stock-worker", "slow-mail", "poison")
SLOW_MS = 7000
STORY = ("handle placeOrder", "publish OrderCreatedEvent", "process stock.ordercreated",
         "publish OrderStockProcessCompletedDomainEvent", "process order.stock.completed", "publish OrderConfirmedEvent",
         "process order.confirmed.queue", "deliver notification")
pytestmark = pytest.mark.none_of_ours


@pytest.fixture(scope="module")
def observed():
    """What down leaves is looked at when all is done."""
    with private_system({"CARTWHEEL_PACKAGES": "present"}, ["--observe"]) as running:
        yield running
        running.launcher("break", "slow-mail")
        started = {name: entry["pid"] for name, entry in running.processes.items()}
        assert all(alive(started[name]) for name in BESIDE)
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


def states(system):
    return {line.split()[0]: line.split()[1] for line in system.launcher("break").splitlines()[1:]}


@pytest.fixture
def mended(observed):
    """Whatever a test has broken is whole for the next."""
    assert states(observed) == dict.fromkeys(FAILURES, "whole")
    yield
    observed.launcher("mend")


def test_what_is_broken_or_mended_twice_is_so_once(observed, mended):
    for name in reversed(FAILURES):
        assert re.search(f"{name} +broken: ", observed.launcher("break", name))
    assert states(observed) == dict.fromkeys(FAILURES, "broken")
    assert "poison: broken already" in observed.launcher("break", "poison")
    said = observed.launcher("mend", "stock-worker") + observed.launcher("mend")
    assert all(re.search(f"{name} +mended", said) for name in FAILURES), said
    assert "nothing is broken" in observed.launcher("mend")
    assert "poison: whole already" in observed.launcher("mend", "poison")
    assert states(observed) == dict.fromkeys(FAILURES, "whole")
    assert "there is no tooth" in observed.launcher("break", "tooth", check=False)


def test_a_mail_to_the_slow_server_is_slow(observed, shop, mended):
    orders, stocks = shop
    observed.launcher("break", "slow-mail")
    order = orders.placed((stocks.create(5), 1))
    text = eventually(lambda: "send mail" in (text := observed.launcher("trace", order, check=False)) and text,
                      "the mail to be sent", 60)
    sent, = (line for line in text.splitlines() if "send mail" in line)
    assert float(sent.split()[1]) >= SLOW_MS


def test_the_poison_is_a_dead_letter_until_it_is_mended(observed, mended):
    observed.launcher("break", "poison")
    assert "stock.ordercreated" in observed.launcher("dlq", "list", "--service", "stock")
    observed.launcher("mend", "poison")
    assert "stock.ordercreated" not in observed.launcher("dlq", "list", "--service", "stock")
