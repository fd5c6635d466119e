"""What stock and notification have of orders is compared with the orders: each damage is found and named, what is open is not."""

import contextlib
import datetime
import json
import time
from typing import NamedTuple

import pytest

from support import documents
from support.api import new_id
from support.child import child
from support.names import DIGESTS_QUEUE, ORDER_CONFIRMED, ORDER_CREATED, OUTCOMES_DIGEST
from support.waits import eventually

FOUND_SECONDS = 90
CHECKS = {"stock": "stock_outcomes", "notification": "notification_outcomes"}
QUICK = {"AUDITOR_DIGESTS": "300ms", "AUDITOR_SETTLED_AFTER": "1s", "AUDITOR_LAP": "1s"}
DROP_STOCK = "DELETE FROM stock_reservations WHERE order_id = %s"
KEEP_STOCK = "INSERT INTO stock_reservations (order_id, status) VALUES (%s, 1)"
NO_STOCK = "it is confirmed, and no stock is held for it"
NOT_TOLD = "it was confirmed once, and there are 0 notifications of that"


@pytest.fixture(scope="module")
def tellers(system):
    """A second worker of each service that tells, again and again: {service: process}."""
    with contextlib.ExitStack() as stack:
        yield {service: stack.enter_context(child(system, f"{service}-worker", QUICK)) for service in CHECKS}


class Compared:
    """What the order service found."""

    def __init__(self, databases):
        self._databases = databases

    def faults(self, *subjects):
        """{(check, subject): fault}"""
        return {(check, subject): fault for check, subject, fault in self._databases.rows(
            "order", "SELECT check_name, subject, fault FROM auditor_findings WHERE check_name = ANY(%s) AND subject = ANY(%s)",
            (list(CHECKS.values()), list(subjects)))}

    def until(self, expected, *subjects):
        def found():
            seen = self.faults(*subjects)
            assert seen == expected, {key: (seen.get(key), expected.get(key)) for key in seen.keys() | expected.keys()
                                      if seen.get(key) != expected.get(key)}
            return True
        eventually(found, "what differs to be found, and nothing else", FOUND_SECONDS)


@pytest.fixture
def compared(tellers, databases):
    assert tellers
    return Compared(databases)


@pytest.fixture
def shop(orders, stocks, notifications):
    """Orders whose customers were told."""
    class Shop:
        def confirmed(self, quantity=3):
            order = orders.placed((stocks.create(100), quantity))
            notifications.wait(order, status="Sent")
            return order

        def refused(self):
            order = orders.placed((stocks.create(1), 2))
            orders.wait(order, "Cancelled")
            return order

        def cancelled(self):
            order = self.confirmed()
            product, = {line["productId"] for line in orders.order(order)["items"]}
            assert orders.cancel(order).ok
            stocks.wait(product, 100)
            eventually(lambda: len(notifications.of_order(order)) == 2, f"both notifications of {order}")
            return order
    return Shop()


@pytest.fixture
def settled(databases):
    """Returns when no order has changed for AUDITOR_SETTLED_AFTER: what is newer is open."""
    return lambda: eventually(lambda: not databases.value(
        "order", "SELECT EXISTS (SELECT FROM orders WHERE updated_at > now() - interval '1100 ms')"), "orders to settle")


@pytest.fixture
def all_compared(compared, databases, settled, shop):
    """Returns when orders that were there before have been compared with both services; what is found of them stays."""
    def wait():
        settled()
        shop.refused()  # whatever was sent to customers and to stock before has been taken in now
        sentinel = shop.confirmed()
        settled()
        shop.refused()
        shop.confirmed()
        databases.execute("stock", DROP_STOCK, (sentinel,))
        kept = databases.rows("notification", "DELETE FROM notifications WHERE order_id = %s RETURNING event_id::text, customer_id::text",
                              (sentinel,))
        compared.until({(CHECKS["stock"], sentinel): NO_STOCK, (CHECKS["notification"], sentinel): NOT_TOLD}, sentinel)
        databases.execute("stock", KEEP_STOCK, (sentinel,))
        databases.execute("notification", "INSERT INTO notifications (id, event_id, order_id, customer_id, template_code, parameters, status)"
                          " VALUES (%s, %s, %s, %s, 'ORDER_CONFIRMED', '{}', 3)", (new_id(), kept[0][0], sentinel, kept[0][1]))
        compared.until({}, sentinel)
    return wait


# --- nothing is wrong -------------------------------------------------------------------------------


def announce_again(databases, broker, order):
    """All that was ever sent about it, under ids that no consumer knows."""
    customer = databases.value("order", "SELECT customer_id::text FROM orders WHERE id = %s", (order,))
    items = [{"ProductId": product, "Quantity": quantity} for product, quantity in databases.rows(
        "order", "SELECT product_id::text, quantity FROM order_items WHERE order_id = %s", (order,))]
    data = {"OrderId": order, "CustomerId": customer, "OrderTotal": 1, "Items": items}
    for queue, kind in (("stock.ordercreated", ORDER_CREATED), ("order.confirmed.queue", ORDER_CONFIRMED)):
        event = databases.value("notification" if kind == ORDER_CONFIRMED else "stock",
                                "SELECT event_id::text FROM inbox WHERE consumer = %s AND left(event_id::text, 13) = %s",
                                (queue, order[:13]))
        broker.publish("", queue, json.dumps({"EventId": event, "AnnouncementId": new_id(), "EventType": kind, "Data": data}))


def test_where_nothing_is_wrong_nothing_is_found(compared, all_compared, broker, databases, shop, tellers):
    """Orders of every kind, some announced again; and telling takes a hundredth of a core with all the auditor does."""
    def used():
        return {name: process.metrics().value("cartwheel_auditor_run_seconds_sum") or 0 for name, process in tellers.items()}

    before, since = used(), time.monotonic()
    placed = [make() for make in (shop.confirmed, shop.refused, shop.cancelled) for _ in range(4)]
    for order in placed[:2]:
        announce_again(databases, broker, order)
    broker.wait_empty()
    all_compared()
    assert compared.faults(*placed) == {}
    for name, seconds in used().items():
        assert seconds - before[name] < 0.01 * (time.monotonic() - since) + 0.2, name


# --- rows that somebody changed by hand -------------------------------------------------------------


class Damage(NamedTuple):
    """What is changed of an order of which kind, what is found of it, and what mends it; %s stands for the order."""

    kind: str
    service: str
    change: str
    fault: str
    mend: str


TAKE_AGAIN = ("INSERT INTO stock_movements (id, product_id, delta, kind, order_id) SELECT gen_random_uuid(), product_id, {} delta, kind,"
              " order_id FROM stock_movements WHERE order_id = %s AND kind = 'taken' LIMIT 1")
COPY = ("INSERT INTO notifications (id, event_id, order_id, customer_id, template_code, parameters, status) SELECT gen_random_uuid(),"
        " gen_random_uuid(), order_id, customer_id, '{}', '{{}}', 3 FROM notifications WHERE order_id = %s LIMIT 1")
DAMAGES = [
    Damage("confirmed", "stock", DROP_STOCK, NO_STOCK, KEEP_STOCK),
    Damage("confirmed", "stock", "UPDATE stock_reservations SET status = 3 WHERE order_id = %s", NO_STOCK,
           "UPDATE stock_reservations SET status = 1 WHERE order_id = %s"),
    Damage("confirmed", "stock", TAKE_AGAIN.format(""), "it has 3 units, and 6 are held for it", TAKE_AGAIN.format("-")),
    Damage("cancelled", "stock", "WITH gone AS (DELETE FROM stock_movements WHERE order_id = %s AND kind = 'released' RETURNING order_id)"
           " UPDATE stock_reservations r SET status = 1 FROM gone g WHERE r.order_id = g.order_id",
           "it is cancelled, and 3 units are held for it", "UPDATE stock_reservations SET status = 4 WHERE order_id = %s"),
    Damage("confirmed", "notification", "UPDATE notifications SET template_code = 'ORDER_CANCELLED' WHERE order_id = %s",
           f"{NOT_TOLD}; it was cancelled never, and there are 1 notifications of that",
           "UPDATE notifications SET template_code = 'ORDER_CONFIRMED' WHERE order_id = %s"),
    Damage("cancelled", "notification", "DELETE FROM notifications WHERE order_id = %s AND template_code = 'ORDER_CANCELLED'",
           "it was cancelled once, and there are 0 notifications of that", COPY.format("ORDER_CANCELLED")),
    Damage("confirmed", "notification", COPY.format("ORDER_CONFIRMED"), "it was confirmed once, and there are 2 notifications of that",
           "DELETE FROM notifications WHERE id = (SELECT id FROM notifications WHERE order_id = %s LIMIT 1)"),
]
STRANGER = Damage("", "stock", "WITH held AS (INSERT INTO stock_reservations (order_id, status) VALUES (%s, 1) RETURNING order_id)"
                  " INSERT INTO stock_movements (id, product_id, delta, kind, order_id) SELECT gen_random_uuid(), order_id, -7, 'taken', order_id"
                  " FROM held", "7 units are held for it, and there is no such order", DROP_STOCK)


def test_each_damage_is_found_named_and_forgotten_when_it_is_mended(compared, databases, settled, shop):
    orders_of = {damage: getattr(shop, damage.kind)() for damage in DAMAGES}
    untouched = shop.confirmed()
    orders_of[STRANGER] = untouched[:-4] + f"{(int(untouched[-4:], 16) ^ 0xffff):04x}"
    lost = shop.confirmed()  # by the order service
    orders_of[Damage("", "order", "UPDATE orders SET status = 3 WHERE id = %s", "it is cancelled, and 3 units are held for it",
                     "")] = lost
    settled()
    shop.refused()
    shop.confirmed()
    for damage, order in orders_of.items():
        databases.execute(damage.service, damage.change, (order,))
    databases.execute("order", "UPDATE orders SET updated_at = now() - interval '1 hour' WHERE id = %s", (lost,))
    subjects = [untouched, *orders_of.values()]
    compared.until({(CHECKS["stock" if damage.service == "order" else damage.service], order): damage.fault
                    for damage, order in orders_of.items()}, *subjects)
    databases.execute("stock", "UPDATE stock_reservations SET status = 4 WHERE order_id = %s", (lost,))
    for damage, order in orders_of.items():
        if damage.mend:
            databases.execute(damage.service, damage.mend, (order,))
    compared.until({}, *subjects)


def test_more_differences_than_a_digest_can_name_are_one_finding(compared, databases, shop):
    """Reservations of orders that nobody placed, more than there are cells."""
    first = shop.confirmed()
    made = [first[:-8] + f"{(int(first[-8:], 16) ^ n):08x}" for n in range(1, 400)]
    for change in ("INSERT INTO stock_reservations (order_id, status) SELECT unnest(%s::uuid[]), 1",
                   "INSERT INTO stock_movements (id, product_id, delta, kind, order_id) SELECT gen_random_uuid(), o, -1, 'taken', o"
                   " FROM unnest(%s::uuid[]) AS o"):
        databases.execute("stock", change, (made,))

    def of_ranges():
        return databases.rows("order", "SELECT subject FROM auditor_findings WHERE fault LIKE '%% than can be named'")
    eventually(of_ranges, "the range to be found", FOUND_SECONDS)
    databases.execute("stock", "DELETE FROM stock_reservations WHERE order_id = ANY(%s::uuid[])", (made,))
    databases.execute("stock", "DELETE FROM stock_movements WHERE order_id = ANY(%s::uuid[])", (made,))
    eventually(lambda: not of_ranges(), "the range to be forgotten", FOUND_SECONDS)


# --- what is open -----------------------------------------------------------------------------------


def test_what_lies_among_the_dead_letters_is_open(compared, all_compared, databases, shop):
    order = shop.confirmed()
    databases.execute("notification", "INSERT INTO dead_letters (id, queue, body, reason, attempts, subject)"
                      " VALUES (%s, 'order.confirmed.queue', '', 'a test', 3, %s)", (letter := new_id(), order))
    databases.execute("notification", "DELETE FROM notifications WHERE order_id = %s", (order,))
    all_compared()
    assert compared.faults(order) == {}
    databases.execute("notification", "DELETE FROM dead_letters WHERE id = %s", (letter,))
    compared.until({(CHECKS["notification"], order): NOT_TOLD}, order)


def test_an_order_that_is_not_final_is_open(compared, all_compared, databases, shop):
    order = shop.confirmed()
    databases.execute("order", "ALTER TABLE orders DISABLE TRIGGER USER; UPDATE orders SET status = 1 WHERE id = '%s';"
                      "ALTER TABLE orders ENABLE TRIGGER USER" % order)
    databases.execute("stock", TAKE_AGAIN.format(""), (order,))
    all_compared()
    assert compared.faults(order) == {}
    databases.execute("order", "UPDATE orders SET status = 2 WHERE id = %s", (order,))
    compared.until({(CHECKS["stock"], order): "it has 3 units, and 6 are held for it"}, order)


# --- digests that come late or twice ----------------------------------------------------------------


def digest(order, taken):
    """The notification service has nothing of that order."""
    moment = taken.isoformat().replace("+00:00", "Z")
    event = new_id()
    return {"EventId": event, "EventType": OUTCOMES_DIGEST, "OccurredOn": moment, "Data": {
        "Id": event, "OccurredOn": moment, "Service": "notification", "SettledBefore": moment, "Open": [], "Cells": [],
        "After": order[:-12] + f"{int(order[-12:], 16) - 1:012x}", "UpTo": order}}


def test_a_late_digest_is_harmless_and_so_is_a_second_one(compared, broker, databases, shop, system):
    def late():
        return system.metrics("order-worker").value("cartwheel_outcomes_digests_total", service="notification", result="late") or 0

    order, now, before = shop.confirmed(), datetime.datetime.now(datetime.timezone.utc), late()
    broker.publish("", DIGESTS_QUEUE, json.dumps(digest(order, now - datetime.timedelta(minutes=11))))
    eventually(lambda: late() == before + 1, "the late digest to be dropped")
    assert compared.faults(order) == {}
    wrong = json.dumps(digest(order, now + datetime.timedelta(minutes=1)))
    for _ in range(3):
        broker.publish("", DIGESTS_QUEUE, wrong)
    eventually(lambda: databases.value("order", "SELECT count(*) FROM inbox WHERE consumer = %s AND event_id = %s",
                                       (DIGESTS_QUEUE, json.loads(wrong)["EventId"])) == 1, "it to be taken in")
    compared.until({}, order)  # the next true one says otherwise
    broker.wait_empty()
    told = [line for line in system.log("order-worker").splitlines() if order in line and '"an invariant does not hold"' in line]
    assert len(told) == 1, told


def test_what_is_told_is_as_documented(system, tellers, broker, shop):
    """An order and an order's dead letter are in it."""
    shop.confirmed()
    schema = documents.event_document()["channels"][DIGESTS_QUEUE]["messages"][OUTCOMES_DIGEST]["payload"]
    told = {}
    with system.without("order-worker"):
        def both_tell():
            message = broker.take(DIGESTS_QUEUE)
            if message is not None and message.data["Cells"]:
                told[message.data["Service"]] = message
            return told.keys() == CHECKS.keys()
        eventually(both_tell, "both services to tell", FOUND_SECONDS)
    for service, message in told.items():
        assert documents.faults(documents.closed(schema), message.envelope) == []
        assert message.properties.app_id == service and message.properties.message_id == message.event_id
