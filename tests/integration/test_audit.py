"""The audit log: every change that a call makes leaves a row that says who, what and why, in its transaction; and no change
of the log itself goes unseen."""

import concurrent.futures
import contextlib
import datetime
import json

import psycopg
import pytest
from operators.audit import check_log, heads_in

from support.api import Api, OrderApi, assert_problem, new_id
from support.child import child, run_binary
from support.dead_letters import DeadLetterAdmin, dead_confirmations
from support.documents import NDJSON
from support.names import SERVICES
from support.system import ROOT
from support.waits import eventually
from test_access import Guarded
from test_routes import routes_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UNRECORDED = {"placeOrder", "previewNotificationTemplate", "previewNotificationDraft"}  # the way of an order, and no change


@pytest.fixture(scope="module")
def guarded(apis):
    return Guarded(apis)


class Caller:
    """Somebody with a role, and what the log has of him."""

    def __init__(self, guarded, service, role):
        self.subject = new_id()
        self._name = f"{service}-api"
        self._guarded = guarded
        self._token = guarded.issuer.token(self.subject, [role], jti=f"token of {self.subject}")
        self._auditor = guarded.issuer.token("auditor", ["auditor"])

    def call(self, method, path, body=None, **options):
        return self._guarded.call(self._name, method, path, self._token, json=body, **options)

    def did(self, method, path, body=None, **options):
        answer = self.call(method, path, body, **options)
        assert answer.ok, answer.text
        return answer

    def log(self, **query):
        """The rows of him, oldest first."""
        query = {"subject": self.subject, "sort": "oldest", **query}
        answer = self._guarded.call(self._name, "GET", "/api/audit", self._auditor, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


def shape(row):
    """What was done, without what the rows of one caller have in common."""
    return row["action"], row.get("before"), row.get("after")


# --- who, what, why ---------------------------------------------------------------------------------


def test_a_cancellation_says_who_what_and_why(guarded, orders, stocks):
    order = orders.placed((stocks.create(1), 1))
    orders.wait(order, "Confirmed")
    support = Caller(guarded, "order", "support")
    traceparent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    before = datetime.datetime.now(datetime.timezone.utc)
    support.did("POST", f"/api/orders/{order}/cancel", {"reason": "sagt „nein“ \\"}, headers=traceparent)
    assert_problem(support.call("POST", f"/api/orders/{order}/cancel", {}), 409)
    row, = support.log(objectId=order)
    assert abs(datetime.datetime.fromisoformat(row.pop("at").replace("Z", "+00:00")) - before).total_seconds() < 60
    assert row.pop("id") and row.pop("number") > 0
    assert row == {
        "subject": support.subject, "roles": "support", "scope": "orders:cancel", "tokenId": f"token of {support.subject}",
        "action": "cancelOrder", "object": "order", "objectId": order, "before": {"status": "Confirmed"},
        "after": {"status": "Cancelled"}, "why": "sagt „nein“ \\", "traceId": TRACE,
    }  # fmt: skip


def test_a_caller_without_a_token_is_known_by_his_address(system, stocks, databases):
    off = {"AUTH": "off", "AUTH_ISSUER": None, "AUTH_JWKS_FILE": None}
    with child(system, "stock-api", off) as process:
        product = stocks.create(5)
        headers = {"X-Reason": "it was counted " + "ä" * 600}
        assert Api(process.base).put(f"/api/stocks/{product}", {"quantity": 4}, headers=headers).status_code == 204
    (subject, address, why), = databases.rows(
        "stock", "SELECT subject, address, why FROM audit_log WHERE object_id = %s AND action = 'setStock'", (product,))
    assert (subject, address) == ("anonymous", "127.0.0.1")
    assert why.startswith("it was counted ") and len(why) == 500


def change_prices(caller):
    product, other = new_id(), new_id()
    path = f"/api/prices/{product}"
    caller.did("PUT", path, {"unitPrice": 1.5})
    caller.did("PUT", path, {"unitPrice": 1.5})  # changes nothing
    caller.did("DELETE", path)
    lines = [{"productId": product, "unitPrice": 2}, {"productId": other, "unitPrice": 3}]
    caller.did("POST", "/api/prices/import", data="\n".join(map(json.dumps, lines)), headers={"Content-Type": NDJSON})
    rows = caller.log()
    prices = [(row["action"], row.get("before", {}).get("unitPrice"), row.get("after", {}).get("unitPrice")) for row in rows]
    assert prices == [("setPrice", None, 1.5), ("deletePrice", 1.5, None), ("importPrices", None, 2), ("importPrices", None, 3)]
    assert [row["objectId"] for row in rows] == [product, product, product, other]


def change_stock(caller):
    product, other = new_id(), new_id()
    path = f"/api/stocks/{product}"
    caller.did("POST", "/api/stocks", {"productId": product, "quantity": 5})
    caller.did("PUT", path, {"quantity": 7})
    caller.did("POST", path + "/adjustments", {"delta": -3, "reason": "broken"})
    assert_problem(caller.call("POST", path + "/adjustments", {"delta": -30}), 409)
    lines = [{"productId": product, "quantity": 9}, {"productId": other, "quantity": 1}]
    caller.did("POST", "/api/stocks/import", data="\n".join(map(json.dumps, lines)), params={"existing": "set"},
               headers={"Content-Type": NDJSON, "X-Reason": "stocktaking"})
    caller.did("DELETE", path)
    steps = [(action, before and {"quantity": before}, after and {"quantity": after}) for action, before, after in (
        ("createStock", None, 5), ("setStock", 5, 7), ("adjustStock", 7, 4), ("importStock", 4, 9), ("deleteStock", 9, None))]
    assert [shape(row) for row in caller.log(objectId=product)] == steps
    assert {row["action"]: row.get("why") for row in caller.log()} == {
        "createStock": None, "setStock": None, "adjustStock": "broken", "importStock": "stocktaking", "deleteStock": None}
    ledger = caller.did("GET", path + "/movements").json()["items"]
    assert {line["actor"] for line in ledger} == {caller.subject}


def change_templates(caller):
    path, template = "/api/notificationtemplates", {"templateCode": "ORDER_CONFIRMED", "channel": 2, "language": "x-audit", "body": "b"}
    one = f"{path}/{caller.did('POST', path, template).json()['id']}"
    caller.did("PUT", one, {**template, "body": "other"})
    caller.did("DELETE", one)
    made, changed, gone = map(shape, caller.log())
    assert made[:2] == ("createNotificationTemplate", None) and made[2]["version"] == 1
    assert changed[:2] == ("updateNotificationTemplate", {"version": 1}) and changed[2]["version"] == 2
    assert made[2]["textSha256"] != changed[2]["textSha256"]
    assert gone == ("deleteNotificationTemplate", {"version": 2}, None)


def change_subscriptions(caller):
    path, first = "/api/subscriptions", {"url": "https://first.example/", "events": ["order.confirmed"], "isActive": False}
    made = caller.did("POST", path, first).json()
    caller.did("PUT", f"{path}/{made['id']}", {**first, "url": "https://second.example/"})
    caller.did("DELETE", f"{path}/{made['id']}")
    rows = caller.log()
    urls = [(row["action"], row.get("before", {}).get("url"), row.get("after", {}).get("url")) for row in rows]
    assert urls == [("createSubscription", None, first["url"]), ("updateSubscription", first["url"], "https://second.example/"),
                    ("deleteSubscription", "https://second.example/", None)]
    assert made["secret"] not in json.dumps(rows)


def change_controls(caller):
    path = "/api/controls/stock.ordercancelled"
    caller.did("POST", path + "/pause", {"why": "broken"})
    caller.did("POST", path + "/resume", headers={"X-Reason": "mended"})
    rows = [(row["action"], row["before"]["state"], row["after"]["state"], row["why"]) for row in caller.log()]
    assert rows == [("pauseControl", "running", "paused", "broken"), ("resumeControl", "paused", "running", "mended")]


CHANGES = [("order", "merchandiser", change_prices), ("stock", "merchandiser", change_stock),
           ("notification", "merchandiser", change_templates), ("notification", "admin", change_subscriptions),
           ("stock", "operator", change_controls)]


@pytest.mark.parametrize("service, role, change", CHANGES)
def test_every_change_leaves_a_row(guarded, service, role, change):
    caller = Caller(guarded, service, role)
    change(caller)
    assert {row["roles"] for row in caller.log()} == {role}


def test_every_route_that_changes_something_is_tried_here(system):
    """A new one has to be recorded, and to be tried above or where its rows are easily had."""
    tried_in = ("test_audit.py", "test_replay_jobs.py", "test_notification_log.py", "test_order_story.py", "test_letter_edits.py")
    source = "".join((ROOT / "tests" / "integration" / name).read_text(encoding="utf-8") for name in tried_in)
    changing = {route["operationId"] for service in SERVICES for route in routes_of(system, f"{service}-api")
                if route["method"] != "GET"}
    assert {name for name in changing - UNRECORDED if f'"{name}"' not in source} == set()


def test_erasing_a_customer_takes_the_reason_and_leaves_the_chain_whole(guarded, orders, stocks, databases):
    customer = new_id()
    order = orders.placed((stocks.create(1), 1), customer=customer)
    orders.wait(order, "Confirmed")
    support, admin = Caller(guarded, "order", "support"), Caller(guarded, "order", "admin")
    support.did("POST", f"/api/orders/{order}/cancel", {"reason": "my wife must not know"})
    assert ["why" in row for row in support.log()] == [True]
    while admin.did("POST", f"/api/customers/{customer}/erase", headers={"X-Reason": "asked for"}).status_code == 202:
        pass
    assert ["why" in row for row in support.log()] == [False]
    row, = admin.log(objectId=customer)
    assert (row["action"], row["object"], row["why"]) == ("eraseCustomer", "customer", "asked for")
    assert check_log(databases.url("order"))[1] == []


def test_acts_of_operators_are_recorded(system, databases, orders, stocks):
    (letter, order), = dead_confirmations(system, orders, stocks.create(5), 1).items()
    desk, request = DeadLetterAdmin(system, "order-worker"), {"by": "ana", "why": "the bug is fixed"}
    assert desk.replay(letter, dryRun=True, **request).status_code == 200
    assert desk.replay(letter, **request).status_code == 200
    orders.wait(order, "Confirmed")
    assert desk.post(f"/orders/{order}/announce", request).status_code == 200
    rows = databases.rows("order", "SELECT subject, address, action, object, before, after, why FROM audit_log"
                          " WHERE object_id IN (%s, %s) ORDER BY number", (letter, order))
    common = ("admin-token", "127.0.0.1")
    assert rows == [
        (*common, "replayDeadLetter", "dead-letter", {"state": "waiting"}, {"state": "replayed", "by": "ana"}, request["why"]),
        (*common, "announceOrder", "order", {"status": "Confirmed"}, {"status": "Confirmed", "by": "ana"}, request["why"]),
    ]
    assert desk.show(letter)["actedAs"] == "admin-token"


def test_closing_a_group_of_failures_is_recorded(guarded, databases):
    reason = f"audit {''.join(chr(ord('g') + int(digit, 16)) for digit in new_id().replace('-', ''))}"
    databases.execute("stock", "INSERT INTO dead_letters (id, queue, body, reason, attempts) VALUES (%s, 'stock.ordercreated', '', %s, 3)",
                      (new_id(), reason))
    group = eventually(lambda: databases.value("stock", "SELECT id::text FROM failure_groups WHERE fingerprint = %s", (reason,)),
                       "the letter to be filed")
    operator = Caller(guarded, "stock", "operator")
    operator.did("POST", f"/api/failure-groups/{group}/close")
    assert [(row["action"], row["scope"], row["object"]) for row in Caller(guarded, "stock", "auditor").log(objectId=group, subject=operator.subject)
            ] == [("closeFailureGroup", "dead-letters", "failure-group")]


# --- the list ---------------------------------------------------------------------------------------


def test_the_list_is_filtered_and_paged(guarded):
    caller = Caller(guarded, "order", "merchandiser")
    products = [new_id() for _ in range(5)]
    for product in products:
        caller.did("PUT", f"/api/prices/{product}", {"unitPrice": 1})
    rows = caller.log()
    assert [row["objectId"] for row in rows] == products
    newest, cursor = [], None
    while cursor != "":
        answer = guarded.call("order-api", "GET", "/api/audit", guarded.issuer.token("a", ["auditor"]),
                              params={"subject": caller.subject, "limit": 2, "cursor": cursor}).json()
        newest += answer["items"]
        cursor = answer.get("nextCursor", "")
    assert newest == rows[::-1]
    assert caller.log(createdAfter=rows[3]["at"]) == rows[3:]
    assert caller.log(createdBefore=rows[3]["at"]) == rows[:3]
    assert caller.log(objectId=products[1]) == rows[1:2]
    assert caller.log(objectId=new_id()) == []


# --- the log itself ---------------------------------------------------------------------------------


@contextlib.contextmanager
def order_api_on(system, url, **settings):
    with child(system, "order-api", {"DATABASE_URL": url, **settings}) as process:
        yield OrderApi(process.base)


@pytest.fixture
def own(system, empty_database):
    """A database of the order service that nobody else writes to: its URL."""
    url = empty_database("order")
    done = run_binary(system, "order-migrator", {"DATABASE_URL": url})
    assert done.returncode == 0, done.stdout + done.stderr
    return url


def cancelled(api, n):
    """So many orders, cancelled at the same time."""
    ids = [api.placed((new_id(), 1)) for _ in range(n)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda order: api.cancel(order, "no").status_code, ids))
    assert answers == [202] * n
    return ids


def all_of(url, sql):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_change_without_its_row_is_none(system, own, databases):
    """Where the row cannot be written, the order stays as it is."""
    with order_api_on(system, own) as api:
        order = api.placed((new_id(), 1))
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute("ALTER TABLE audit_log ADD CONSTRAINT none CHECK (false) NOT VALID")
            assert_problem(api.cancel(order), 500)
            assert api.status(order) == "Created"
            connection.execute("ALTER TABLE audit_log DROP CONSTRAINT none")
        assert api.cancel(order).status_code == 202
    (logged,), = all_of(own, "SELECT count(*) FROM audit_log")
    assert (logged, check_log(own)) == (1, (1, []))


@pytest.mark.parametrize("statement", [
    "UPDATE audit_log SET subject = 'eve'", "UPDATE audit_log SET why = 'another'", "DELETE FROM audit_log", "TRUNCATE audit_log",
    "UPDATE audit_log SET salt = NULL, why = NULL, link = NULL",
])
def test_the_log_refuses_to_be_changed(databases, statement, stocks):
    stocks.create(1)
    with pytest.raises(psycopg.errors.RaiseException, match="audit_log"):
        databases.execute("stock", statement)


TAMPERING = {
    "a field": ("UPDATE audit_log SET subject = 'eve' WHERE number = 5", "not what was written"),
    "a reason": ("UPDATE audit_log SET why = 'yes' WHERE number = 5", "row 5: its address or reason"),
    "a row in the middle": ("DELETE FROM audit_log WHERE number = 5", "row 5 is missing"),
    "rows swapped": ("UPDATE audit_log SET number = -number WHERE number IN (5, 6);"
                     "UPDATE audit_log SET number = 11 + number WHERE number < 0", "not what was written"),
    "the newest rows": ("DELETE FROM audit_log WHERE number > 15", "the head says 20"),
    "the newest rows and the head": (
        "DELETE FROM audit_log WHERE number > 15 OR number > (SELECT max(number) FROM audit_log WHERE number <= 15 AND link IS NOT NULL);"
        "UPDATE audit_head SET (number, link) = (SELECT number, link FROM audit_log ORDER BY number DESC LIMIT 1)",
        "row 20 was told of"),
    "all of it": ("DELETE FROM audit_log; UPDATE audit_head SET number = 0, link = ''", "row 20 was told of"),
}


def test_what_two_processes_write_at_once_is_one_chain_and_tampering_shows(system, own):
    """Erasing leaves it whole."""
    with order_api_on(system, own) as one, order_api_on(system, own) as other, concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(cancelled, (one, other), (10, 10)))
    head, = all_of(own, "SELECT number, link FROM audit_head")
    assert check_log(own, told=[head]) == (20, [])
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute("UPDATE audit_log SET why = NULL, salt = NULL, address = NULL WHERE number = 5")
        assert check_log(own, told=[head]) == (20, [])
        connection.execute("CREATE TABLE kept AS TABLE audit_log; CREATE TABLE kept_head AS TABLE audit_head;"
                           "ALTER TABLE audit_log DISABLE TRIGGER USER")
        for what, (statements, fault) in TAMPERING.items():
            connection.execute(statements)
            _, faults = check_log(own, told=[head])
            assert any(fault in found for found in faults), (what, faults)
            connection.execute("DELETE FROM audit_log; INSERT INTO audit_log TABLE kept;"
                               "DELETE FROM audit_head; INSERT INTO audit_head TABLE kept_head")
            assert check_log(own, told=[head]) == (20, []), what


def test_what_is_left_of_an_archived_log_is_whole(system, own):
    with order_api_on(system, own) as api:
        for _ in range(3):
            cancelled(api, 1)
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_keeps; DELETE FROM audit_log WHERE number < 2;"
                           "ALTER TABLE audit_log ENABLE TRIGGER audit_log_keeps")
    assert check_log(own, after=2) == (1, [])
    assert check_log(own)[1]


def test_the_head_is_told_and_the_command_finds_all_well(system):
    for service in SERVICES:
        worker = f"{service}-worker"
        eventually(lambda name=worker: system.metrics(name).value("cartwheel_audit_rows") is not None, "the head to be told")
        assert heads_in(system.processes[worker]["log"])
    found = json.loads(system.launcher("audit", "verify", "--json"))
    assert {service: log["faults"] for service, log in found.items()} == {service: [] for service in SERVICES}
