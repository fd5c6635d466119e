"""Duplicates of every event and every order of events about one order: nothing changes twice."""

import json
import random

import pytest

from support import events
from support.api import new_id
from support.names import (EXCHANGE_OF, ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_CREATED, STOCK_COMPLETED,
                           STOCK_FAILED, STOCK_RELEASED)
from support.waits import eventually


@pytest.fixture
def settle(orders, stocks, notifications):
    """Two orders through every queue after what was published before them, so that it has been consumed."""
    def flow():
        product = stocks.create(5)
        order_id = orders.placed((product, 1))
        orders.wait(order_id, "Confirmed")
        assert orders.cancel(order_id).status_code == 202
        stocks.wait(product, 5)
        notifications.wait(order_id, 2)
        refused = orders.placed((new_id(), 1))
        orders.wait(refused, "Cancelled")
        notifications.wait(refused)
    return flow


def publish(broker, event_type, order_id, **data):
    event = events.envelope(event_type, {"OrderId": order_id, **data})
    events.publish(broker, event)
    return event


def created(broker, order_id, *pairs):
    return publish(broker, ORDER_CREATED, order_id, Items=events.items(*pairs), CustomerId=new_id(),
                   OrderTotal=1, Currency="USD")


def cancelled(broker, order_id):
    return publish(broker, ORDER_CANCELLED, order_id, CustomerId=new_id(), Reason="test")


def confirmed(broker, order_id):
    return publish(broker, ORDER_CONFIRMED, order_id, CustomerId=new_id(), OrderTotal=1)


def completed(broker, order_id, *pairs):
    return publish(broker, STOCK_COMPLETED, order_id, EventId=new_id(), Items=events.items(*pairs))


def failed(broker, order_id):
    return publish(broker, STOCK_FAILED, order_id, EventId=new_id(), Items=[], ErrorMessage="Unexpected")


def test_every_event_three_times_more(orders, stocks, notifications, tap, broker, settle, dead_letters):
    product = stocks.create(10)
    kept, given_back, refused = (orders.placed((product, n)) for n in (1, 2, 99))
    for order_id, status in ((kept, "Confirmed"), (given_back, "Confirmed"), (refused, "Cancelled")):
        orders.wait(order_id, status)
    orders.cancel(given_back)
    tap.wait(given_back, STOCK_RELEASED)
    for order_id, count in ((kept, 1), (given_back, 2), (refused, 1)):
        notifications.wait(order_id, count, "Sent")

    def state():
        return ([orders.order(o) for o in (kept, given_back, refused)],
                [orders.history(o) for o in (kept, given_back, refused)],
                [notifications.of_order(o) for o in (kept, given_back, refused)],
                stocks.quantity(product), stocks.movements(product))

    before = state()
    assert before[3] == 9
    ours = [m for o in (kept, given_back, refused) for m in tap.of_order(o)]
    assert len(ours) == 3 + 5 + 3
    copies = ours * 3
    random.Random(7).shuffle(copies)
    for message in copies:
        broker.again(message)
    settle()
    assert state() == before
    dead_letters.assert_none_about([kept, given_back, refused])
    assert len([m for o in (kept, given_back, refused) for m in tap.of_order(o)]) == 4 * len(ours), \
        "a duplicate made another event"


def test_the_same_event_twice_in_one_batch(stocks, broker, settle, tap):
    product, order_id = stocks.create(10), new_id()
    event = events.envelope(ORDER_CREATED, {"OrderId": order_id, "Items": events.items((product, 1)),
                                            "CustomerId": new_id(), "OrderTotal": 1, "Currency": "USD"})
    for _ in range(20):
        events.publish(broker, event)
    settle()
    assert stocks.quantity(product) == 9
    assert [m.routing_key for m in tap.of_order(order_id)].count(STOCK_COMPLETED) == 1


def test_the_same_order_under_another_event_id(stocks, broker, settle):
    """The reservation, not only the inbox, guards the stock."""
    product, order_id = stocks.create(10), new_id()
    for _ in range(3):
        created(broker, order_id, (product, 2))
    settle()
    assert stocks.quantity(product) == 8


def test_a_reused_event_id_with_another_body_changes_nothing(stocks, broker, settle):
    first, second, event_id = stocks.create(10), stocks.create(10), new_id()
    for product in (first, second):
        events.publish(broker, events.envelope(ORDER_CREATED, {
            "OrderId": new_id(), "Items": events.items((product, 1)), "CustomerId": new_id(),
            "OrderTotal": 1, "Currency": "USD"}, event_id))
    settle()
    assert (stocks.quantity(first), stocks.quantity(second)) == (9, 10)


def test_a_cancellation_before_its_order_leaves_a_tombstone(stocks, broker, settle, tap):
    product, order_id = stocks.create(10), new_id()
    cancelled(broker, order_id)
    settle()
    created(broker, order_id, (product, 3))
    settle()
    assert stocks.quantity(product) == 10
    assert stocks.movements(product)[0]["delta"] == 10
    assert STOCK_COMPLETED not in [m.routing_key for m in tap.of_order(order_id)]


def test_a_cancellation_twice_gives_back_once(stocks, broker, settle, tap):
    product, order_id = stocks.create(10), new_id()
    created(broker, order_id, (product, 3))
    tap.wait(order_id, STOCK_COMPLETED)
    cancelled(broker, order_id)
    cancelled(broker, order_id)
    settle()
    assert stocks.quantity(product) == 10
    assert [m["delta"] for m in stocks.movements(product)] == [3, -3, 10]
    assert [m.routing_key for m in tap.of_order(order_id)].count(STOCK_RELEASED) == 1


def test_a_cancelled_order_cannot_take_again(stocks, broker, settle, tap):
    product, order_id = stocks.create(10), new_id()
    created(broker, order_id, (product, 3))
    tap.wait(order_id, STOCK_COMPLETED)
    cancelled(broker, order_id)
    tap.wait(order_id, STOCK_RELEASED)
    created(broker, order_id, (product, 3))
    settle()
    assert stocks.quantity(product) == 10


def test_late_results_do_not_move_a_final_order(orders, stocks, notifications, broker, settle):
    product = stocks.create(10)
    confirmed_id = orders.placed((product, 1))
    refused_id = orders.placed((product, 99))
    before = (orders.wait(confirmed_id, "Confirmed"), orders.wait(refused_id, "Cancelled"))
    for order_id in (confirmed_id, refused_id):
        failed(broker, order_id)
        completed(broker, order_id, (product, 1))
        failed(broker, order_id)
    settle()
    assert (orders.order(confirmed_id), orders.order(refused_id)) == before
    assert stocks.quantity(product) == 9
    assert len(notifications.of_order(confirmed_id)) == 1
    assert len(notifications.of_order(refused_id)) == 1


def test_a_result_for_a_cancelled_created_order_changes_nothing(orders, stocks, broker, settle, system):
    with system.without("stock-worker"):
        order_id = orders.placed((stocks.create(1), 1))
        assert orders.cancel(order_id, "first").status_code == 202
        completed(broker, order_id)
        failed(broker, order_id)
    settle()
    assert orders.order(order_id)["reason"] == "first"
    assert [h["status"] for h in orders.history(order_id)] == ["Created", "Cancelled"]


def test_events_of_orders_nobody_knows_change_nothing(orders, stocks, broker, settle):
    """Whatever becomes of them, their neighbours flow."""
    for _ in range(5):
        completed(broker, new_id(), (new_id(), 1))
        failed(broker, new_id())
        cancelled(broker, new_id())
    settle()


def test_notifications_of_both_terminal_events_in_any_order(notifications, broker, settle):
    order_id = new_id()
    cancelled(broker, order_id)
    confirmed(broker, order_id)
    assert len(notifications.wait(order_id, 2)) == 2
    settle()
    assert len(notifications.of_order(order_id)) == 2


def test_one_notification_for_an_event_published_twenty_times(notifications, broker, settle):
    order_id = new_id()
    event = confirmed(broker, order_id)
    for _ in range(19):
        broker.publish(EXCHANGE_OF[ORDER_CONFIRMED], ORDER_CONFIRMED, json.dumps(event), events.properties(event))
    notifications.wait(order_id)
    settle()
    assert len(notifications.of_order(order_id)) == 1


def test_a_poison_message_is_kept_with_its_reason_and_hinders_nobody(broker, settle, dead_letters):
    """The thorough storm is in tests/saga; this is one message."""
    message_id = new_id()
    properties = events.properties({"EventId": message_id, "EventType": ORDER_CREATED})
    broker.to_queue("stock.ordercreated", b"{not json", properties)
    settle()
    letter, = eventually(lambda: dead_letters.of(message_id), "the message in dead_letters")
    assert letter.queue == "stock.ordercreated" and bytes(letter.body) == b"{not json"
    assert letter.reason
