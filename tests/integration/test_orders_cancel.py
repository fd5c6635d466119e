"""POST /api/orders/{id}/cancel in every state of the order, and what becomes of its stock."""

import concurrent.futures

import pytest

from support.api import assert_problem, new_id
from support.names import ORDER_CANCELLED, STOCK_RELEASED
from support.waits import eventually, remains


def confirmed_order(orders, stocks, quantity=3, on_hand=10):
    product = stocks.create(on_hand)
    order_id = orders.placed((product, quantity))
    orders.wait(order_id, "Confirmed")
    return product, order_id


def test_a_confirmed_order_gives_its_stock_back(orders, stocks, notifications):
    product, order_id = confirmed_order(orders, stocks)
    assert stocks.quantity(product) == 7
    assert orders.cancel(order_id, "wrong colour").status_code == 202
    order = orders.wait(order_id, "Cancelled")
    assert order["reason"] == "wrong colour"
    stocks.wait(product, 10)
    assert len(notifications.wait(order_id, 2)) == 2


def test_the_reason_is_optional_and_so_is_the_body(orders, stocks):
    for body in ({"json": {}}, {"data": b""}, {"json": {"reason": None}}):
        _, order_id = confirmed_order(orders, stocks)
        answer = orders.call("POST", f"/api/orders/{order_id}/cancel", **body)
        assert answer.status_code == 202, answer.text
        orders.wait(order_id, "Cancelled")


@pytest.mark.parametrize("reason", [7, ["x"], {"a": 1}])
def test_a_reason_that_is_no_text_is_400(orders, stocks, reason):
    _, order_id = confirmed_order(orders, stocks)
    assert_problem(orders.post(f"/api/orders/{order_id}/cancel", {"reason": reason}), 400, "reason")
    assert orders.status(order_id) == "Confirmed"


def test_an_unknown_order_is_404(orders):
    assert_problem(orders.cancel(new_id()), 404)


def test_a_cancelled_order_is_409(orders, stocks):
    product, order_id = confirmed_order(orders, stocks)
    assert orders.cancel(order_id).status_code == 202
    assert_problem(orders.cancel(order_id), 409)
    stocks.wait(product, 10)
    assert [h["status"] for h in orders.history(order_id)].count("Cancelled") == 1


def test_an_order_that_stock_refused_is_409(orders):
    order_id = orders.placed((new_id(), 1))
    orders.wait(order_id, "Cancelled")
    assert_problem(orders.cancel(order_id), 409)


def test_of_twenty_cancellations_one_wins_and_the_stock_returns_once(orders, stocks, tap):
    product, order_id = confirmed_order(orders, stocks)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: orders.cancel(order_id).status_code, range(20)))
    assert sorted(answers) == [202] + [409] * 19
    tap.wait(order_id, STOCK_RELEASED)
    assert stocks.quantity(product) == 10
    remains(lambda: stocks.quantity(product) == 10, "the quantity", 0.5)
    assert [m.routing_key for m in tap.of_order(order_id)].count(ORDER_CANCELLED) == 1
    assert [m.routing_key for m in tap.of_order(order_id)].count(STOCK_RELEASED) == 1


def test_a_created_order_cancelled_before_the_stock_worker_sees_it(orders, stocks, notifications, system):
    """The result comes after the cancellation: nothing is held, one notification, final is final."""
    product = stocks.create(10)
    with system.without("stock-worker"):
        order_id = orders.placed((product, 4))
        assert orders.status(order_id) == "Created"
        assert orders.cancel(order_id, "too slow").status_code == 202
        assert orders.status(order_id) == "Cancelled"
    marker = orders.placed((product, 1))
    orders.wait(marker, "Confirmed")
    stocks.wait(product, 9)
    notifications.wait(marker)
    assert orders.status(order_id) == "Cancelled"
    assert len(notifications.wait(order_id)) == 1


def test_a_customer_racing_with_the_stock_result(orders, stocks, notifications):
    """Whoever wins, the order ends Cancelled, its stock is given back and each event has its mail."""
    product = stocks.create(1000)
    ids = [orders.placed((product, 1)) for _ in range(40)]
    for order_id in ids:
        assert orders.cancel(order_id).status_code == 202
    for order_id in ids:
        orders.wait(order_id, "Cancelled")
    stocks.wait(product, 1000)
    for order_id in ids:
        terminal = len(orders.history(order_id)) - 1
        assert len(notifications.wait(order_id, terminal)) == terminal


def ends(system, process):
    """How many sagas each outcome has ended there."""
    metrics = system.metrics(process)
    return {outcome: metrics.value("cartwheel_saga_seconds_count", outcome=outcome) or 0 for outcome in ("confirmed", "cancelled")}


def test_a_cancellation_that_waited_for_the_confirmation_comes_after_it(orders, stocks, databases):
    """Its transaction began first: the time of a move is that of its lock."""
    _, order_id = confirmed_order(orders, stocks)
    with concurrent.futures.ThreadPoolExecutor(1) as pool, databases.connect("order", autocommit=False) as confirming:
        confirming.execute("select from orders where id = %s for update", (order_id,))
        cancelling = pool.submit(orders.cancel, order_id)
        eventually(lambda: databases.value("order", "select count(*) from pg_stat_activity where %s = any(pg_blocking_pids(pid))",
                                           (confirming.info.backend_pid,)), "the cancellation to wait")
        confirming.execute("update order_history set happened_at = clock_timestamp() where order_id = %s", (order_id,))
        confirming.commit()
        assert cancelling.result().status_code == 202
    assert [entry["status"] for entry in orders.history(order_id)] == ["Created", "Confirmed", "Cancelled"]


def test_each_saga_is_timed_once_where_it_ends(system, orders, stocks):
    """A confirmed order that its customer cancels has had its end."""
    worker, api = ends(system, "order-worker"), ends(system, "order-api")
    product = stocks.create(1)
    confirmed = orders.placed((product, 1))
    orders.wait(confirmed, "Confirmed")
    refused = orders.placed((product, 1))
    orders.wait(refused, "Cancelled")
    assert orders.cancel(confirmed).ok
    orders.wait(confirmed, "Cancelled")
    ended = ends(system, "order-worker")  # of other tests' orders some may still have been on their way
    assert all(ended[outcome] > worker[outcome] for outcome in worker)
    assert ends(system, "order-api") == api
    metrics = system.metrics("order-worker")
    assert metrics.value("cartwheel_saga_seconds_bucket", outcome="confirmed", le="+Inf") > worker["confirmed"]
    assert metrics.value("cartwheel_saga_seconds_sum", outcome="confirmed") > 0
