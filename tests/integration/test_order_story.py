"""The story of an order, as each service tells it: its steps, what is to come, and what is held up."""

import contextlib
import json
import os
import subprocess
from datetime import datetime, timedelta

import pytest

from support.api import TIME, Api, assert_problem, exact, new_id
from support.names import ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_CREATED, STOCK_COMPLETED
from support.system import LAUNCHER, ROOT, STEP_SECONDS
from support.tokens import issuer
from support.waits import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ANSWERS = "OrderStockProcessCompletedDomainEvent or OrderStockProcessFailedDomainEvent"
LETTER = ("INSERT INTO dead_letters (id, queue, message_type, body, reason, attempts, subject)"
          " VALUES (%s, %s, %s, %s, 'planted', 3, %s)")
PARKED = ("INSERT INTO outbox_parked (id, exchange, routing_key, message_type, body, reason)"
          " VALUES (%s, 'order.events.topic', %s, %s, %s, 'planted')")


def told(api, path):
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return exact(answer)


def timeline(orders, order_id):
    return told(orders, f"/api/orders/{order_id}/timeline")


def stock_of(stocks, order_id):
    return told(stocks, f"/api/stocks/orders/{order_id}")


def told_customer(notifications, order_id):
    return told(notifications, f"/api/notifications/orders/{order_id}")


def steps_of(story):
    return [(step["step"], step.get("event"), step.get("published")) for step in story["steps"]]


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def placed_under_trace(orders, product, quantity=1):
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer = orders.place([{"productId": product, "quantity": quantity}], headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def body_about(order_id):
    return json.dumps({"Data": {"OrderId": order_id}}).encode()


@pytest.fixture(scope="module")
def left_waiting(system, orders, stocks):
    """Created orders whose event was published, and which nobody answers while this module's tests look at them."""
    with contextlib.ExitStack() as away:
        away.enter_context(system.without("stock-worker"))
        placed = [orders.placed((stocks.create(1), 1)) for _ in range(4)]
        eventually(lambda: system.databases.outbox_pending("order") == 0, "the events to be published")
        yield placed


@pytest.fixture(scope="module")
def confirmed(orders, stocks, notifications):
    product = stocks.create(5)
    order_id = placed_under_trace(orders, product, 2)
    orders.wait(order_id, "Confirmed")
    notifications.wait(order_id, status="Sent")
    return order_id, product


def test_a_confirmed_order_is_done(orders, confirmed):
    order_id, _ = confirmed
    story = eventually(lambda: (story := timeline(orders, order_id))["state"] == "Done" and story, "it to be published")
    assert (story["orderId"], story["status"], story["pending"]) == (order_id, "Confirmed", [])
    assert "expected" not in story
    assert steps_of(story) == [("Placed", ORDER_CREATED, True), ("Confirmed", ORDER_CONFIRMED, True)]
    assert [step["traceId"] for step in story["steps"]] == [TRACE, TRACE]
    assert [step["cause"] for step in story["steps"]] == ["placed", "stock taken"]
    assert all(TIME.match(step["at"]) for step in story["steps"])
    assert story["steps"][0]["at"] <= story["steps"][1]["at"]


def test_its_stock_was_taken(stocks, confirmed):
    order_id, product = confirmed
    story = stock_of(stocks, order_id)
    assert (story["orderId"], story["reservation"]["status"], story["pending"]) == (order_id, "Taken", [])
    assert [(m["productId"], m["delta"], m["kind"]) for m in story["movements"]] == [(product, -2, "taken")]


def test_its_customer_was_told(notifications, confirmed):
    order_id, _ = confirmed
    story = told_customer(notifications, order_id)
    assert (story["orderId"], story["pending"]) == (order_id, [])
    (entry,) = story["notifications"]
    assert (entry["status"], entry["event"], entry["traceId"]) == ("Sent", ORDER_CONFIRMED, TRACE)
    assert entry == notifications.of_order(order_id)[0]


def test_who_may_not_see_customers_sees_them_masked(system, notifications, confirmed):
    token = issuer().token(new_id(), ["operator"])
    answer = notifications.call("GET", f"/api/notifications/orders/{confirmed[0]}",
                                headers={"Authorization": f"Bearer {token}"})
    (entry,) = answer.json()["notifications"]
    assert "***" in entry["destination"] and entry["body"] is None


def test_a_cancelled_order_names_who_cancelled_it(orders, stocks):
    product = stocks.create(5)
    order_id = orders.placed((product, 1))
    orders.wait(order_id, "Confirmed")
    assert orders.cancel(order_id, "wrong colour").status_code == 202
    stocks.wait(product, 5)
    story = eventually(lambda: (story := timeline(orders, order_id))["state"] == "Done" and story, "it to be published")
    assert steps_of(story) == [("Placed", ORDER_CREATED, True), ("Confirmed", ORDER_CONFIRMED, True),
                               ("Cancelled", ORDER_CANCELLED, True)]
    assert story["steps"][2]["cause"] == "cancelled by the customer"
    assert story["steps"][2]["by"] and "by" not in story["steps"][1]
    stock = stock_of(stocks, order_id)
    assert stock["reservation"]["status"] == "Released"
    assert [(m["delta"], m["kind"]) for m in stock["movements"]] == [(-1, "taken"), (1, "released")]


def test_customers_are_told_steps_alone(system, orders, stocks):
    customer = new_id()
    order_id = orders.placed((stocks.create(1), 1), customer=customer)
    orders.wait(order_id, "Confirmed")
    assert orders.cancel(order_id).status_code == 202
    own = Api(system.api("order"))
    token = issuer().token(customer, ["customer"])
    answer = own.call("GET", f"/api/orders/{order_id}/timeline", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    story = answer.json()
    assert "pending" not in story and not any("by" in step for step in story["steps"])
    assert [step["step"] for step in story["steps"]] == ["Placed", "Confirmed", "Cancelled"]


def test_a_refused_order_says_why(orders, stocks):
    order_id = orders.placed((new_id(), 1))
    orders.wait(order_id, "Cancelled")
    story = timeline(orders, order_id)
    assert (story["steps"][-1]["step"], story["steps"][-1]["cause"]) == ("Cancelled", "StockNotFoundException")
    assert "by" not in story["steps"][-1]
    stock = stock_of(stocks, order_id)
    assert (stock["reservation"]["status"], stock["reservation"]["reason"]) == ("Refused", "StockNotFoundException")
    assert stock["movements"] == []


def test_the_command_lists_whose_letters_wait(system, databases, confirmed):
    """Every worker is asked, so each has to run."""
    letter, order_id = new_id(), confirmed[0]
    databases.execute("stock", LETTER, (letter, "stock.ordercreated", ORDER_CREATED, body_about(order_id), order_id))
    listed = command(system, "orders", "--failed", "--json", "--limit", "1000", code=1)
    assert {"orderId": order_id, "why": "stock.ordercreated: planted"} in listed
    databases.execute("stock", "DELETE FROM dead_letters WHERE id = %s", (letter,))


def test_the_command_acts_on_an_order(system, orders, stocks, databases):
    product = stocks.create(3)
    order_id = orders.placed((product, 1))
    orders.wait(order_id, "Confirmed")
    assert f"{ORDER_CONFIRMED} is announced again" in command(system, "order", order_id, "announce", "--why", "lost", code=0)
    command(system, "order", order_id, "cancel", "--why", "wrong colour", code=2)  # nobody is there to be asked
    asked = ("order", order_id, "cancel", "--why", "wrong colour", "--yes")
    told_here = command(system, *asked, "--follow", code=0)
    assert "is cancelled" in told_here and f"done: order {order_id} is cancelled" in told_here
    (refused,) = command(system, *asked, "--json", code=1)
    assert refused == {"orderId": order_id, "act": "cancel", "outcome": "refused", "why": "the order was cancelled before"}
    assert (orders.order(order_id)["reason"], stocks.quantity(product)) == ("wrong colour", 3)
    recorded = databases.rows("order", "SELECT subject, action, why FROM audit_log WHERE object_id = %s ORDER BY number", (order_id,))
    assert recorded == [("support", "announceOrder", "lost"), ("support", "cancelOrder", "wrong colour")]
    command(system, "order", new_id(), "announce", "--why", "lost", code=1)


def test_the_command_acts_elsewhere_with_the_scope_support_alone(system, confirmed, tmp_path):
    elsewhere = tmp_path / "endpoints.json"
    elsewhere.write_text(json.dumps({"order_api": system.endpoints["order_api"]}))
    asked = ("order", confirmed[0], "announce", "--why", "lost", "--endpoints", str(elsewhere))
    command(system, *asked, code=1, env={"CARTWHEEL_TOKEN": issuer().token(new_id(), ["operator"])})
    command(system, *asked, code=0, env={"CARTWHEEL_TOKEN": issuer().token(new_id(), ["support"])})


def test_support_releases_stock_whose_cancellation_nobody_handled(system, orders, stocks, databases):
    """A cancellation that became a dead letter, and was discarded: its order holds its stock for ever."""
    product, letter = stocks.create(5), new_id()
    order_id = orders.placed((product, 2))
    orders.wait(order_id, "Confirmed")
    refused = assert_problem(stocks.post(f"/api/stocks/orders/{order_id}/release"), 409)
    assert refused["type"].endswith(":order-not-cancelled") and "announce it again" in refused["detail"]
    databases.execute("stock", LETTER, (letter, "stock.ordercancelled", ORDER_CANCELLED, body_about(order_id), order_id))
    databases.execute("stock", "UPDATE dead_letters SET act = 'discarded', acted_by = 'ana', acted_why = 'planted', acted_at = now()"
                      " WHERE id = %s", (letter,))
    said = command(system, "order", order_id, "release", "--why", "discarded by mistake", "--yes", code=0)
    assert "holds no stock: released" in said
    again = stocks.post(f"/api/stocks/orders/{order_id}/release")
    assert (again.status_code, again.json()) == (200, {"orderId": order_id, "reservation": "Released"})
    assert stocks.quantity(product) == 5
    released = databases.rows("stock", "SELECT delta, reason, actor FROM stock_movements WHERE order_id = %s AND kind = 'released'", (order_id,))
    assert released == [(2, "discarded by mistake", "support")]
    recorded = databases.rows("stock", "SELECT action, before->>'reservation', after->>'reservation', why FROM audit_log WHERE object_id = %s",
                              (order_id,))
    assert recorded == [("releaseOrderStock", "Taken", "Released", "discarded by mistake")]
    databases.execute("stock", "DELETE FROM dead_letters WHERE id = %s", (letter,))
    assert orders.cancel(order_id).status_code == 202  # what the letter said
    for unknown in (new_id(), "none"):
        assert_problem(stocks.post(f"/api/stocks/orders/{unknown}/release"), 404)


def test_what_is_not_published_is_waited_for(system, orders, stocks):
    with system.without("order-worker"):
        order_id = orders.placed((stocks.create(1), 1))
        story = timeline(orders, order_id)
        assert (story["status"], story["state"]) == ("Created", "Waiting")
        assert (story["expected"]["what"], story["expected"]["of"]) == ("OrderCreatedEvent is published", "order-worker")
        assert steps_of(story) == [("Placed", ORDER_CREATED, False)]
        (held,) = story["pending"]
        assert (held["place"], held["type"], held["attempts"]) == ("Outbox", ORDER_CREATED, 0)
        assert held["traceId"] == story["steps"][0]["traceId"]
    orders.wait(order_id, "Confirmed")


def test_an_answer_is_waited_for_and_then_late(orders, databases, left_waiting):
    order_id = left_waiting[0]
    story = timeline(orders, order_id)
    expected, placed = story["expected"], story["steps"][0]["at"]
    assert story["state"] == "Waiting" and steps_of(story) == [("Placed", ORDER_CREATED, True)]
    assert (expected["what"], expected["of"], expected["since"]) == (ANSWERS, "stock-worker", placed)
    assert moment(expected["by"]) - moment(placed) == timedelta(seconds=10)
    databases.execute("order", "UPDATE orders SET created_at = created_at - interval '1 minute' WHERE id = %s", (order_id,))
    assert timeline(orders, order_id)["state"] == "Late"


def test_what_the_watch_knows_is_stuck(orders, databases, left_waiting):
    order_id = left_waiting[1]
    databases.execute("order", "INSERT INTO stuck_orders (order_id, announced_at, repeats) VALUES (%s, now(), 3)", (order_id,))
    story = timeline(orders, order_id)
    assert (story["state"], story["expected"]["of"]) == ("Stuck", "stock-worker")
    again = story["steps"][-1]
    assert (again["step"], again["times"], "published" in again) == ("AnnouncedAgain", 3, False)
    assert story["expected"]["since"] == again["at"]


def test_a_dead_letter_waits_for_an_operator(orders, stocks, notifications, databases, left_waiting):
    order_id = left_waiting[2]
    for service, queue in (("order", "order.stock.completed"), ("stock", "stock.ordercreated"),
                           ("notification", "order.confirmed.queue")):
        databases.execute(service, LETTER, (new_id(), queue, STOCK_COMPLETED, body_about(order_id), order_id))
    story = timeline(orders, order_id)
    assert (story["state"], story["expected"]["of"], "by" in story["expected"]) == ("Stuck", "operator", False)
    for told_here in (story, stock_of(stocks, order_id), told_customer(notifications, order_id)):
        (letter,) = told_here["pending"]
        assert (letter["place"], letter["reason"], letter["attempts"]) == ("DeadLetter", "planted", 3)
    databases.execute("order", "UPDATE dead_letters SET act = 'discarded', acted_by = 'ana', acted_why = 'planted',"
                      " acted_at = now() WHERE subject = %s", (order_id,))
    assert timeline(orders, order_id)["pending"] == []


def test_what_is_parked_waits_for_an_operator(orders, databases, left_waiting):
    order_id = left_waiting[3]
    databases.execute("order", PARKED, (new_id(), ORDER_CREATED, ORDER_CREATED, body_about(order_id)))
    story = timeline(orders, order_id)
    assert (story["state"], story["expected"]["of"]) == ("Stuck", "operator")
    assert steps_of(story) == [("Placed", ORDER_CREATED, False)]
    assert [(held["place"], held["reason"]) for held in story["pending"]] == [("Parked", "planted")]
    databases.execute("order", "DELETE FROM outbox_parked WHERE reason = 'planted'")


# --- the command: the same from a shell ----------------------------------------------------------------


def command(system, *arguments, code, env=None):
    """(what ./cartwheel says with these arguments, each line of --json)."""
    done = subprocess.run([str(LAUNCHER), *arguments], cwd=ROOT, text=True, capture_output=True, timeout=STEP_SECONDS,
                          stdin=subprocess.DEVNULL, env={**os.environ, "CARTWHEEL_HOME": str(system.home), **(env or {})})
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else done.stdout


def test_the_command_merges_three_services(system, confirmed):
    order_id, product = confirmed
    text = command(system, "order", order_id, "--follow", code=0)
    for words in ("Placed: placed", f"trace {TRACE}", f"taken: -2 of {product}", "Confirmed: stock taken",
                  f"{ORDER_CONFIRMED}: sent to", f"done: order {order_id} is confirmed, its customer was told at"):
        assert words in text
    assert "\x1b" not in text
    (told_here,) = command(system, "order", order_id, "--json", code=0)
    assert (told_here["state"], told_here["order"]["status"]) == ("done", "Confirmed")
    assert told_here["stock"]["movements"] and told_here["notifications"]["notifications"]


def test_the_command_goes_elsewhere_with_a_token(system, confirmed, tmp_path):
    elsewhere = tmp_path / "endpoints.json"
    elsewhere.write_text(json.dumps({name: url for name, url in system.endpoints.items() if name.endswith("_api")}))
    asked = ("order", confirmed[0], "--endpoints", str(elsewhere))
    token = issuer().token(new_id(), ["operator"])
    assert "done: order" in command(system, *asked, code=0, env={"CARTWHEEL_TOKEN": token})
    command(system, *asked, code=1, env={"CARTWHEEL_TOKEN": "none"})


def test_the_command_says_what_is_waited_for(system, orders, databases, left_waiting):
    late, watched, letter, _ = left_waiting
    waiting = orders.placed((new_id(), 1))
    assert f"waiting for {ANSWERS} of stock-worker" in command(system, "order", waiting, code=0)
    databases.execute("order", "UPDATE orders SET created_at = created_at - interval '1 minute' WHERE id = ANY(%s::uuid[])",
                      ([late, watched, letter],))
    assert f"late: it waits for {ANSWERS}" in command(system, "order", late, code=1)
    databases.execute("order", "INSERT INTO stuck_orders (order_id, announced_at, repeats) VALUES (%s, now(), 3)"
                      " ON CONFLICT DO NOTHING", (watched,))
    assert f"./cartwheel logs --order {watched}" in command(system, "order", watched, code=1)
    row = new_id()
    databases.execute("stock", LETTER, (row, "stock.ordercreated", ORDER_CREATED, body_about(letter), letter))
    assert "is a dead letter of stock.ordercreated: planted" in command(system, "order", letter, "--follow", code=1)


def test_the_command_lists_who_needs_somebody(system, left_waiting):
    """As the tests before left them."""
    late, watched, letter, _ = left_waiting
    listed = {kind: {line["orderId"] for line in command(system, "orders", f"--{kind}", "--json", "--limit", "1000", code=1)}
              for kind in ("late", "stuck")}
    assert late in listed["late"] and not {watched, letter} & listed["late"]
    assert {watched, letter} <= listed["stuck"] and late not in listed["stuck"]
    command(system, "orders", "--late", "--stuck", code=2)
    command(system, "orders", code=2)


def test_the_command_knows_no_such_order(system):
    command(system, "order", new_id(), code=1)
    command(system, "order", "none", code=2)


@pytest.mark.parametrize("path", ["/api/orders/{}/timeline", "/api/stocks/orders/{}", "/api/notifications/orders/{}"])
def test_of_an_unknown_order_nothing_is_known(apis, path):
    api = apis[{"o": "order", "s": "stock", "n": "notification"}[path[5]]]
    for unknown in (new_id(), "none"):
        answer = api.get(path.format(unknown))
        assert answer.status_code == 404 or unknown == "none"
        assert_problem(answer, answer.status_code)
