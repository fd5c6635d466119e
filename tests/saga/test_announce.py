"""A final event that the broker lost: ./cartwheel announce sends it again, and who knows it already does nothing."""

import json
import os
import subprocess

import pytest

from support.api import assert_problem, new_id
from support.dead_letters import DeadLetterAdmin
from support.names import ORDER_CANCELLED, ORDER_CONFIRMED
from support.system import LAUNCHER, ROOT, STEP_SECONDS
from support.waits import eventually

REQUEST = {"by": "ana", "why": "a queue was purged"}


def announce(system, *arguments, check=True):
    """Runs ./cartwheel announce; (exit code, [objects of --json])."""
    environ = {**os.environ, "CARTWHEEL_HOME": str(system.home)}
    done = subprocess.run([str(LAUNCHER), "announce", *arguments, "--json"], cwd=ROOT, env=environ, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=STEP_SECONDS)
    assert not check or done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_purged_confirmation_is_told_after_all_and_once(system, broker, orders, stocks, notifications):
    product = stocks.create(10)
    with system.without("notification-worker"):
        order_id = orders.placed((product, 1))
        orders.wait(order_id, "Confirmed")
        eventually(lambda: broker.depth("order.confirmed.queue") > 0, "the confirmation to arrive")
        broker.purge("order.confirmed.queue")
    assert notifications.of_order(order_id) == []
    _, told = announce(system, order_id, "--dry-run")
    assert told == [{"order": order_id, "outcome": "done", "dryRun": True}]
    announce(system, order_id, "--why", "order.confirmed.queue was purged")
    row, = notifications.wait(order_id, status="Sent")
    announce(system, order_id, order_id, "--why", "once more")
    later = orders.placed((product, 1))
    notifications.wait(later, status="Sent")  # came behind the repeats
    broker.wait_empty()
    assert [r["id"] for r in notifications.of_order(order_id)] == [row["id"]]
    assert "order is announced again by an operator" in system.log("order-worker")


def test_a_purged_cancellation_gives_its_stock_back_once(system, broker, orders, stocks, notifications):
    product = stocks.create(10)
    order_id = orders.placed((product, 3))
    orders.wait(order_id, "Confirmed")
    with system.without("stock-worker"):
        assert orders.cancel(order_id).status_code == 202
        eventually(lambda: broker.depth("stock.ordercancelled") > 0, "the cancellation to arrive")
        broker.purge("stock.ordercancelled")
    notifications.wait(order_id, 2)
    assert stocks.quantity(product) == 7
    for _ in range(2):
        announce(system, order_id, "--why", "stock.ordercancelled was purged")
        stocks.wait(product, 10)
    broker.wait_empty()
    assert stocks.quantity(product) == 10
    assert [m["kind"] for m in stocks.movements(product, 100)].count("released") == 1
    assert len(notifications.of_order(order_id)) == 2


@pytest.mark.parametrize("status, event", [("Confirmed", ORDER_CONFIRMED), ("Cancelled", ORDER_CANCELLED)])
def test_it_is_the_same_event(system, tap, orders, stocks, status, event):
    order_id = orders.placed((stocks.create(1 if status == "Confirmed" else 0), 1))
    orders.wait(order_id, status)
    announce(system, order_id, "--why", "a test")

    def both():
        sent = [m for m in tap.collect() if m.routing_key == event and m.order_id == order_id]
        return sent if len(sent) >= 2 else None

    first, again = eventually(both, "the event twice")
    assert first.event_id == again.event_id
    without_time = [{k: v for k, v in m.data.items() if k != "OccurredOn"} for m in (first, again)]
    assert without_time[0] == without_time[1]


def test_who_may_and_what_is_refused(system, orders, stocks, databases):
    admin = DeadLetterAdmin(system, "order-worker")
    nobody = f"/orders/{new_id()}/announce"
    assert_problem(DeadLetterAdmin(system, "order-worker", token="x" * 16).post(nobody, REQUEST), 401)
    assert_problem(admin.post(nobody, REQUEST), 404)
    assert_problem(admin.post("/orders/x/announce", REQUEST), 404)
    assert_problem(admin.post(nobody, {}), 400, "by", "why")
    with system.without("stock-worker"):
        order_id = orders.placed((stocks.create(1), 1))
        assert "ORDER_STUCK_AFTER" in assert_problem(admin.post(f"/orders/{order_id}/announce", REQUEST), 409)["detail"]
        code, lines = announce(system, order_id, new_id(), "--why", "too early", check=False)
        assert (code, [line["outcome"] for line in lines]) == (1, ["refused", "unknown"])
    orders.wait(order_id, "Confirmed")


def test_support_announces_an_open_order_and_a_final_one(system, databases, orders, stocks, notifications, tap, dead_letters):
    product = stocks.create(5)
    with system.without("order-worker"):
        order_id = orders.placed((product, 2))
        databases.execute("order", "DELETE FROM outbox WHERE position(%s in convert_from(body, 'UTF8')) > 0", (order_id,))
        for _ in range(2):  # safe to repeat
            answer = orders.post(f"/api/orders/{order_id}/announce", headers={"X-Reason": "lost"})
            assert answer.status_code == 202, answer.text
            assert answer.json() == {"id": order_id, "status": "Created", "event": "OrderCreatedEvent"}
    orders.wait(order_id, "Confirmed")
    assert orders.post(f"/api/orders/{order_id}/announce").json()["event"] == "OrderConfirmedEvent"
    eventually(lambda: len([m for m in tap.of_order(order_id) if m.routing_key == ORDER_CONFIRMED]) == 2, "it to be announced again")
    assert stocks.quantity(product) == 3 and len(notifications.wait(order_id)) == 1
    known = databases.rows("order", "SELECT action, before->>'status', why FROM audit_log WHERE object_id = %s ORDER BY number", (order_id,))
    assert known == [("announceOrder", "Created", "lost")] * 2 + [("announceOrder", "Confirmed", None)]
    assert_problem(orders.post(f"/api/orders/{new_id()}/announce"), 404)
    dead_letters.assert_none_about([order_id])
