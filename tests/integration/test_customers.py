"""The customer service behind the notification worker: used, incomplete, slow, down."""

import threading
import time

import pytest

from support.api import new_id
from support.child import instead
from support.events import envelope, publish
from support.fakes import FakeHttp
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


def test_the_customers_own_address_is_used(system, broker, notifications):
    with FakeHttp(lambda method, path, body: (200, person(path))) as service, \
            worker_with(system, service.url):
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        method, path, _, _ = service.wait(customer)
        assert (method, path) == ("GET", f"/api/customers/{customer}")
        assert row["destination"] == f"ada+{customer[:8]}@example.org"
        assert row["customerSource"] == "service"


@pytest.mark.parametrize("answer", [
    (404, None), (200, {}), (200, {"fullName": "Ada"}), (200, {"email": "a@b.c"}), (200, [1, 2]), (200, "text"),
    (200, {"customerId": "x", "fullName": 7, "email": None}),
    (200, {"customerId": "x", "fullName": "Eve", "email": "a@b.c\r\nBcc: all@example.com"}),
], ids=["404", "empty", "no-email", "no-name", "array", "string", "wrong-types", "header-injection"])
def test_incomplete_data_fall_back(system, broker, notifications, answer):
    with FakeHttp(lambda method, path, body: answer) as service, worker_with(system, service.url):
        order_id, customer = confirm(broker)
        row, = notifications.wait(order_id, status="Sent")
        assert_fallback(row, customer)


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
