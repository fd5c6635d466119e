"""The auditor: each kind of damage is found and named, what is mended is forgotten, and where nothing is wrong it finds nothing."""

import contextlib
import json
import time
from typing import NamedTuple

import pytest

from support.api import new_id
from support.child import child
from support.names import ORDER_CONFIRMED, SERVICES
from support.waits import eventually

FOUND_SECONDS = 90  # a machine that is short of time stretches every rest
CHECKS = {"order": {"audit_chain", "order_history"},
          "stock": {"audit_chain", "stock_ledger", "stock_reservations", "stock_movements"},
          "notification": {"audit_chain", "confirmed_events", "cancelled_events"}}


@pytest.fixture(scope="module")
def auditors(system):
    """A second worker of each service, whose auditor rests for a moment alone: {service: process}."""
    with contextlib.ExitStack() as stack:
        yield {service: stack.enter_context(child(system, f"{service}-worker", {"AUDITOR_LAP": "100ms"})) for service in SERVICES}


class Audited:
    """A service's database, and what is found in it."""

    def __init__(self, databases, service):
        self.service = service
        self._databases = databases

    def run(self, sql, *parameters):
        self._databases.execute(self.service, sql, parameters or None)

    def faults(self, check, subject):
        return [fault for fault, in self._databases.rows(
            self.service, "SELECT fault FROM auditor_findings WHERE check_name = %s AND subject = %s", (check, subject))]

    def until_found(self, check, subject, fault):
        eventually(lambda: self.faults(check, subject) == [fault],
                   f"{check} to find that {fault}: {self._databases.rows(self.service, 'TABLE auditor_findings')}", FOUND_SECONDS)

    def until_forgotten(self, *subjects):
        def gone():
            self.write()
            return not any(self._databases.rows(self.service, "SELECT 1 FROM auditor_findings WHERE subject = ANY(%s)",
                                                (list(subjects),)))
        eventually(gone, f"{subjects} to be forgotten", FOUND_SECONDS)

    def write(self):
        """Somebody wrote something: that is a reason to look at everything."""
        self.run("UPDATE controls SET kind = kind")

    def laps(self):
        return dict(self._databases.rows(self.service, "SELECT name, lap FROM auditor_checks WHERE name <> 'outcomes'"))

    def two_laps(self):
        """The second one began when all that is there now was there."""
        before = eventually(lambda: CHECKS[self.service] == (laps := self.laps()).keys() and laps, "every check to have a row")

        def passed():
            self.write()
            return all(lap >= before[name] + 2 for name, lap in self.laps().items())
        eventually(passed, f"two laps of {self.service}, as of {before}", FOUND_SECONDS)


@pytest.fixture
def audited(auditors, databases):
    assert auditors
    return {service: Audited(databases, service) for service in SERVICES}


# --- nothing is wrong -------------------------------------------------------------------------------


def test_where_nothing_is_wrong_nothing_is_found(audited, auditors, orders, stocks, databases):
    """Orders of every kind, while the auditor walks; and all that takes a hundredth of a core."""
    def used():
        return {name: process.metrics().value("cartwheel_auditor_run_seconds_sum") or 0 for name, process in auditors.items()}

    before, since = used(), time.monotonic()
    products = [stocks.create(40) for _ in range(3)]
    placed = [orders.placed((products[n % 3], 2), (products[(n + 1) % 3], 1)) for n in range(60)]
    for order in placed[::4]:
        orders.cancel(order)
    for order in placed:
        eventually(lambda order=order: orders.status(order) != "Created", f"order {order} to be final")
    stocks.adjust(products[0], 7)
    assert stocks.delete(f"/api/stocks/{products[1]}?force=true").ok
    for order in placed[1::4]:
        orders.cancel(order)
    for service in audited.values():
        service.two_laps()
    for name, seconds in used().items():
        assert seconds - before[name] < 0.01 * (time.monotonic() - since) + 0.2, name
    ours = {*placed, *products}
    for service in SERVICES:
        found = databases.rows(service, "SELECT check_name, subject, fault FROM auditor_findings")
        assert not [finding for finding in found if finding[1] in ours or finding[0] == "audit_chain"], found


# --- rows that somebody changed by hand -------------------------------------------------------------


class Damage(NamedTuple):
    """What is changed, what of it is found, and what mends it; %s stands for the subject."""

    service: str
    change: str
    found: dict  # {check: fault}
    mend: str


TO_CANCELLED = "UPDATE orders SET status = 3 WHERE id = %s"
TO_HISTORY = "INSERT INTO order_history (order_id, status, cause, happened_at) VALUES (%s, {}, 'test', now())"
OF_ORDERS = [
    Damage("order", TO_CANCELLED, {"order_history": "it is Cancelled, its history ends with Confirmed"}, TO_HISTORY.format(3)),
    Damage("order", "DELETE FROM order_history WHERE order_id = %s",
           {"order_history": "it is Confirmed, its history ends with Created"}, TO_HISTORY.format(2)),
    Damage("order", TO_HISTORY.format(1), {"order_history": "its history has a status of 1"},
           "DELETE FROM order_history WHERE order_id = %s AND status = 1"),
    Damage("order", f"WITH moved AS ({TO_CANCELLED} RETURNING id) INSERT INTO order_history (order_id, status, cause, happened_at)"
           " SELECT id, 3, 'test', '-infinity' FROM moved", {"order_history": "it was cancelled before it was confirmed"},
           "UPDATE order_history SET happened_at = now() WHERE order_id = %s AND status = 3"),
    Damage("stock", "WITH gone AS (DELETE FROM stock_movements WHERE order_id = %s RETURNING *)"
           " UPDATE stock SET quantity = quantity + 3 WHERE product_id = (SELECT product_id FROM gone)",
           {"stock_reservations": "its stock was taken, and no movement says so"},
           "UPDATE stock_reservations SET status = 4 WHERE order_id = %s"),
    Damage("stock", "UPDATE stock_reservations SET status = 2 WHERE order_id = %s",
           {"stock_reservations": "none of its stock was taken, and there are movements",
            "stock_movements": "a movement is of this order, and no reservation took stock for it"},
           "UPDATE stock_reservations SET status = 1 WHERE order_id = %s"),
]
OF_CANCELLED_ORDERS = [
    Damage("stock", "UPDATE stock_movements SET delta = delta + 1 WHERE order_id = %s AND kind = 'released'",
           {"stock_reservations": "what was given back is not what was taken"},
           "UPDATE stock_movements SET delta = delta - 1 WHERE order_id = %s AND kind = 'released'"),
    Damage("stock", "UPDATE stock_reservations SET status = 1 WHERE order_id = %s",
           {"stock_reservations": "its stock is taken, and a movement gives it back"},
           "UPDATE stock_reservations SET status = 3 WHERE order_id = %s"),
]
OF_PRODUCTS = [
    Damage("stock", "UPDATE stock SET quantity = quantity + 5 WHERE product_id = %s",
           {"stock_ledger": "the ledger adds up to 100, on hand are 105"},
           "UPDATE stock SET quantity = quantity - 5 WHERE product_id = %s"),
    # Longer than any first piece, and all of it settled but for its first line.
    Damage("stock", "INSERT INTO stock_movements (id, product_id, delta, kind, happened_at)"
           " SELECT (lpad(to_hex((extract(epoch FROM now() - interval '1 hour') * 1000)::bigint + n), 12, '0') || '7'"
           " || substr(md5(random()::text), 1, 19))::uuid, %s, 1, 'adjusted', now() FROM generate_series(1, 3000) AS n",
           {"stock_ledger": "the ledger adds up to 3100, on hand are 100"},
           "UPDATE stock SET quantity = 3100 WHERE product_id = %s"),
]
OF_STRANGERS = Damage("stock", "INSERT INTO stock (product_id, quantity) VALUES (%s, 9)",
                      {"stock_ledger": "the ledger has nothing of it, on hand are 9"}, "DELETE FROM stock WHERE product_id = %s")


@pytest.fixture
def damaged(orders, stocks):
    """[(damage, its subject)], not done yet."""
    def confirmed():
        order = orders.placed((stocks.create(100), 3))
        orders.wait(order, "Confirmed")
        return order

    def cancelled():
        order = confirmed()
        assert orders.cancel(order).ok
        product, = {line["productId"] for line in orders.order(order)["items"]}
        stocks.wait(product, 100)
        return order
    strangers = [start + new_id()[8:] for start in ("00000000", "ffffffff")]  # before all products, and behind them
    return ([(damage, confirmed()) for damage in OF_ORDERS] + [(damage, cancelled()) for damage in OF_CANCELLED_ORDERS]
            + [(damage, stocks.create(100)) for damage in OF_PRODUCTS] + [(OF_STRANGERS, stranger) for stranger in strangers])


def test_each_damage_is_found_named_and_forgotten_when_it_is_mended(audited, auditors, damaged):
    for damage, subject in damaged:
        audited[damage.service].run(damage.change, subject)
    for damage, subject in damaged:
        for check, fault in damage.found.items():
            audited[damage.service].until_found(check, subject, fault)
    told = [json.loads(line) for process in auditors.values() for line in process.log.splitlines()
            if '"an invariant does not hold"' in line]
    assert len({(line["check"], line["subject"]) for line in told}) == len(told), "a finding is told of once"
    expected = {subject: damage.found for damage, subject in damaged}
    for line in told:
        if line["subject"] in expected:
            assert line["level"] == "error" and expected[line["subject"]].get(line["check"], line["fault"]) == line["fault"]
    for damage, subject in damaged:
        audited[damage.service].run(damage.mend, subject)
    for service in ("order", "stock"):
        audited[service].until_forgotten(*(subject for damage, subject in damaged if damage.service == service))


def test_an_event_without_its_notification_is_found(audited, databases, orders, stocks, notifications):
    """But one that was announced again under an id of its own."""
    notification, order = audited["notification"], orders.placed((stocks.create(5), 1))
    notifications.wait(order, status="Sent")
    (event,), = databases.rows("notification", "SELECT event_id::text FROM notifications WHERE order_id = %s", (order,))
    notification.run("UPDATE notifications SET event_id = gen_random_uuid() WHERE order_id = %s", order)
    notification.until_found("confirmed_events", event, "the event was taken in, and no notification came of it")
    notification.run("INSERT INTO events_apart (event_id) VALUES (%s)", event)
    notification.until_forgotten(event)


def test_a_repeat_under_an_id_of_its_own_has_no_notification_and_is_no_finding(audited, databases, broker, orders, stocks,
                                                                                notifications):
    notification, order, repeat = audited["notification"], orders.placed((stocks.create(5), 1)), new_id()
    notifications.wait(order, status="Sent")
    (event, customer), = databases.rows(
        "notification", "SELECT event_id::text, customer_id::text FROM notifications WHERE order_id = %s", (order,))
    envelope = {"EventId": event, "AnnouncementId": repeat, "EventType": ORDER_CONFIRMED,
                "Data": {"OrderId": order, "CustomerId": customer, "OrderTotal": 1}}
    broker.publish("order.events.topic", ORDER_CONFIRMED, json.dumps(envelope))
    eventually(lambda: databases.value("notification", "SELECT count(*) FROM events_apart WHERE event_id = %s", (repeat,)) == 1,
               "the repeat to be set apart")
    notification.two_laps()
    assert not notification.faults("confirmed_events", repeat)


# --- the chain of the audit log ---------------------------------------------------------------------


@pytest.fixture
def tampered(audited, stocks):
    """Runs statements on the log of the stock service, in place of triggers; puts all back at the end."""
    stock = audited["stock"]
    for _ in range(6):
        stocks.create(1)
    stock.run("CREATE TABLE kept AS TABLE audit_log; CREATE TABLE kept_head AS TABLE audit_head")

    def run(statements):
        stock.run("ALTER TABLE audit_log DISABLE TRIGGER USER;" + statements + ";ALTER TABLE audit_log ENABLE TRIGGER USER")
    yield run
    run("DELETE FROM audit_log; INSERT INTO audit_log TABLE kept; DELETE FROM audit_head; INSERT INTO audit_head TABLE kept_head;"
        "DROP TABLE kept; DROP TABLE kept_head")


def test_what_was_done_to_the_audit_log_is_found(audited, tampered, databases):
    """A row each of the six that were written last, each in a transaction of its own."""
    stock = audited["stock"]
    last = databases.value("stock", "SELECT number FROM audit_head")
    tampered(f"UPDATE audit_log SET subject = 'eve' WHERE number = {last - 4};"
             f"UPDATE audit_log SET why = 'yes' WHERE number = {last - 3};"
             f"DELETE FROM audit_log WHERE number = {last - 1};"
             f"UPDATE audit_log SET link = null WHERE number = {last}")
    stock.until_found("audit_chain", f"row {last - 4}", "not what was written")
    stock.until_found("audit_chain", f"row {last - 3}", f"the address or reason of row {last - 3} is not what was written")
    stock.until_found("audit_chain", "the newest rows", "the end of their transaction is missing")
    tampered(f"UPDATE audit_log SET link = '\\x00' WHERE number = {last}")
    stock.until_found("audit_chain", f"row {last}", f"rows between {last - 2} and {last} are missing")
    stock.until_found("audit_chain", "the newest rows", "the last link is not that of the head")
    tampered(f"DELETE FROM audit_log WHERE number = {last}")
    stock.until_found("audit_chain", "the newest rows", f"the head says {last}, the last row is {last - 2}")
    tampered("DELETE FROM audit_log; INSERT INTO audit_log TABLE kept")
    stock.until_forgotten("the newest rows", *(f"row {last - n}" for n in range(6)))


def test_an_audit_log_that_was_archived_is_whole(audited, tampered, databases):
    stock = audited["stock"]
    tampered("DELETE FROM audit_log WHERE number < (SELECT number FROM audit_head) - 3")
    stock.two_laps()
    assert databases.rows("stock", "SELECT subject, fault FROM auditor_findings WHERE check_name = 'audit_chain'") == []
