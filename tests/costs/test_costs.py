"""The three hottest paths may not grow dearer unnoticed: instructions an item against a budget.

budget.json holds what was counted when each path was last worked on. A path that needs more for a good
reason gets a new figure there, in the commit that says why.
"""

import http.client
import json
import pathlib

import pytest

from costs.counting import per_item
from support import tokens
from support.api import items_of, new_id
from support.fakes import FakeHttp
from support.load import place_many
from support.waits import eventually

BUDGET = json.loads(pathlib.Path(__file__).with_name("budget.json").read_text())
ROOM = 1.15  # compilers' and libraries' updates, and how the items fell into batches
PATIENCE = 120


@pytest.fixture(scope="module")
def product(stocks):
    return stocks.create(10**9)


@pytest.fixture(scope="module", autouse=True)
def without_workers(system):
    """Nobody else takes what is to be counted, and the launcher's processes come back afterwards."""
    with system.without("order-worker", "stock-worker"):
        yield


def check(path, instructions):
    print(f"{path}: {instructions:,.0f} instructions, {BUDGET[path]:,} allowed for")
    assert instructions <= BUDGET[path] * ROOM, (
        f"{path} takes {instructions:,.0f} instructions, the budget is {BUDGET[path]:,}: find out why with "
        f"callgrind_annotate, or raise it in tests/costs/budget.json and say why")


@pytest.fixture(scope="module")
def collector():
    """Takes every span; that it is sent is not counted, that it is made is."""
    with FakeHttp(lambda *_: (200, {})) as taking:
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": taking.url, "OTEL_TRACES_SAMPLER_ARG": "1"}


@pytest.mark.parametrize("path, changes, headers, traced", [
    ("order-api: take an order", tokens.OFF, {}, False),
    ("order-api: take an order, with a token", {}, tokens.headers(), False),
    ("order-api: take an order, traced", tokens.OFF, {}, True),
], ids=["off", "on", "traced"])
def test_taking_an_order(system, product, collector, path, changes, headers, traced):
    """order-api: one POST, alone: its head and body, who asks, the handler, the answer."""
    changes = {**changes, **(collector if traced else {})}
    headers = {"Content-Type": "application/json", **headers}

    def post(child, n):
        connection = http.client.HTTPConnection(child.http, timeout=PATIENCE)
        for _ in range(n):
            body = json.dumps({"customerId": new_id(), "items": items_of((product, 1), price=1.25)})
            connection.request("POST", "/api/orders", body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 201
        connection.close()

    check(path, per_item(
        system, "order-api", ["ch_http_intake_access", "ch_http_lane_run"], finish=post, changes=changes))


def place(system, product, n):
    assert len(place_many(system.api("order"), [[(product, 1)]] * n).order_ids()) == n


def published(system, service):
    eventually(lambda: system.databases.value(service, "SELECT count(*) FROM outbox") == 0,
               f"the outbox of {service} to drain", PATIENCE)


def test_publishing_an_event(system, product):
    """order-worker: claimed, sent, confirmed, deleted, many at once."""
    system.start("order-worker")
    published(system, "order")  # what other tests left does not count
    system.stop("order-worker")
    check("order-worker: publish an event", per_item(
        system, "order-worker", ["ch_relay_run"],
        prepare=lambda n: place(system, product, n),
        finish=lambda child, n: published(system, "order")))


def test_taking_stock(system, product):
    """stock-worker: parsed, recorded, stock taken, its result in the outbox, many at once."""
    def lay_out(n):
        system.start("order-worker")
        place(system, product, n)
        published(system, "order")
        system.stop("order-worker")

    def reserved():
        return system.databases.value("stock", "SELECT count(*) FROM stock_reservations")

    def finish(child, n):
        eventually(lambda: reserved() >= before[0] + n, f"stock of {n} orders to be taken", PATIENCE)
        before[0] = reserved()
        published(system, "stock")

    lay_out(0)
    system.start("stock-worker")  # what other tests left does not count
    eventually(lambda: system.databases.value("order", "SELECT count(*) FROM orders") <= reserved(),
               "no order to wait", PATIENCE)
    published(system, "stock")
    system.stop("stock-worker")
    before = [reserved()]
    check("stock-worker: take stock", per_item(
        system, "stock-worker", ["ch_event_parse", "stock_created_decode", "ch_subscription_run"],
        finish=finish, prepare=lay_out))
