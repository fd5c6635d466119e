"""Orders whose event, effect or answer was lost end all the same; what is only late is left alone."""

import contextlib
import time

import pytest

from support.api import new_id
from support.child import child
from support.names import ORDER_CREATED, STOCK_COMPLETED
from support.waits import eventually, remains

STUCK = "cartwheel_orders_stuck"
AGAIN = "cartwheel_orders_announced_again_total"
STUCK_AFTER_S = 2


def watching(system, seconds=STUCK_AFTER_S, deadline="off"):
    return child(system, "order-worker", {"ORDER_STUCK_AFTER": f"{seconds}s", "ORDER_DEADLINE": deadline})


def wait_healed(*workers):
    for worker in workers:
        eventually(lambda w=worker: w.metrics().value(STUCK) == 0, "no order to be stuck any more", 30)


def announcements(tap, order_id):
    return [m for m in tap.of_order(order_id) if m.routing_key == ORDER_CREATED]


def made_at_ms(event_id):
    """When a version 7 id was made."""
    return int(event_id.replace("-", "")[:12], 16)


def told_as(message):
    """What an answer to it names."""
    return message.envelope.get("AnnouncementId", message.envelope["EventId"])


def taken_by(databases, order_id):
    return databases.rows("stock", "SELECT delta FROM stock_movements WHERE order_id = %s", (order_id,))


def lose_from_outbox(databases, order_id):
    assert databases.execute("order", "DELETE FROM outbox WHERE position(%s in convert_from(body, 'UTF8')) > 0",
                             (order_id,)) == 1


def test_an_event_lost_in_the_outbox(system, databases, orders, stocks, notifications, tap, dead_letters):
    product = stocks.create(5)
    with system.without("order-worker"):
        order_id = orders.placed((product, 2))
        lose_from_outbox(databases, order_id)
        with watching(system) as worker:
            orders.wait(order_id, "Confirmed", timeout=30)
            assert worker.metrics().value(AGAIN) >= 1
            wait_healed(worker)
            assert "stuck order is final" in worker.log
    notifications.wait(order_id)
    assert stocks.quantity(product) == 3
    assert len(announcements(tap, order_id)) >= 1
    dead_letters.assert_none_about([order_id])


def test_an_event_lost_in_its_queue(system, orders, stocks, databases, broker, tap):
    product = stocks.create(5)
    with system.without("order-worker", "stock-worker"), watching(system) as worker:
        order_id = orders.placed((product, 2))
        eventually(lambda: broker.depth("stock.ordercreated"), "the event in its queue")
        broker.purge("stock.ordercreated")
        with child(system, "stock-worker"):
            orders.wait(order_id, "Confirmed", timeout=30)
            wait_healed(worker)
    first, again, *_ = announcements(tap, order_id)
    assert "AnnouncementId" not in first.envelope
    assert made_at_ms(again.envelope["AnnouncementId"]) > made_at_ms(order_id)
    assert first.envelope["EventId"] == again.envelope["EventId"] == again.properties.message_id
    assert first.data == again.data
    assert taken_by(databases, order_id) == [(-2,)]


def test_an_order_that_was_announced_thousands_of_times_is_announced_again(system, databases, orders, stocks):
    """It was open for months; the others that are stuck must not wait for it either."""
    product = stocks.create(5)
    with system.without("order-worker"):
        old, young = (orders.placed((product, 1)) for _ in range(2))
        for order_id in (old, young):
            lose_from_outbox(databases, order_id)
        databases.execute("order", "INSERT INTO stuck_orders (order_id, announced_at, repeats)"
                                   " VALUES (%s, now() - interval '1 day', 5000)", (old,))
        with watching(system) as worker:
            orders.wait(young, "Confirmed", timeout=30)
            orders.wait(old, "Confirmed", timeout=30)
            wait_healed(worker)


def lose_the_answers(system, databases, broker, orders, *wanted):
    """Places orders for [(product, quantity)]; stock decides each, but no answer arrives."""
    with system.without("stock-worker"):
        placed = [orders.placed(pair) for pair in wanted]
        eventually(lambda: broker.depth("stock.ordercreated") >= len(wanted), "the events in their queue")
        system.stop("order-worker")
    eventually(lambda: databases.value(
        "stock", "SELECT count(*) FROM stock_reservations WHERE order_id = ANY(%s::uuid[])", (placed,)) == len(wanted),
        "stock to decide")
    eventually(lambda: databases.outbox_pending("stock") == 0, "the answers to leave")
    lost = sum(broker.purge(queue) for queue in ("order.stock.completed", "order.stock.fail"))
    assert lost >= len(wanted)
    return placed


def test_a_lost_answer_is_given_again_and_nothing_is_taken_twice(system, databases, orders, stocks, broker, tap,
                                                                 dead_letters):
    plenty, scarce = stocks.create(5), stocks.create(1)
    try:
        taken, refused, unknown = lose_the_answers(system, databases, broker, orders,
                                                   (plenty, 2), (scarce, 2), (new_id(), 1))
        stocks.adjust(scarce, 10)  # the decision stays what it was
        with watching(system) as worker:
            orders.wait(taken, "Confirmed", timeout=30)
            assert orders.wait(refused, "Cancelled", timeout=30)["reason"] == "InsufficientStockException"
            assert orders.wait(unknown, "Cancelled", timeout=30)["reason"] == "StockNotFoundException"
            wait_healed(worker)
    finally:
        system.start("order-worker")
    assert taken_by(databases, taken) == [(-2,)] and stocks.quantity(plenty) == 3
    assert taken_by(databases, refused) == [] and stocks.quantity(scarce) == 11
    answers = [m for m in tap.of_order(taken) if m.routing_key == STOCK_COMPLETED]
    asked = [told_as(m) for m in announcements(tap, taken)]
    assert len(answers) >= 2 and {m.data["EventId"] for m in answers} <= set(asked)
    dead_letters.assert_none_about([taken, refused, unknown])


def test_a_backlog_is_not_flooded(system, databases, orders, stocks, broker, tap, dead_letters):
    """All orders are far too late, because nobody takes stock: one try every ORDER_STUCK_AFTER, no more."""
    number, periods = 200, 4
    product = stocks.create(number)
    with system.without("order-worker", "stock-worker"), watching(system) as worker:
        started = time.monotonic()
        ids = [orders.placed((product, 1)) for _ in range(number)]
        eventually(lambda: worker.metrics().value(STUCK) == number, "all orders to be stuck", 30)
        eventually(lambda: worker.metrics().value(AGAIN) >= periods, "some tries", 60)
        spent = time.monotonic() - started
        assert worker.metrics().value(AGAIN) <= spent / STUCK_AFTER_S + 1
        with child(system, "stock-worker"):
            for order_id in ids:
                orders.wait(order_id, "Confirmed", timeout=60)
            wait_healed(worker)
            spent = time.monotonic() - started
        assert worker.metrics().value(AGAIN) <= spent / STUCK_AFTER_S + 1
    assert stocks.quantity(product) == 0
    assert databases.value("stock", "SELECT count(*) FROM stock_movements WHERE product_id = %s AND kind = 'taken'",
                           (product,)) == number
    dead_letters.assert_none_about(ids)


def test_orders_too_young_to_pass_are_looked_at_once_a_second(system, databases):
    """Ten thousand orders of the last minute: more of them may still be committed, so the watch stays before them."""
    updates = "SELECT coalesce(sum(n_tup_upd), 0) FROM pg_stat_user_tables WHERE relname = 'order_watch'"
    databases.execute("order", """
        INSERT INTO orders SELECT (lpad(to_hex((extract(epoch from now() - interval '5 seconds') * 1000)::bigint), 12, '0')
            || '7' || right(md5(n::text), 19))::uuid, gen_random_uuid(), 3, 1, 'USD', 'never stuck', now(), now()
        FROM generate_series(1, 11000) n""")
    try:
        with system.without("order-worker"), watching(system):
            before, started = databases.value("order", updates), time.monotonic()
            remains(lambda: True, "time to pass", 5)
        spent = time.monotonic() - started
        eventually(lambda: databases.value("order", updates) > before, "the statistics to be told")
        assert databases.value("order", updates) - before <= spent + 3
    finally:
        databases.execute("order", "DELETE FROM orders WHERE reason = 'never stuck'")


def test_two_workers_announce_each_order_once(system, databases, orders, stocks, tap, dead_letters):
    number = 40
    product = stocks.create(number)
    with system.without("order-worker"):
        ids = [orders.placed((product, 1)) for _ in range(number)]
        for order_id in ids:
            lose_from_outbox(databases, order_id)
        with watching(system) as first, watching(system) as second:
            for order_id in ids:
                orders.wait(order_id, "Confirmed", timeout=60)
            wait_healed(first, second)
            announced = sum(worker.metrics().value(AGAIN) for worker in (first, second))
    seen = {order_id: [made_at_ms(told_as(m)) for m in announcements(tap, order_id)] for order_id in ids}
    assert number <= sum(map(len, seen.values())) <= announced
    for order_id, times in seen.items():
        times.sort()
        gaps = [later - sooner for sooner, later in zip(times, times[1:])]
        assert all(gap >= STUCK_AFTER_S * 1000 - 100 for gap in gaps), (order_id, gaps)
    assert stocks.quantity(product) == 0
    dead_letters.assert_none_about(ids)


def test_orders_in_time_are_never_announced_again(system, orders, stocks, tap):
    product = stocks.create(20)
    with system.without("order-worker"), watching(system) as worker:
        ids = [orders.placed((product, 1)) for _ in range(20)]
        for order_id in ids:
            orders.wait(order_id, "Confirmed")
        remains(lambda: worker.metrics().value(STUCK) == 0, "no stuck order", STUCK_AFTER_S + 1.5)
        assert worker.metrics().value(AGAIN) == 0
    assert all(len(announcements(tap, order_id)) == 1 for order_id in ids)


@contextlib.contextmanager
def paused(system, name):
    system.launcher("pause", name, "--why", "a test")
    try:
        yield
    finally:
        system.launcher("resume", name)


@pytest.mark.parametrize("queue, left", [("stock.ordercreated", 5), ("order.stock.completed", 3)])
def test_an_order_is_given_up_and_takes_no_stock(system, apis, broker, orders, stocks, notifications, dead_letters, queue, left):
    """Before its stock was taken, and after; what comes late changes nothing."""
    product = stocks.create(5)
    with paused(system, queue):
        eventually(lambda: broker.consumers(queue) == 0, "the pause")
        order_id = orders.placed((product, 2))
        stocks.wait(product, left)
        with watching(system, deadline=f"{STUCK_AFTER_S}s") as worker:
            order = orders.wait(order_id, "Cancelled", timeout=30)
            assert order["reason"] == "its stock could not be confirmed in time"
            assert worker.metrics().value("cartwheel_orders_given_up_total") == 1
        assert orders.history(order_id)[-1]["cause"] == "no answer within ORDER_DEADLINE"
        stocks.wait(product, 5)
    broker.wait_empty()
    assert orders.order(order_id)["status"] == "Cancelled" and stocks.quantity(product) == 5
    assert len(notifications.wait(order_id)) == 1
    dead_letters.assert_none_about([order_id])
