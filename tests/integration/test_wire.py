"""Every event as it is on the wire, and what is tolerated in what is read."""

import json
import re
from decimal import Decimal

import pytest

from support import events
from support.api import TIME, UUID, items_of, new_id
from support.names import (APP_ID_OF_EXCHANGE, DATA_FIELDS, EXCHANGE_OF, ORDER_CANCELLED, ORDER_CONFIRMED,
                           ORDER_CREATED, ORDER_EXCHANGE, STOCK_COMPLETED, STOCK_EXCHANGE, STOCK_FAILED, STOCK_RELEASED)

TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def assert_on_the_wire(message):
    """The envelope, the properties and the members of Data that every event of ours has."""
    event_type = message.routing_key
    envelope = message.envelope
    assert set(envelope) == {"EventId", "EventType", "OccurredOn", "Data"}
    assert envelope["EventType"] == event_type
    assert UUID.match(envelope["EventId"]) and TIME.match(envelope["OccurredOn"])
    assert set(envelope["Data"]) == DATA_FIELDS[event_type]
    for name in ("Id", "OrderId", "CustomerId", "EventId"):
        if name in envelope["Data"]:
            assert UUID.match(envelope["Data"][name]), name
    assert TIME.match(envelope["Data"]["OccurredOn"])
    for line in envelope["Data"].get("Items", []):
        assert set(line) == {"ProductId", "Quantity"}
        assert UUID.match(line["ProductId"]) and isinstance(line["Quantity"], int)
    properties = message.properties
    assert message.exchange == EXCHANGE_OF[event_type]
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == 2
    assert properties.message_id == envelope["EventId"]
    assert properties.type == event_type
    assert properties.timestamp
    assert properties.app_id == APP_ID_OF_EXCHANGE[message.exchange]
    assert TRACEPARENT.match(properties.headers["traceparent"])


def test_the_events_of_a_confirmed_and_then_cancelled_order(orders, stocks, tap):
    customer, first, second = new_id(), stocks.create(5), stocks.create(5)
    items = [{"productId": first, "quantity": 2, "unitPrice": 10.25},
             {"productId": second, "quantity": 1, "unitPrice": 0.0001}]
    order_id = orders.place(items, customer, currency="EUR").json()["id"]
    lines = sorted([(first, 2), (second, 1)])

    created = tap.wait(order_id, ORDER_CREATED)
    assert_on_the_wire(created)
    assert sorted((i["ProductId"], i["Quantity"]) for i in created.data["Items"]) == lines
    assert (created.data["CustomerId"], created.data["Currency"]) == (customer, "EUR")
    assert created.data["OrderTotal"] == Decimal("20.5001")

    completed = tap.wait(order_id, STOCK_COMPLETED)
    assert_on_the_wire(completed)
    assert sorted((i["ProductId"], i["Quantity"]) for i in completed.data["Items"]) == lines

    confirmed = tap.wait(order_id, ORDER_CONFIRMED)
    assert_on_the_wire(confirmed)
    assert (confirmed.data["CustomerId"], confirmed.data["OrderTotal"]) == (customer, Decimal("20.5001"))

    assert orders.cancel(order_id, "d\u00e9j\u00e0 \"vu\"").status_code == 202
    cancelled = tap.wait(order_id, ORDER_CANCELLED)
    assert_on_the_wire(cancelled)
    assert (cancelled.data["CustomerId"], cancelled.data["Reason"]) == (customer, "d\u00e9j\u00e0 \"vu\"")

    released = tap.wait(order_id, STOCK_RELEASED)
    assert_on_the_wire(released)
    assert sorted((i["ProductId"], i["Quantity"]) for i in released.data["Items"]) == lines
    seen = [m for m in tap.of_order(order_id) if m.exchange in (ORDER_EXCHANGE, STOCK_EXCHANGE)]
    assert sorted(m.routing_key for m in seen) == sorted(
        (ORDER_CREATED, STOCK_COMPLETED, ORDER_CONFIRMED, ORDER_CANCELLED, STOCK_RELEASED))
    assert len({m.event_id for m in seen}) == len(seen)


@pytest.mark.parametrize("on_hand, error", [(1, "InsufficientStockException"), (None, "StockNotFoundException")])
def test_the_events_of_a_refused_order(orders, stocks, tap, on_hand, error):
    product = new_id() if on_hand is None else stocks.create(on_hand)
    order_id = orders.placed((product, 2))
    failed = tap.wait(order_id, STOCK_FAILED)
    assert_on_the_wire(failed)
    assert failed.data["ErrorMessage"] == error
    assert [(i["ProductId"], i["Quantity"]) for i in failed.data["Items"]] == [(product, 2)]
    cancelled = tap.wait(order_id, ORDER_CANCELLED)
    assert_on_the_wire(cancelled)
    assert cancelled.data["Reason"] == error


def test_decimals_are_json_numbers_written_exactly(orders, tap):
    items = items_of((new_id(), 100_000), price=9_999_999.9999) + items_of((new_id(), 1), price=9.9999)
    order_id = orders.place(items).json()["id"]
    body = tap.wait(order_id, ORDER_CREATED).body.decode()
    assert re.search(r'"OrderTotal":\s*999999999999\.9999\s*[,}]', body), body


def test_one_trace_from_the_request_to_the_last_event(orders, stocks, tap):
    trace = new_id().replace("-", "")
    answer = orders.place(items_of((stocks.create(1), 1)),
                          headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    order_id = answer.json()["id"]
    for event_type in (ORDER_CREATED, STOCK_COMPLETED, ORDER_CONFIRMED):
        message = tap.wait(order_id, event_type)
        assert message.properties.headers["traceparent"].split("-")[1] == trace


def order_created(*pairs, order_id=None, **more):
    return events.envelope(ORDER_CREATED, {
        "OrderId": order_id or new_id(), "Items": events.items(*pairs), "CustomerId": new_id(),
        "OrderTotal": 1.5, "Currency": "USD", **more})


def dotnet(event):
    """Only what the .NET order service writes."""
    for name in ("CustomerId", "OrderTotal", "Currency"):
        del event["Data"][name]
    return event


VARIANTS = {
    "as-written": lambda e: e,
    "camelCase": lambda e: events.renamed(e, events.camel),
    "lower-case": lambda e: events.renamed(e, str.lower),
    "upper-case": lambda e: events.renamed(e, str.upper),
    "unknown-fields": lambda e: {**e, "Version": 7, "X": [{"y": None}], "Data": {**e["Data"], "Note": {"a": 1.5}}},
    "data-as-string": lambda e: {**e, "Data": json.dumps(e["Data"])},
    "data-as-string-in-camelCase": lambda e: {**events.renamed(e, events.camel),
                                              "data": json.dumps(events.renamed(e["Data"], events.camel))},
    "only-the-dotnet-fields": dotnet,
    "offset-in-place-of-Z": lambda e: {**e, "OccurredOn": "2026-11-22T10:47:00.1234567+00:00"},
    "upper-case-uuids": lambda e: json.loads(re.sub(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda m: m[0].upper(), json.dumps(e))),
}


@pytest.mark.parametrize("plain", [False, True], ids=["properties", "no-properties"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_we_read_may_differ_from_what_we_write(broker, stocks, tap, variant, plain, dead_letters):
    """Stock is taken for an order that only its event tells of."""
    product, order_id = stocks.create(10), new_id()
    event = order_created((product, 4), order_id=order_id)
    body = json.dumps(VARIANTS[variant](event))
    broker.publish(EXCHANGE_OF[ORDER_CREATED], ORDER_CREATED, body, None if plain else events.properties(event))
    completed = tap.wait(order_id, STOCK_COMPLETED)
    assert_on_the_wire_of_a_stranger(completed)
    assert stocks.quantity(product) == 6
    assert not dead_letters.new_rows()["stock"]


def assert_on_the_wire_of_a_stranger(message):
    """A trace need not have come with the cause; everything else is as always."""
    message.properties.headers = {**(message.properties.headers or {})}
    message.properties.headers.setdefault("traceparent", "00-" + "1" * 32 + "-" + "1" * 16 + "-00")
    assert_on_the_wire(message)


@pytest.mark.parametrize("quantities, left", [((4, 4), 2), ((6, 6), 10)])
def test_a_product_that_stands_twice_in_an_event_counts_as_its_sum(broker, stocks, tap, quantities, left):
    """Our API refuses such orders; another system's may not."""
    product, order_id = stocks.create(10), new_id()
    events.publish(broker, order_created(*((product, n) for n in quantities), order_id=order_id))
    tap.wait(order_id, STOCK_COMPLETED if left < 10 else STOCK_FAILED)
    assert stocks.quantity(product) == left
    assert sum(m["delta"] for m in stocks.movements(product)) == left


@pytest.mark.parametrize("variant", ["camelCase", "data-as-string", "unknown-fields"])
def test_the_order_worker_reads_as_tolerantly(orders, stocks, broker, system, variant):
    """With the stock worker away, the test answers in its place."""
    with system.without("stock-worker"):
        order_id = orders.placed((stocks.create(1), 1))
        event = events.envelope(STOCK_FAILED, {"EventId": new_id(), "OrderId": order_id, "Items": [],
                                               "ErrorMessage": "InsufficientStockException"})
        broker.publish(EXCHANGE_OF[STOCK_FAILED], STOCK_FAILED, json.dumps(VARIANTS[variant](event)))
        assert orders.wait(order_id, "Cancelled")["reason"] == "InsufficientStockException"


@pytest.mark.parametrize("variant", ["camelCase", "data-as-string", "unknown-fields"])
def test_the_notification_worker_reads_as_tolerantly(broker, notifications, variant):
    order_id = new_id()
    event = events.envelope(ORDER_CONFIRMED, {"OrderId": order_id, "CustomerId": new_id(), "OrderTotal": 12.5})
    broker.publish(EXCHANGE_OF[ORDER_CONFIRMED], ORDER_CONFIRMED, json.dumps(VARIANTS[variant](event)))
    assert len(notifications.wait(order_id, status="Sent")) == 1
