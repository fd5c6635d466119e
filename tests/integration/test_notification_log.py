"""GET /api/notifications: what was told to whom, and with what result."""

import pytest

from support.api import TIME, assert_problem, exact, new_id
from support.names import ORDER_CONFIRMED
from support.tokens import issuer
from support.waits import eventually

SENT = "Sent"


def test_a_row_tells_event_channel_destination_status_attempts_and_times(orders, stocks, notifications):
    customer = new_id()
    order_id = orders.placed((stocks.create(1), 1), customer=customer)
    row, = notifications.wait(order_id, status=SENT)
    assert row["orderId"] == order_id
    assert ORDER_CONFIRMED in str(row) or "ORDER_CONFIRMED" in str(row)
    # without a customer service the data are the fallback's
    assert row["destination"] == f"customer{customer[:8]}@example.com"
    assert row["attempts"] == 1
    assert not row.get("error")
    assert row["channel"] in (1, "Email")
    assert sum(isinstance(v, str) and bool(TIME.match(v)) for v in row.values()) >= 2


def test_the_row_says_fallback(orders, stocks, notifications):
    order_id = orders.placed((stocks.create(1), 1))
    row, = notifications.wait(order_id, status=SENT)
    assert row["customerSource"] == "fallback", row


def test_a_cancelled_order_is_told_the_reason(orders, notifications):
    order_id = orders.placed((new_id(), 1))
    row, = notifications.wait(order_id, status=SENT)
    assert "StockNotFoundException" in str(row), row


def test_the_status_filter(orders, stocks, notifications):
    order_id = orders.placed((stocks.create(1), 1))
    notifications.wait(order_id, status=SENT)
    assert len(notifications.of_order(order_id, status=SENT)) == 1
    assert notifications.of_order(order_id, status="Pending") == []


def test_pages_are_newest_first_and_complete(orders, stocks, notifications):
    product = stocks.create(100)
    placed = [orders.placed((product, 1)) for _ in range(12)]
    for order_id in placed:
        notifications.wait(order_id)
    listed, cursor = [], None
    while not set(placed) <= {row["orderId"] for row in listed}:
        page = exact(notifications.get("/api/notifications", limit=5, cursor=cursor))
        assert len(page["items"]) == 5
        listed += page["items"]
        cursor = page["nextCursor"]
    ids = [row["id"] for row in listed]
    assert len(ids) == len(set(ids))
    assert ids == sorted(ids, reverse=True), "ids rise with time"


def test_pages_of_one_order(orders, stocks, notifications):
    order_id = orders.placed((stocks.create(1), 1))
    orders.wait(order_id, "Confirmed")
    orders.cancel(order_id)
    notifications.wait(order_id, 2)
    pages = notifications.all_pages("/api/notifications", 1, orderId=order_id)
    assert [row["orderId"] for row in pages] == [order_id, order_id]


def test_an_unknown_order_has_no_rows(notifications):
    assert notifications.of_order(new_id()) == []


def test_the_time_filters(orders, stocks, notifications):
    order_id = orders.placed((stocks.create(1), 1))
    row, = notifications.wait(order_id)
    created = row["createdAt"]
    assert [r["id"] for r in notifications.of_order(order_id, createdAfter=created)] == [row["id"]]
    assert notifications.of_order(order_id, createdBefore=created) == []
    for status in (None, "Sent", "Failed", "Pending"):
        asked = {"createdAfter": created, "status": status, "limit": 100}
        oldest = notifications.get("/api/notifications", sort="oldest", **asked).json()["items"]
        ids = [r["id"] for r in oldest]
        assert ids == sorted(ids) and all(r["status"] == (status or r["status"]) for r in oldest)
    first = notifications.get("/api/notifications", createdAfter=created, limit=100).json()["items"]
    assert row["id"] in [r["id"] for r in first] and min(r["createdAt"] for r in first) >= created


@pytest.mark.parametrize("query", [{"orderId": "x"}, {"customer": "x"}, {"createdBefore": "x"}, {"status": "Lost"}, {"limit": 0}, {"limit": "a"},
                                   {"cursor": "garbage"}], ids=str)
def test_a_bad_query_is_400(notifications, query):
    assert_problem(notifications.get("/api/notifications", **query), 400, *query)


# --- sending again -------------------------------------------------------------------------------------


def resend(notifications, row, status=202, why="he got nothing"):
    answer = notifications.post(f"/api/notifications/{row['id']}/resend", headers={"X-Reason": why})
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture
def sent(orders, stocks, notifications):
    """A notification that was sent, of a customer of its own."""
    order_id = orders.placed((stocks.create(1), 1))
    (row,) = notifications.wait(order_id, status=SENT)
    return row


def sent_again(notifications, row, attempts):
    """The row, once it was sent with so many attempts."""
    def probe():
        (now,) = notifications.of_order(row["orderId"])
        return now["status"] == SENT and now["attempts"] == attempts and now
    return eventually(probe, f"{row['id']} to be sent with {attempts} attempts")


def test_it_is_sent_again_once_in_the_same_row(system, notifications, databases, sent):
    with system.without("notification-worker"):
        first = resend(notifications, sent)
        assert first == {"id": sent["id"], "status": "Pending", "attempts": 1}
        assert resend(notifications, sent, why="again") == first
        (waiting,) = notifications.of_order(sent["orderId"])
        assert (waiting["status"], waiting["sentAt"]) == ("Pending", sent["sentAt"])
    after = sent_again(notifications, sent, 2)
    assert after["id"] == sent["id"] and sent["sentAt"] < waiting["resentAt"] == after["resentAt"] < after["sentAt"]
    recorded = databases.rows("notification", "SELECT action, object, before->>'status', after->>'status', why FROM audit_log"
                              " WHERE object_id = %s ORDER BY number", (sent["id"],))
    assert recorded == [("resendNotification", "notification", SENT, "Pending", "he got nothing")]


def test_one_that_failed_for_good_has_all_its_attempts_again(notifications, databases, sent):
    databases.execute("notification", "UPDATE notifications SET status = 4, attempts = 5, error = 'no such address', sent_at = NULL"
                      " WHERE id = %s", (sent["id"],))
    assert resend(notifications, sent) == {"id": sent["id"], "status": "Pending", "attempts": 5}
    after = sent_again(notifications, sent, 6)
    assert after["error"] is None
    ids = databases.rows("notification", "SELECT message_id <> event_id, attempts_before FROM notifications WHERE id = %s", (sent["id"],))
    assert ids == [(True, 5)]


def test_what_could_harm_is_refused_with_a_reason(system, notifications, databases, sent):
    databases.execute("notification", "UPDATE notifications SET status = 1, due_at = now() + interval '1 hour' WHERE id = %s", (sent["id"],))
    assert resend(notifications, sent, 409)["type"].endswith(":notification-unsent")
    databases.execute("notification", "UPDATE notifications SET status = 3 WHERE id = %s", (sent["id"],))
    assert notifications.post(f"/api/customers/{sent['customerId']}/erase").status_code == 200
    assert resend(notifications, sent, 409)["type"].endswith(":notification-erased")
    for unknown in (new_id(), "none"):
        assert_problem(notifications.post(f"/api/notifications/{unknown}/resend"), 404)
    token = issuer().token(new_id(), ["operator"])
    answer = notifications.call("POST", f"/api/notifications/{sent['id']}/resend", headers={"Authorization": f"Bearer {token}"})
    assert_problem(answer, 403)


def test_the_command_sends_again_and_follows(system, notifications, sent):
    told = system.launcher("order", sent["orderId"], "resend", "--why", "he got nothing", "--yes", "--follow")
    assert f"its customer is told again of {ORDER_CONFIRMED}" in told and "support asks for it to be sent again" in told
    assert f"done: order {sent['orderId']} is confirmed" in told
    assert sent_again(notifications, sent, 2)
