"""The http and smtp channels of the notification worker against servers of our own."""

import email.utils
import json
import pathlib
import threading
import time

import pytest

from support.api import new_id
from support.child import instead
from support.events import envelope, publish
from support.fakes import MADE_UP, FakeHttp, FakeSmtp, later
from support.names import ORDER_CANCELLED, ORDER_CONFIRMED
from support.system import free_port
from support.waits import eventually


def confirm(broker):
    order_id, customer = new_id(), new_id()
    event = envelope(ORDER_CONFIRMED, {"OrderId": order_id, "CustomerId": customer, "OrderTotal": 12.5, "Currency": "EUR"})
    publish(broker, event)
    return order_id, f"customer{customer[:8]}@example.com", event["EventId"]


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def test_http_posts_to_subject_and_body(system, broker, notifications):
    with FakeHttp(lambda *_: (200, {})) as server, \
            instead(system, "notification-worker",
                    MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": server.url + "/send"}):
        order_id, address, event_id = confirm(broker)
        method, path, headers, body = server.wait(address)
        assert (method, path) == ("POST", "/send")
        assert lower(headers)["content-type"].startswith("application/json")
        mail = json.loads(body)
        assert set(mail) == {"to", "subject", "body"}
        assert mail["to"] == address
        assert order_id in mail["subject"] + mail["body"]
        assert "12.50 EUR" in mail["body"]
        assert event_id in lower(headers)["idempotency-key"]
        row, = notifications.wait(order_id, status="Sent")
        assert row["attempts"] == 1


def test_libcurl_comes_with_the_first_call(system, broker):
    """What comes with it costs memory, which who calls nobody is spared: decision 94."""
    with FakeHttp(lambda *_: (200, {})) as server, \
            instead(system, "notification-worker",
                    MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": server.url}) as process:
        maps = pathlib.Path(f"/proc/{process.process.pid}/maps")
        assert "libcurl" not in maps.read_text()
        _, address, _ = confirm(broker)
        server.wait(address)
        assert "libcurl" in maps.read_text()


TOTALS = [
    (19.9, "USD", "19.90 USD"), (40, "EUR", "40.00 EUR"), (500, "JPY", "500 JPY"), (0, "USD", "0.00 USD"),
    (12.5, "KWD", "12.500 KWD"), (19.999, "USD", "19.999 USD"), (500.5, "JPY", "500.5 JPY"),
    (40, None, "40.00 USD"),
    (40, "ZZZ", "40 ZZZ"),  # an event in an unknown currency is no reason to lose the mail
]


def test_money_has_the_decimals_of_its_currency(system, broker):
    with FakeHttp(lambda *_: (200, {})) as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": server.url}):
        for total, currency, shown in TOTALS:
            customer = new_id()
            data = {"OrderId": new_id(), "CustomerId": customer, "OrderTotal": total}
            publish(broker, envelope(ORDER_CONFIRMED, data | ({"Currency": currency} if currency else {})))
            *_, body = server.wait(f"customer{customer[:8]}")
            assert f"Total: {shown}\n" in json.loads(body)["body"]


def test_http_tries_again_after_a_fault_with_the_same_key(system, broker, notifications):
    tries = {}

    def respond(method, path, body):
        to = json.loads(body)["to"]
        tries[to] = tries.get(to, 0) + 1
        return (200, {}) if tries[to] > 1 else (500, {"error": "busy"})

    with FakeHttp(respond) as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": server.url}):
        order_id, address, _ = confirm(broker)
        row, = notifications.wait(order_id, status="Sent", timeout=60)
        assert row["attempts"] == 2
        keys = {lower(h)["idempotency-key"] for _, _, h, b in server.requests if address.encode() in b}
        assert len(keys) == 1


@pytest.mark.parametrize("status, asked, seconds", [
    (429, lambda: 7, 7), (503, lambda: email.utils.formatdate(time.time() + 9, usegmt=True), 7.5),
], ids=["429-seconds", "503-date"])
def test_http_waits_as_long_as_it_is_asked_to(system, broker, notifications, status, asked, seconds):
    """Nobody calls meanwhile, for whatever notification; our own delay would end after 5 s at most."""
    calls = []

    def respond(method, path, body):
        calls.append(time.monotonic())
        return later(status, asked()) if len(calls) == 1 else (200, {})

    with FakeHttp(respond) as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": server.url}):
        first, _, _ = confirm(broker)
        eventually(lambda: calls, "the first call")
        second, _, _ = confirm(broker)
        notifications.wait(first, status="Sent", timeout=30)
        row, = notifications.wait(second, status="Sent", timeout=30)
        assert calls[1] - calls[0] >= seconds, calls
        assert row["attempts"] == 1  # what was not tried does not count


def test_a_channel_that_is_down_leaves_the_error_in_the_row_and_the_queue_empty(system, broker, notifications):
    port = free_port()
    with instead(system, "notification-worker",
                 MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": f"http://127.0.0.1:{port}"}):
        order_id, address, _ = confirm(broker)

        def probe():
            rows = notifications.of_order(order_id)
            return rows and rows[0]["attempts"] >= 1 and rows[0].get("error") and rows[0]
        row = eventually(probe, "the first attempt to be recorded")
        assert row["status"] != "Sent"
        assert broker.depth("order.confirmed.queue") == 0
        with FakeHttp(lambda *_: (200, {}), port) as server:
            notifications.wait(order_id, status="Sent", timeout=60)
            server.wait(address)


def test_a_slow_channel_does_not_hold_the_queue(system, broker, notifications):
    release = threading.Event()

    def slow(method, path, body):
        release.wait(20)
        return 200, {}

    with FakeHttp(slow) as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": server.url}):
        try:
            ids = [confirm(broker)[0] for _ in range(20)]
            for order_id in ids:
                notifications.wait(order_id, timeout=10)
            assert broker.depth("order.confirmed.queue") == 0
        finally:
            release.set()
        for order_id in ids:
            notifications.wait(order_id, status="Sent", timeout=60)


def test_smtp_sends_one_mail_with_a_stable_message_id(system, broker, notifications):
    with FakeSmtp() as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "smtp", "SMTP_URL": server.url,
                                                    "EMAIL_FROM": "shop@example.net"}):
        order_id, address, event_id = confirm(broker)
        sender, recipients, mail = server.wait(address)
        assert (sender, recipients) == ("shop@example.net", [address])
        assert event_id in mail["Message-ID"]
        assert address in mail["To"] and "shop@example.net" in mail["From"]
        assert mail["Subject"] and mail["Date"]
        text = mail.get_body(("plain",)).get_content()
        assert order_id in mail["Subject"] + text and "EUR" in text
        row, = notifications.wait(order_id, status="Sent")
        assert row["attempts"] == 1
        assert len(server.to(address)) == 1


def test_smtp_names_the_sender_and_has_a_bare_envelope(system, broker, notifications):
    with FakeSmtp() as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "smtp", "SMTP_URL": server.url,
                                                    "EMAIL_FROM": "Caf\u00e9 M\u00fcller, Berlin <shop@m\u00fcller.example>"}):
        order_id, address, _ = confirm(broker)
        sender, _, mail = server.wait(address)
        assert sender == "shop@xn--mller-kva.example"
        shown, = mail["From"].addresses
        assert (shown.display_name, shown.addr_spec) == ("Caf\u00e9 M\u00fcller, Berlin", "shop@xn--mller-kva.example")
        notifications.wait(order_id, status="Sent")


def test_smtp_carries_any_text(system, broker, notifications):
    """Reasons come from customers: dots, long lines, umlauts, line ends."""
    reason = "D\u00e9j\u00e0 vu \u2014 \u65e5\u672c\r\n.\r\nRCPT TO:<evil@example.com>\r\n" + "x" * 3000
    with FakeSmtp() as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "smtp", "SMTP_URL": server.url}):
        order_id, customer = new_id(), new_id()
        publish(broker, envelope(ORDER_CANCELLED, {"OrderId": order_id, "CustomerId": customer, "Reason": reason}))
        address = f"customer{customer[:8]}@example.com"
        _, recipients, mail = server.wait(address)
        assert recipients == [address]
        text = mail.get_body(("plain",)).get_content()
        assert "D\u00e9j\u00e0 vu \u2014 \u65e5\u672c" in text and "x" * 3000 in text.replace("\n", "")
        assert not server.to("evil@example.com")
        notifications.wait(order_id, status="Sent")


def test_smtp_refusal_for_good_fails_the_row_and_spares_its_neighbours(system, broker, notifications):
    refused = {}
    with FakeSmtp(lambda to: "550 no such user" if to in refused else None) as server, \
            instead(system, "notification-worker", MADE_UP | {"EMAIL_CHANNEL": "smtp", "SMTP_URL": server.url}):
        customer = new_id()
        refused[f"customer{customer[:8]}@example.com"] = True
        bad = new_id()
        publish(broker, envelope(ORDER_CONFIRMED, {"OrderId": bad, "CustomerId": customer, "OrderTotal": 1}))
        order_id, address, _ = confirm(broker)
        server.wait(address)
        notifications.wait(order_id, status="Sent")
        rows = notifications.wait(bad)

        def recorded():
            row = notifications.of_order(bad)[0]
            return row if row.get("error") else None
        row = eventually(recorded, "the refusal in the row")
        assert "550" in row["error"] or "no such user" in row["error"], row
        assert rows[0]["status"] != "Sent"


def test_webhooks_go_to_no_address_of_our_own_network(system, broker, notifications):
    """Unless a setting allows it; a name is no way around that."""
    made = []
    with FakeHttp(lambda *_: (200, {})) as server, instead(system, "notification-worker"):
        for host in ("localhost", "127.0.0.1"):
            body = {"url": f"https://{host}:{server.port}/", "events": ["order.confirmed"]}
            made.append("/api/subscriptions/" + notifications.post("/api/subscriptions", body).json()["id"])
        order_id, _, _ = confirm(broker)
        for path in made:
            def refused():
                row = next((one for one in notifications.all_pages(path + "/deliveries", 100) if one["orderId"] == order_id), {})
                return row if "error" in row else None
            row = eventually(refused, "the webhook to be refused")
            assert row["error"] == "its address is not a public one" and "httpStatus" not in row
            assert notifications.delete(path).status_code == 204
        assert server.requests == []
