"""The customer service behind the notification worker: used, incomplete, slow, down."""

import json
import threading
import time

import pytest

from support.api import new_id
from support.child import instead
from support.events import envelope, publish
from support.fakes import MADE_UP, FakeHttp, later
from support.names import ORDER_CONFIRMED
from support.system import free_port
from support.waits import eventually


def confirm(broker, customer=None):
    """An order confirmed for @customer, by its event alone; returns (order id, customer id)."""
    order_id, customer = new_id(), customer or new_id()
    publish(broker, envelope(ORDER_CONFIRMED, {"OrderId": order_id, "CustomerId": customer,
                                               "OrderTotal": 12.5, "Currency": "USD"}))
    return order_id, customer


def assert_fallback(row, customer):
    assert row["destination"] == f"customer{customer[:8]}@example.com"
    assert row["customerSource"] == "fallback", row


def person(path):
    customer = path.rsplit("/", 1)[1]
    return {"customerId": customer, "fullName": "Ada Lovelace", "email": f"ada+{customer[:8]}@example.org",
            "phone": "+491701234567", "language": "en"}


def worker_with(system, url):
    return instead(system, "notification-worker", {"CUSTOMER_SERVICE_URL": url})


def mailing_worker(system, url, mail, changes=None):
    """A worker whose mail leaves the building, to the HTTP channel @mail."""
    return instead(system, "notification-worker",
                   {"CUSTOMER_SERVICE_URL": url, "EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": mail.url} | (changes or {}))


def posted(channel):
    return [json.loads(body) for _, _, _, body in channel.requests]


def waiting(notifications, order_id):
    """The row of an order whose notification was looked at, and waits."""
    def probe():
        rows = notifications.of_order(order_id)
        return rows and rows[0]["status"] == "Pending" and rows[0].get("error") and rows[0]
    return eventually(probe, "a notification that waits", 30)


def all_rows(notifications, orders):
    return [row for order_id, _ in orders for row in notifications.of_order(order_id)]


def fallbacks(worker):
    return sum(value for name, _, value in worker.metrics().samples if name == "cartwheel_notification_fallback_total")


def test_the_customers_own_address_is_used(system, broker, notifications):
    with FakeHttp(lambda method, path, body: (200, person(path))) as service, \
            worker_with(system, service.url):
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        method, path, _, _ = service.wait(customer)
        assert (method, path) == ("GET", f"/api/customers/{customer}")
        assert row["destination"] == f"ada+{customer[:8]}@example.org"
        assert row["customerSource"] == "service"


ADDRESS = "ada@example.org"


@pytest.mark.parametrize("answer", [
    (404, None), (200, {}), (200, {"fullName": "Ada"}), (200, [1, 2]), (200, "text"),
    (200, {"customerId": "x", "fullName": 7, "email": None}),
    (200, {"customerId": "x", "fullName": "Eve", "email": "a@b.c\r\nBcc: all@example.com"}),
], ids=["404", "empty", "no-email", "array", "string", "wrong-types", "header-injection"])
def test_in_the_log_an_address_is_made_up(system, broker, notifications, answer):
    with FakeHttp(lambda method, path, body: answer) as service, worker_with(system, service.url):
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        assert_fallback(row, customer)


@pytest.mark.parametrize("odd, to, name", [
    ({"fullName": "Anna\tMaier"}, ADDRESS, "Anna Maier"),
    ({"fullName": "x" * 201}, ADDRESS, "x" * 200),
    ({"fullName": None}, ADDRESS, None), ({"fullName": ""}, ADDRESS, None), ({"fullName": [7]}, ADDRESS, None),
    ({"email": " ada@example.org "}, ADDRESS, "Ada"),
    ({"email": "ada@m\u00fcller.example"}, "ada@xn--mller-kva.example", "Ada"),
    ({"email": "ada..l.@docomo.ne.jp"}, "ada..l.@docomo.ne.jp", "Ada"),
    ({"phone": 7, "language": {}}, ADDRESS, "Ada"),
], ids=["tab", "long", "null", "empty", "array", "spaces", "umlauts", "points", "other-fields"])
def test_one_odd_field_costs_nobody_their_mail(system, broker, notifications, odd, to, name):
    person = {"fullName": "Ada", "email": ADDRESS} | odd
    with FakeHttp(lambda *_: (200, person)) as service, FakeHttp(lambda *_: (200, {})) as mail, \
            mailing_worker(system, service.url, mail):
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        sent, = posted(mail)
        assert sent["to"] == row["destination"] == to
        assert (name or f"Customer {customer[:8]}") in sent["body"]
        assert row["customerSource"] == ("service" if name else "fallback")


@pytest.fixture
def german_sms(notifications):
    """A template for SMS in German, for as long as the test runs."""
    answer = notifications.post("/api/notificationtemplates", {
        "templateCode": "ORDER_CONFIRMED", "channel": 2, "language": "de", "subject": "",
        "body": "Danke, {CustomerName}", "isActive": True})
    assert answer.status_code == 201, answer.text
    yield
    assert notifications.delete(f"/api/notificationtemplates/{answer.json()['id']}").status_code == 204


def test_a_customer_without_an_address_gets_an_sms_in_their_language(system, broker, notifications, german_sms):
    person = {"fullName": "Ada", "phone": "+49 170 1234567", "language": "de"}
    with FakeHttp(lambda *_: (200, person)) as service, FakeHttp(lambda *_: (200, {})) as mail, \
            FakeHttp(lambda *_: (200, {})) as sms, \
            mailing_worker(system, service.url, mail, {"SMS_CHANNEL": "http", "SMS_HTTP_URL": sms.url}):
        order_id, _ = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        assert row["channel"] in (2, "Sms") and row["customerSource"] == "service", row
        sent, = posted(sms)
        assert (sent["to"], sent["body"]) == ("+491701234567", "Danke, Ada")
        assert not mail.requests


# --- invented addresses never leave the building ----------------------------------------------------


@pytest.mark.parametrize("answer, why", [
    ((404, None), "does not know the customer"), ((200, {}), "knows no e-mail address"),
    ((200, {"fullName": "Ada", "phone": "+491701234567"}), "knows no e-mail address"),
    ((200, {"fullName": "Ada", "email": "nonsense"}), "cannot be used"),
], ids=["404", "empty", "phone", "nonsense"])
def test_without_an_address_it_fails_with_the_reason(system, broker, notifications, answer, why):
    with FakeHttp(lambda *_: answer) as service, FakeHttp(lambda *_: (200, {})) as mail, \
            mailing_worker(system, service.url, mail):
        order_id, _ = confirm(broker)
        row, = notifications.wait(order_id, status="Failed")
        assert why in row["error"] and row.get("destination") is None, row
        assert not mail.requests


def test_while_the_service_is_away_mail_waits_and_then_goes_to_the_right_address(system, broker, notifications):
    port = free_port()
    with FakeHttp(lambda *_: (200, {})) as mail, \
            mailing_worker(system, f"http://127.0.0.1:{port}", mail) as worker:
        orders = [confirm(broker) for _ in range(3)]
        for order_id, _ in orders:
            row = waiting(notifications, order_id)
            assert "customer service is unavailable" in row["error"] and row.get("destination") is None, row
        assert not mail.requests
        with FakeHttp(lambda method, path, body: (200, person(path)), port):
            for order_id, customer in orders:
                row, = notifications.wait(order_id, status="Sent", timeout=90)
                assert row["destination"] == f"ada+{customer[:8]}@example.org"
                assert row["attempts"] == 1  # waiting is no attempt
        assert len(mail.requests) == 3
        assert worker.log.count("no customer data") == 1, "one line for the outage"
        assert worker.log.count("customer data are available again") == 1


def test_it_waits_within_a_bound(system, broker, notifications):
    with FakeHttp(lambda *_: (200, {})) as mail, \
            mailing_worker(system, f"http://127.0.0.1:{free_port()}", mail, {"CUSTOMER_WAIT": "1s"}):
        order_id, _ = confirm(broker)
        row, = notifications.wait(order_id, status="Failed", timeout=30)
        assert "customer service is unavailable" in row["error"], row
        assert not mail.requests


def test_a_404_for_everybody_is_a_wrong_url(system, broker, notifications):
    """Else a misspelt CUSTOMER_SERVICE_URL would fail every notification for good."""
    right = threading.Event()
    with FakeHttp(lambda method, path, body: (200, person(path)) if right.is_set() else (404, None)) as service, \
            FakeHttp(lambda *_: (200, {})) as mail, mailing_worker(system, service.url, mail) as worker:
        orders = [confirm(broker) for _ in range(12)]

        def waits():
            return sum("knows nobody" in (row.get("error") or "") for row in all_rows(notifications, orders)) >= 8
        eventually(waits, "the notifications to wait", 30)
        assert worker.log.count("is CUSTOMER_SERVICE_URL right?") == 1
        right.set()
        eventually(lambda: {row["status"] for row in all_rows(notifications, orders)} <= {"Sent", "Failed"},
                   "the end of all notifications", 90)
        failed = [row for row in all_rows(notifications, orders) if row["status"] == "Failed"]
        assert len(failed) < 5, "only those that came before it was seen"


def test_by_a_setting_made_up_addresses_get_mail_and_are_counted(system, broker, notifications):
    with FakeHttp(lambda *_: (404, None)) as service, FakeHttp(lambda *_: (200, {})) as mail, \
            mailing_worker(system, service.url, mail, MADE_UP) as worker:
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        assert_fallback(row, customer)
        assert posted(mail)[0]["to"] == row["destination"]
        eventually(lambda: fallbacks(worker) == 1, "the count, which follows the commit")


def test_the_service_is_called_again_when_it_asked_to_be(system, broker, notifications):
    calls = []

    def respond(method, path, body):
        calls.append(time.monotonic())
        return later(503, 7) if len(calls) == 1 else (200, person(path))

    with FakeHttp(respond) as service, FakeHttp(lambda *_: (200, {})) as mail, \
            mailing_worker(system, service.url, mail):
        first, _ = confirm(broker)
        eventually(lambda: calls, "the first call")
        second, _ = confirm(broker)
        for order_id in (first, second):
            notifications.wait(order_id, status="Sent", timeout=30)
        assert calls[1] - calls[0] >= 7, calls


# --- the service in trouble -------------------------------------------------------------------------


def test_a_passing_fault_is_retried(system, broker, notifications):
    tries = {}

    def respond(method, path, body):
        tries[path] = tries.get(path, 0) + 1
        return (200, person(path)) if tries[path] > 2 else (503, None)

    with FakeHttp(respond) as service, worker_with(system, service.url):
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        assert row["destination"] == f"ada+{customer[:8]}@example.org"
        assert service.count(customer) == 3


def breaker_values(worker):
    metrics = worker.metrics()
    families = metrics.families("breaker")
    assert families, sorted(metrics.types)
    return {(n, tuple(sorted(l.items()))): v for n, l, v in metrics.samples if n in families}


def test_with_the_service_down_the_fallback_goes_out_within_5_s_and_the_breaker_opens(system, broker, notifications):
    url = f"http://127.0.0.1:{free_port()}"
    with worker_with(system, url) as worker:
        closed = breaker_values(worker)
        started = time.monotonic()
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent", timeout=5)
        assert time.monotonic() - started < 5
        assert_fallback(row, customer)
        for _ in range(5):
            order_id, customer = confirm(broker)
            assert_fallback(notifications.wait(order_id, status="Sent", timeout=5)[0], customer)
        eventually(lambda: breaker_values(worker) != closed, "the breaker's metric to change")
        # open: no attempt is made any more, the fallback comes at once
        started = time.monotonic()
        order_id, customer = confirm(broker)
        assert_fallback(notifications.wait(order_id, status="Sent")[0], customer)
        assert time.monotonic() - started < 1.5


def test_a_service_that_hangs_holds_up_neither_the_queue_nor_the_mail_for_long(system, broker, notifications):
    release = threading.Event()

    def hang(method, path, body):
        release.wait(60)
        return 503, None

    with FakeHttp(hang) as service:
        try:
            with worker_with(system, service.url):
                pairs = [confirm(broker) for _ in range(3)]
                eventually(lambda: broker.depth("order.confirmed.queue") == 0, "the queue to be empty", 5)
                for order_id, customer in pairs:
                    assert_fallback(notifications.wait(order_id, status="Sent", timeout=30)[0], customer)
        finally:
            release.set()
