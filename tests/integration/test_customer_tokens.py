"""The customer service wants a token: got by client credentials, renewed, taken back, and not to be had."""

import base64
import json
import threading
import time
from urllib.parse import parse_qs

import pytest
from launcher.certificates import Authority

from support.child import Child, run_binary
from support.fakes import FakeHttp
from support.listeners import tls_context
from support.waits import SLOWNESS, eventually
from test_customers import confirm, person

CLIENT, SECRET = "notification worker", "correct horse: battery/staple"


class Guarded:
    """A customer service that takes the newest tokens alone, and the endpoint that gives them."""

    def __init__(self, folder):
        authority = Authority(folder)
        authority.create()
        self.ca = str(authority.file)
        self.good, self.seconds = set(), 3600
        self.refusal = None  # what the endpoint answers in place of a token
        self._lock = threading.Lock()
        context = tls_context(*authority.issue("endpoint"))
        self.endpoint = FakeHttp(self._give, context=context)
        self.service = FakeHttp(self._ask)
        self.mail = FakeHttp(lambda method, path, body: (202, None))  # without an address no mail leaves

    def _give(self, method, path, body):
        if self.refusal is not None:
            return self.refusal
        with self._lock:
            token = f"token-{len(self.endpoint.requests)}"
            self.good.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.seconds}

    def _ask(self, method, path, body):
        def answer(handler):
            scheme, _, token = handler.headers.get("Authorization", "").partition(" ")
            known = scheme == "Bearer" and token in self.good
            data = json.dumps(person(path) if known else {"title": "who are you?"}).encode()
            handler.send_response(200 if known else 401)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        return 200, answer

    @property
    def settings(self):
        return {
            "NOTIFICATION_SENDERS": "1", "EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": self.mail.url,
            "CUSTOMER_SERVICE_URL": self.service.url, "CUSTOMER_SERVICE_CA_FILE": self.ca,
            "CUSTOMER_SERVICE_TOKEN_URL": f"https://localhost:{self.endpoint.port}/token",
            "CUSTOMER_SERVICE_CLIENT_ID": CLIENT, "CUSTOMER_SERVICE_CLIENT_SECRET": SECRET,
            "CUSTOMER_SERVICE_SCOPE": "customers:read",
        }  # fmt: skip

    def tokens(self):
        return len(self.endpoint.requests)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    found = Guarded(tmp_path_factory.mktemp("endpoint"))
    with found.endpoint, found.service, found.mail:
        yield found


@pytest.fixture(scope="module")
def worker(system, guarded):
    system.stop("notification-worker")
    child = Child(system, "notification-worker", guarded.settings)
    try:
        yield child.wait_ready()
        assert child.stop() == 0
        assert SECRET not in child.log and "token-" not in child.log
    finally:
        child.discard()
        system.start("notification-worker")


def told(broker, notifications):
    """The row of an order's notification, which its customer's own address has reached."""
    order_id, _ = confirm(broker)
    row, = notifications.wait(order_id, status="Sent")
    assert row["customerSource"] == "service", row
    return row


def waits(broker, notifications):
    """The order of a notification that waits for its customer, and why."""
    order_id, _ = confirm(broker)

    def probe():
        rows = notifications.of_order(order_id)
        return rows and rows[0]["status"] == "Pending" and rows[0].get("error")
    return order_id, eventually(probe, "a notification that waits")


def test_a_token_is_asked_for_once(guarded, worker, broker, notifications):
    for _ in range(3):
        told(broker, notifications)
    assert guarded.tokens() == 1
    method, path, headers, body = guarded.endpoint.requests[0]
    assert (method, path) == ("POST", "/token")
    assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"], "scope": ["customers:read"]}
    kind, _, both = headers["Authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(both).decode() == "notification%20worker:correct%20horse%3A%20battery%2Fstaple"


def test_a_token_that_was_taken_back_is_renewed_once(guarded, worker, broker, notifications):
    before = guarded.tokens()
    guarded.good.clear()
    told(broker, notifications)
    assert guarded.tokens() == before + 1


def test_a_service_that_refuses_every_token_is_away(guarded, worker, broker, notifications):
    before = guarded.tokens()
    guarded.good.clear()
    guarded.refusal = 200, {"access_token": "stale", "token_type": "Bearer", "expires_in": 3600}
    try:
        order_id, why = waits(broker, notifications)
        assert "401" in why and guarded.tokens() > before
    finally:
        guarded.refusal = None
    notifications.wait(order_id, status="Sent", timeout=60)


def test_a_token_is_renewed_before_it_ends(guarded, worker, broker, notifications):
    guarded.good.clear()
    guarded.seconds = 2
    told(broker, notifications)
    before, refused = guarded.tokens(), worker.metrics().value("cartwheel_http_client_calls_total", outcome="refused")
    ends = time.monotonic() + 4
    count = 0
    while time.monotonic() < ends:
        told(broker, notifications)
        count += 1
    assert before < guarded.tokens() <= before + count
    assert worker.metrics().value("cartwheel_http_client_calls_total", outcome="refused") == refused
    guarded.seconds = 3600


@pytest.mark.parametrize("refusal, reason", [
    ((401, {"error": "invalid_client"}), "the token endpoint gives none: status 401"),
    ((200, {"token": "x"}), "its answer holds no token"),
    ((None, None), "the token endpoint gives none"),
], ids=["refused", "garbage", "hangs up"])
def test_an_endpoint_that_gives_none_is_as_a_service_that_is_away(guarded, worker, broker, notifications, refusal, reason):
    guarded.good.clear()
    guarded.refusal = refusal
    try:
        order_id, why = waits(broker, notifications)
        assert "there is no token for the customer service" in why or "401" in why, why
        eventually(lambda: reason in worker.log, "the reason in the log")
        assert "no new access token" in worker.log
    finally:
        guarded.refusal = None
    notifications.wait(order_id, status="Sent", timeout=60 * SLOWNESS)


def test_settings_that_do_not_go_together_end_the_start(system, guarded):
    environment = system.environment("notification-worker") | guarded.settings
    for missing, named in (("CUSTOMER_SERVICE_URL", "CUSTOMER_SERVICE_URL"),
                           ("CUSTOMER_SERVICE_TOKEN_URL", "CUSTOMER_SERVICE_TOKEN_URL"),
                           ("CUSTOMER_SERVICE_CLIENT_ID", "CUSTOMER_SERVICE_CLIENT_ID"),
                           ("CUSTOMER_SERVICE_CLIENT_SECRET", "CUSTOMER_SERVICE_CLIENT_SECRET")):
        done = run_binary(system, "notification-worker", environment={**environment, missing: ""})
        assert done.returncode == 2 and done.stderr.startswith(f"notification-worker: {named}: expected"), done.stderr
    plain = {**environment, "CUSTOMER_SERVICE_TOKEN_URL": "http://localhost:1/token"}
    assert run_binary(system, "notification-worker", environment=plain).returncode == 2
