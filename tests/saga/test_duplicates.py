"""Every event three times more, shuffled: nothing changes anywhere."""

import contextlib
import random

import pytest

from support.broker import Broker
from support.child import child
from support.history import ACCEPTED
from support.invariants import check_all
from support.load import place_many, random_choices
from support.names import SERVICES, WORKERS

ORDERS = 200

SNAPSHOTS = [
    ("order", "SELECT * FROM orders WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id"),
    ("order", "SELECT * FROM order_history WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, status"),
    ("stock", "SELECT * FROM stock WHERE product_id = ANY(%(products)s::uuid[]) ORDER BY product_id"),
    ("stock", "SELECT * FROM stock_movements WHERE product_id = ANY(%(products)s::uuid[]) ORDER BY product_id, id"),
    ("stock", "SELECT * FROM stock_reservations WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id"),
    ("notification", "SELECT * FROM notifications WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY id"),
]


def snapshot(databases, ids, products):
    return [databases.rows(service, statement, {"ids": ids, "products": products})
            for service, statement in SNAPSHOTS]


@pytest.mark.in_fault_plan("23")
@pytest.mark.by_address
def test_every_event_three_times_more_shuffled(system, databases, orders, stocks, notifications, tap, dead_letters,
                                               same_processes):
    initial = {stocks.create(100): 100 for _ in range(5)}
    history = place_many(system.api("order"), random_choices(ORDERS, list(initial), seed=5), clients=16)
    assert history.counts() == {ACCEPTED: ORDERS}
    ids = [a.order_id for a in history.attempts]
    for order_id in ids[:20]:
        orders.cancel(order_id)
    check_all(system, history, initial)
    for order_id in ids:
        notifications.wait(order_id, status="Sent")
    wanted = set(ids)
    seen = [m for m in tap.collect() if m.order_id in wanted]
    assert len(seen) >= 3 * ORDERS
    event_ids = [m.envelope["EventId"] for m in seen]
    assert len(event_ids) == len(set(event_ids)), "an event went out twice without any fault"

    before = snapshot(databases, ids, list(initial))
    copies = seen * 3
    random.Random(11).shuffle(copies)
    with Broker(system.amqp_url) as broker:
        for message in copies:
            broker.again(message)
    # an order behind them all, through every queue, tells that they have been consumed
    product = stocks.create(1)
    marker = orders.placed((product, 1))
    orders.wait(marker, "Confirmed", timeout=60)
    orders.cancel(marker)
    notifications.wait(marker, 2, timeout=60)
    stocks.wait(product, 1, timeout=60)
    check_all(system, history, initial)
    assert snapshot(databases, ids, list(initial)) == before
    assert len([m for m in tap.collect() if m.order_id in wanted]) == len(seen) + len(copies), \
        "a duplicate made another event"
    dead_letters.assert_none_about(history.order_ids())
    for service in SERVICES:
        assert databases.value(
            service, "SELECT count(*) FROM (SELECT consumer, event_id FROM inbox"
            " GROUP BY 1, 2 HAVING count(*) > 1) AS twice") == 0


@pytest.mark.in_fault_plan("23")
def test_two_workers_of_each_kind_share_the_work(system, stocks, tap, dead_letters):
    """The same event may meet both at once: it still takes effect once."""
    initial = {stocks.create(150): 150 for _ in range(4)}
    with contextlib.ExitStack() as stack:
        for name in WORKERS:
            stack.enter_context(child(system, name))
        history = place_many(system.api("order"), random_choices(300, list(initial), seed=8), clients=16)
        assert history.counts() == {ACCEPTED: 300}
        with Broker(system.amqp_url) as broker:
            for message in list(tap.collect()):
                for _ in range(3):
                    broker.again(message)
        check_all(system, history, initial)
    check_all(system, history, initial)
    dead_letters.assert_none_about(history.order_ids())
