"""What is held of a customer: who sees it, how long it stays, and that it is gone once it is erased."""

import concurrent.futures
import json
import signal

import pytest
from launcher.issuer import Issuer

from support.api import NotificationApi, assert_problem, exact, items_of, new_id
from support.child import Child, child, instead, run_binary
from support.dead_letters import DeadLetterAdmin
from support.events import envelope, publish
from support.fakes import MADE_UP, FakeHttp
from support.names import ORDER_CONFIRMED, SERVICES
from support.waits import eventually

PIECE = 2000  # rows that one call erases
# A version 7 id of a time: the upkeep goes by it.
ID_OF = "(lpad(to_hex((extract(epoch from {at}) * 1000)::bigint), 12, '0') || '7'" \
        " || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid"
NOTE = "INSERT INTO notifications (id, event_id, order_id, customer_id, template_code, parameters, status, attempts," \
       " channel, destination, subject, body, error, customer_source, created_at, sent_at, due_at)" \
       " SELECT " + ID_OF.format(at="now() - %(age)s::interval") + ", gen_random_uuid(), gen_random_uuid(), %(customer)s," \
       " 'ORDER_CANCELLED', jsonb_build_object('OrderId', 'kept', 'Reason', 'moved ' || %(mark)s, 'CustomerName', %(mark)s)," \
       " %(status)s, 1, 1, %(mark)s || '@example.org', 'to ' || %(mark)s, 'dear ' || %(mark)s," \
       " 'no such user: ' || %(mark)s || '@example.org', 'service', now() - %(age)s::interval," \
       " CASE WHEN %(status)s = 3 THEN now() END, now() + interval '1 day' FROM generate_series(1, %(count)s)"


def note(databases, customer, mark, count=1, status=3, age="0 s"):
    databases.execute("notification", NOTE, {"customer": customer, "mark": mark, "count": count, "status": status, "age": age})


def held(databases, service, mark):
    """{(table, column): rows} of all that hold @mark, in whatever table and column there is."""
    columns = databases.rows(service, "SELECT table_name, column_name, data_type FROM information_schema.columns"
                                      " JOIN information_schema.tables USING (table_schema, table_name)"
                                      " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")
    found = {}
    with databases.connect(service) as connection:
        for table, column, kind in columns:
            has = f"position(convert_to(%s, 'UTF8') in {column})" if kind == "bytea" else f"strpos({column}::text, %s)"
            count, = connection.execute(f"SELECT count(*) FROM {table} WHERE {has} > 0", (mark,)).fetchone()
            if count:
                found[table, column] = count
    return found


def facts(databases, service, table, customer):
    """The rows of @table about @customer without what may be erased."""
    kept = {"orders": "id, status, total, currency, created_at", "notifications": "id, event_id, order_id, template_code,"
            " attempts, channel, customer_source, created_at, sent_at, parameters ->> 'OrderId'"}[table]
    return databases.rows(service, f"SELECT {kept} FROM {table} WHERE customer_id = %s ORDER BY id", (customer,))


LETTER = "INSERT INTO dead_letters (id, queue, body, reason, attempts, act, acted_by, acted_why, acted_at)" \
         " VALUES (gen_random_uuid(), 'a.queue', %(body)s, %(mark)s, 3, 'discarded', 'ana@ops', %(mark)s, now())"
PARKED = "INSERT INTO outbox_parked (id, exchange, routing_key, body, reason, failed_queue, error)" \
         " VALUES (gen_random_uuid(), '', '', %(body)s, 'no queue takes it', %(queue)s, %(mark)s)"


def park(databases, service, customer, mark):
    """Dead letters and parked messages about the customer: events, and what is none."""
    event = json.dumps({"EventId": new_id(), "Data": {"OrderId": "kept", "CustomerId": customer.upper(), "Note": mark}})
    broken = b'\xff\x00{"CustomerId" : "' + customer.encode() + b'", ' + mark.encode()
    for body in (event.encode(), broken):
        databases.execute(service, LETTER, {"body": body, "mark": mark})
        databases.execute(service, PARKED, {"body": body, "mark": mark, "queue": "a.queue"})


def park_own(databases, customer, mark):
    """An event of the order service that could not be published."""
    event = {"EventId": new_id(), "Data": {"OrderId": "kept", "CustomerId": customer,
                                           "Reason": f'"{mark}" \\ é\n {mark}', "Currency": "EUR"}}
    for ascii_only in (True, False):
        text = json.dumps(event, ensure_ascii=ascii_only, separators=(",", ":"))
        databases.execute("order", PARKED, {"body": text.encode(), "mark": None, "queue": None})
    return event


@pytest.fixture(autouse=True)
def nothing_stays_parked(databases):
    yield
    for service in SERVICES:
        databases.execute(service, "DELETE FROM outbox_parked")
        databases.execute(service, "DELETE FROM dead_letters WHERE queue = 'a.queue'")


def erase(api, customer):
    """Erases a piece; (whether nothing is left, what was erased)."""
    answer = api.post(f"/api/customers/{customer}/erase")
    assert answer.status_code in (200, 202), answer.text
    assert answer.json()["done"] == (answer.status_code == 200)
    return answer.json()["done"], answer.json()["erased"]


# ---- erasing ----


def live(orders, notifications, customer, mark):
    """A customer's order with a key and a reason, cancelled and told of."""
    answer = orders.place(items_of((new_id(), 1)), customer=customer, key="key-" + mark)
    order = answer.json()["id"]
    notifications.wait(order, status="Sent")
    return order


def plant(databases, orders, notifications, customer, mark):
    order = live(orders, notifications, customer, mark)
    databases.execute("order", "UPDATE orders SET reason = %s WHERE id = %s", ("moved " + mark, order))
    databases.execute("order", "UPDATE order_history SET cause = %s WHERE order_id = %s", ("moved " + mark, order))
    note(databases, customer, mark, count=2)
    note(databases, customer, mark, status=1)
    for service in SERVICES:
        park(databases, service, customer, mark)
    return park_own(databases, customer, mark)


def everything(databases, mark):
    return {service: held(databases, service, mark) for service in SERVICES}


def test_nothing_of_an_erased_customer_is_left(databases, apis, orders, notifications):
    customer, other = new_id(), new_id()
    mark, others = (f"m{one.replace('-', '')[:20]}" for one in (customer, other))
    event = plant(databases, orders, notifications, customer, mark)
    plant(databases, orders, notifications, other, others)
    before, untouched = everything(databases, mark), everything(databases, others)
    assert {("orders", "reason"), ("order_history", "cause"), ("idempotency_keys", "key"), ("outbox_parked", "body"),
            ("dead_letters", "body"), ("dead_letters", "acted_why")} <= set(before["order"])
    assert {("dead_letters", "reason"), ("outbox_parked", "error")} <= set(before["stock"])
    assert {("notifications", name) for name in ("destination", "subject", "body", "error", "parameters")} \
        <= set(before["notification"])
    kept = facts(databases, "order", "orders", customer), facts(databases, "notification", "notifications", customer)

    erased = {service: erase(apis[service], customer) for service in SERVICES}

    assert everything(databases, mark) == {service: {} for service in SERVICES}
    common = {"deadLetters": 2, "parkedFailures": 2}
    assert erased == {"order": (True, {"reasons": 1, "idempotencyKeys": 1, "parkedEvents": 2, **common}),
                      "stock": (True, common), "notification": (True, {"notifications": 4, **common})}
    assert everything(databases, others) == untouched
    assert kept == (facts(databases, "order", "orders", customer),
                    facts(databases, "notification", "notifications", customer))
    for service in SERVICES:
        done, again = erase(apis[service], customer)
        assert done and set(again.values()) == {0}, "erasing again finds nothing"
    bodies = databases.rows("order", "SELECT body FROM outbox_parked WHERE person = %s", (customer,))
    event["Data"]["Reason"] = "erased"
    assert [json.loads(bytes(body)) for body, in bodies] == [event, event], "a parked event can still be published"
    statuses = databases.rows("notification", "SELECT status, error FROM notifications WHERE customer_id = %s"
                              " AND sent_at IS NULL", (customer,))
    assert statuses == [(4, "erased before it was sent")]


def test_an_erased_order_is_shown_without_its_reason(orders, notifications, apis):
    customer = new_id()
    order = live(orders, notifications, customer, "shown")
    assert "StockNotFoundException" in orders.order(order)["reason"]
    erase(orders, customer)
    erase(notifications, customer)
    assert orders.order(order)["reason"] == "erased"
    assert [entry["cause"] for entry in orders.history(order)] == ["placed", "erased"]
    row, = notifications.of_order(order)
    assert (row["destination"], row["subject"], row["body"], row["error"]) == (None, None, None, None)
    assert row["parameters"] == {"OrderId": order}


def test_a_dead_letter_without_its_body_is_not_replayed(system, databases, apis):
    customer, letter = new_id(), new_id()
    body = json.dumps({"EventId": new_id(), "Data": {"CustomerId": customer}})
    databases.execute("stock", "INSERT INTO dead_letters (id, queue, body, reason, attempts)"
                               " VALUES (%s, 'stock.ordercreated', %s, 'x', 3)", (letter, body.encode()))
    erase(apis["stock"], customer)
    shown = DeadLetterAdmin(system, "stock-worker").show(letter)
    assert (shown["reason"], shown["body"], shown["bodyBytes"], shown["replayable"]) == ("erased", "", len(body), False)
    assert shown["objection"] == "its body is not kept: erased"
    databases.execute("stock", "DELETE FROM dead_letters WHERE id = %s", (letter,))


@pytest.mark.parametrize("who", ["no-uuid", "00000000-0000-0000-0000-000000000000"])
def test_nobody_is_not_found(apis, who):
    for api in apis.values():
        assert_problem(api.post(f"/api/customers/{who}/erase"), 404)


def test_one_that_is_being_sent_stays_erased(system, broker, databases, notifications):
    customer, order = new_id(), new_id()

    def respond(_, __, body):
        if f"customer{customer[:8]}" in body.decode():
            erase(notifications, customer)
        return 200, {}

    with FakeHttp(respond) as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": server.url}):
        publish(broker, envelope(ORDER_CONFIRMED, {"OrderId": order, "CustomerId": customer, "OrderTotal": 1, "Currency": "EUR"}))
        row, = notifications.wait(order, status="Sent")
    assert (row["destination"], row["subject"], row["body"], row["error"]) == (None, None, None, None)


# ---- in pieces, by those who may ----


class Guarded:
    """A notification API that asks for tokens; it may be killed and started again."""

    def __init__(self, system, folder):
        self.issuer = Issuer(folder)
        self.issuer.create()
        self.settings = {"AUTH": "on", "AUTH_ISSUER": self.issuer.name, "AUTH_JWKS_FILE": str(self.issuer.jwks_file)}
        self._system = system

    def running(self):
        return child(self._system, "notification-api", self.settings)

    def start(self):
        return Child(self._system, "notification-api", self.settings).wait_ready()

    def api(self, process, role):
        return NotificationApi(process.base, self.issuer.token(new_id(), [role]))


@pytest.fixture(scope="module")
def guarded(system, tmp_path_factory):
    return Guarded(system, tmp_path_factory.mktemp("issuer"))


def left(databases, customer):
    return databases.value("notification", "SELECT count(*) FROM notifications WHERE customer_id = %s"
                                           " AND emptied_at IS NULL", (customer,))


def test_a_process_that_is_killed_in_the_middle_loses_no_piece(databases, guarded):
    customer, mark = new_id(), new_id()
    note(databases, customer, mark, count=PIECE + 300)
    process = guarded.start()
    try:
        assert erase(guarded.api(process, "admin"), customer)[0] is False
        assert left(databases, customer) == 300
        with databases.connect("notification", autocommit=False) as connection, \
                concurrent.futures.ThreadPoolExecutor(1) as pool:
            connection.execute("SELECT FROM notifications WHERE customer_id = %s AND emptied_at IS NULL"
                               " ORDER BY id DESC LIMIT 1 FOR UPDATE", (customer,))
            asked = pool.submit(guarded.api(process, "admin").post, f"/api/customers/{customer}/erase")
            eventually(lambda: databases.value("notification", "SELECT count(*) FROM pg_stat_activity WHERE"
                                               " wait_event_type = 'Lock' AND query LIKE '%%emptied_at%%'"),
                       "the piece to be in the middle of its work")
            process.process.send_signal(signal.SIGKILL)
            assert isinstance(asked.exception(timeout=30), OSError)
            connection.rollback()
        eventually(lambda: databases.value("notification", "SELECT count(*) = 0 FROM pg_stat_activity WHERE"
                                           " state <> 'idle' AND query LIKE 'update notifications%%'"), "its session to end")
    finally:
        process.discard()
    with guarded.running() as process:
        api = guarded.api(process, "admin")
        before = left(databases, customer)
        done, erased = erase(api, customer)
        assert (done, erased["notifications"]) == (True, before)
    assert before in (0, 300), "a piece is whole, or was not"
    assert left(databases, customer) == 0 and held(databases, "notification", mark) == {}


def test_who_may_not_sees_masks_and_erases_nothing(databases, guarded):
    customer, mark = new_id(), f"jane{new_id()[:8]}"
    note(databases, customer, mark)
    order = databases.value("notification", "SELECT order_id::text FROM notifications WHERE customer_id = %s", (customer,))
    with guarded.running() as process:
        rows = {}
        for role in ("support", "admin", "operator"):
            answer = guarded.api(process, role).get("/api/notifications", orderId=order)
            assert answer.status_code == 200, answer.text
            rows[role], = exact(answer)["items"]
        for role in ("customer", "shop", "support", "operator", "merchandiser"):
            assert_problem(guarded.api(process, role).post(f"/api/customers/{customer}/erase"), 403)
    for role in ("support", "admin"):
        assert rows[role]["destination"] == mark + "@example.org"
        assert (rows[role]["body"], rows[role]["parameters"]["Reason"]) == (f"dear {mark}", f"moved {mark}")
    masked = rows["operator"]
    assert (masked["destination"], masked["subject"], masked["body"]) == ("j***@example.org", None, None)
    assert (masked["error"], masked["parameters"]) == ("no such user: ***", {"OrderId": "kept"})
    assert mark not in json.dumps(masked)
    assert left(databases, customer) == 1


# ---- growing old ----


def test_old_notifications_are_emptied_and_stay(system, databases):
    customer, mark, young = new_id(), new_id(), new_id()
    note(databases, customer, mark, age="2 hours")
    note(databases, customer, mark, age="2 hours", status=1)
    note(databases, customer, young, age="10 minutes")
    kept = facts(databases, "notification", "notifications", customer)
    settings = {"NOTIFICATION_TEXT_RETENTION": "1h", "CUSTOMER_WAIT": "10m"}
    with instead(system, "notification-worker", settings):
        eventually(lambda: held(databases, "notification", mark) == {}, "the old ones to be emptied")
    assert facts(databases, "notification", "notifications", customer) == kept
    assert set(held(databases, "notification", young).values()) == {1}
    assert databases.rows("notification", "SELECT status FROM notifications WHERE customer_id = %s ORDER BY status",
                          (customer,)) == [(3,), (3,), (4,)]


def test_the_log_is_kept_longer_than_a_notification_may_wait(system):
    done = run_binary(system, "notification-worker", {"NOTIFICATION_TEXT_RETENTION": "24h"})
    assert done.returncode != 0
    assert "NOTIFICATION_TEXT_RETENTION: expected more than CUSTOMER_WAIT" in done.stdout + done.stderr
