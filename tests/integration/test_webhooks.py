"""Webhooks: subscriptions, what their receivers are sent, and what a bad receiver costs."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time

import pytest
from launcher.certificates import Authority

from support import documents
from support.api import UUID, assert_problem, exact, new_id
from support.child import instead
from support.events import envelope, publish
from support.fakes import FakeHttp, later
from support.listeners import tls_context
from support.names import ORDER_CANCELLED, ORDER_CONFIRMED
from support.waits import eventually

PATH = "/api/subscriptions"
BOTH = ["order.confirmed", "order.cancelled"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MOST = 50
MEMBERS = {"id", "url", "events", "isActive", "createdAt", "updatedAt"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.create()
    return made


@pytest.fixture(scope="module")
def context(authority):
    return tls_context(*authority.issue("receiver"))


@pytest.fixture(scope="module")
def worker(system, authority):
    """A worker that may call receivers on this machine, and gives up on them soon."""
    settings = {"WEBHOOK_ADDRESSES": "any", "WEBHOOK_CA_FILE": str(authority.file), "WEBHOOK_DISABLE_AFTER": "2s"}
    with instead(system, "notification-worker", settings) as process:
        yield process


@pytest.fixture(autouse=True)
def no_subscriptions(notifications):
    """None is left to other tests."""
    yield
    for one in notifications.all_pages(PATH, 100):
        notifications.delete(f"{PATH}/{one['id']}")


def subscribe(notifications, url, events=None, **members):
    answer = notifications.post(PATH, {"url": url, "events": events or BOTH, **members})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{PATH}/{answer.json()['id']}"
    return answer.json()


def url_of(server, path="/hook"):
    return f"https://localhost:{server.port}{path}"


def confirm(broker, **members):
    """Confirms an order of nobody's; (order, event)."""
    order_id = new_id()
    event = envelope(ORDER_CONFIRMED, {"OrderId": order_id, "CustomerId": new_id(), "OrderTotal": 39.98, "Currency": "USD"})
    publish(broker, event)
    return order_id, event["EventId"]


def deliveries(notifications, subscription):
    return notifications.all_pages(f"{PATH}/{subscription['id']}/deliveries", 100)


def delivery(notifications, subscription, order_id, done, what, timeout=30):
    """The log's line about the order once it is as @done wants it."""
    def probe():
        return next((one for one in deliveries(notifications, subscription) if one["orderId"] == order_id and done(one)), None)
    return eventually(probe, what, timeout)


def sent(notifications, subscription, order_id):
    return delivery(notifications, subscription, order_id, lambda one: one["status"] == "Sent", "the webhook to be sent")


def failed_once(notifications, subscription, order_id):
    return delivery(notifications, subscription, order_id, lambda one: "error" in one, "the webhook to fail")


def shown(notifications, subscription):
    answer = notifications.get(f"{PATH}/{subscription['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def assert_signed(secret, headers, body):
    given = {name.lower(): value for name, value in headers.items()}
    content = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert given["webhook-signature"] == f"v1,{signature}"
    assert abs(time.time() - int(given["webhook-timestamp"])) < 60


# ---- subscriptions ----

def test_a_secret_is_shown_once(notifications):
    made = subscribe(notifications, "https://shop.example/hook", secret=SECRET)
    assert set(made) == MEMBERS | {"secret"} and made["secret"] == SECRET
    body = {"url": "https://shop.example/other", "events": ["order.cancelled"], "isActive": False}
    changed = notifications.put(f"{PATH}/{made['id']}", body)
    assert changed.status_code == 200 and set(changed.json()) == MEMBERS
    assert shown(notifications, made) == changed.json()
    assert {name: changed.json()[name] for name in body} == body
    listed = notifications.all_pages(PATH, 1)
    assert [one["id"] for one in listed] == [made["id"]] and SECRET not in json.dumps(listed)


def test_a_secret_is_made_where_none_is_given(notifications):
    first, second = (subscribe(notifications, "https://shop.example/hook") for _ in range(2))
    assert first["secret"].startswith("whsec_") and first["secret"] != second["secret"]
    assert len(base64.b64decode(first["secret"].removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize("change, path", [
    ({"url": "http://shop.example/hook"}, "url"), ({"url": "https://user:word@shop.example/"}, "url"), ({"url": None}, "url"),
    ({"url": "https://shop.example/#x"}, "url"), ({"url": "https://" + "a" * 2000}, "url"), ({"events": []}, "events"),
    ({"events": ["order.created"]}, "events[0]"), ({"events": ["order.confirmed"] * 2}, "events[1]"), ({"events": [1]}, "events[0]"),
    ({"secret": "whsec_"}, "secret"), ({"secret": "hunter2"}, "secret"), ({"isActive": "yes"}, "isActive"),
])
def test_what_is_no_subscription_is_400(notifications, change, path):
    body = {"url": "https://shop.example/hook", "events": BOTH, **change}
    assert_problem(notifications.post(PATH, body), 400, path)
    assert_problem(notifications.put(f"{PATH}/{new_id()}", body), 400, path)


def test_what_is_not_there_is_404(notifications):
    body = {"url": "https://shop.example/hook", "events": BOTH}
    made = subscribe(notifications, **body)
    assert notifications.delete(f"{PATH}/{made['id']}").status_code == 204
    for gone in (made["id"], new_id(), "x"):
        for answer in (notifications.get(f"{PATH}/{gone}"), notifications.put(f"{PATH}/{gone}", body),
                       notifications.delete(f"{PATH}/{gone}"), notifications.get(f"{PATH}/{gone}/deliveries")):
            assert_problem(answer, 404)


def test_there_may_be_fifty(notifications):
    made = [subscribe(notifications, "https://shop.example/hook", isActive=False) for _ in range(MOST)]
    body = {"url": "https://shop.example/hook", "events": BOTH}
    assert_problem(notifications.post(PATH, body), 409)
    notifications.delete(f"{PATH}/{made[0]['id']}")
    subscribe(notifications, **body)


# ---- webhooks ----

def test_the_end_of_an_order_is_told_and_signed(worker, broker, notifications, context):
    with FakeHttp(lambda *_: (204, None), context=context) as server:
        subscription = subscribe(notifications, url_of(server, "/hook?of=us"), secret=SECRET)
        order_id, event_id = confirm(broker)
        method, path, headers, body = server.wait(order_id)
        assert (method, path) == ("POST", "/hook?of=us")
        assert documents.webhook_faults("notification", "order.confirmed", headers, body) == []
        assert_signed(SECRET, headers, body)
        assert {name.lower(): value for name, value in headers.items()}["webhook-id"] == event_id
        told = exact(body)["data"]
        assert (told["orderId"], str(told["total"]), told["currency"]) == (order_id, "39.98", "USD")
        row = sent(notifications, subscription, order_id)
        assert (row["id"], row["event"], row["attempts"], row["httpStatus"]) == (event_id, "order.confirmed", 1, 204)
        assert UUID.match(row["id"]) and "error" not in row
        assert server.count(order_id) == 1


def test_only_what_was_subscribed_to_is_told(worker, broker, notifications, context):
    with FakeHttp(lambda *_: (200, {}), context=context) as server:
        subscription = subscribe(notifications, url_of(server), ["order.cancelled"], secret=SECRET)
        idle = subscribe(notifications, url_of(server, "/idle"), isActive=False)
        confirmed, _ = confirm(broker)
        notifications.wait(confirmed)
        cancelled = new_id()
        publish(broker, envelope(ORDER_CANCELLED, {"OrderId": cancelled, "CustomerId": new_id(), "Reason": "sold \"out\""}))
        *_, headers, body = server.wait(cancelled)
        assert documents.webhook_faults("notification", "order.cancelled", headers, body) == []
        assert exact(body)["data"]["reason"] == "sold \"out\""
        sent(notifications, subscription, cancelled)
        assert server.count(confirmed) == 0 and server.count("/idle") == 0
        (only,) = deliveries(notifications, subscription)
        assert only["orderId"] == cancelled
        assert deliveries(notifications, idle) == []
        path, at = f"{PATH}/{subscription['id']}/deliveries", only["createdAt"]
        assert notifications.all_pages(path, 1, sort="oldest", createdAfter=at) == [only]
        assert notifications.all_pages(path, 1, createdBefore=at) == []


def test_an_event_is_told_once_however_often_it_comes(worker, broker, notifications, context):
    with FakeHttp(lambda *_: (200, {}), context=context) as server:
        subscription = subscribe(notifications, url_of(server))
        order_id, event_id = confirm(broker)
        data = {"OrderId": order_id, "CustomerId": new_id(), "OrderTotal": 39.98, "Currency": "USD"}
        publish(broker, envelope(ORDER_CONFIRMED, data, event_id))
        sent(notifications, subscription, order_id)
        last, _ = confirm(broker)
        sent(notifications, subscription, last)
        assert server.count(order_id) == 1


def test_a_failure_is_tried_again_under_the_same_id(worker, broker, notifications, context):
    answers = {}

    def respond(method, path, body):
        order_id = json.loads(body)["data"]["orderId"]
        answers[order_id] = answers.get(order_id, 0) + 1
        return (500, {}) if len(answers) == 1 and answers[order_id] == 1 else (200, {})

    with FakeHttp(respond, context=context) as server:
        subscription = subscribe(notifications, url_of(server))
        order_id, event_id = confirm(broker)
        row = failed_once(notifications, subscription, order_id)
        assert (row["error"], row["httpStatus"], row["attempts"]) == ("status 500", 500, 1)
        failing = shown(notifications, subscription)
        assert failing["lastError"] == "status 500" and failing["failingSince"]
        row = sent(notifications, subscription, order_id)
        assert row["attempts"] == 2 and "error" not in row
        ids = {lower["webhook-id"] for lower in ({n.lower(): v for n, v in h.items()} for _, _, h, _ in server.requests)}
        assert ids == {event_id}
        assert set(shown(notifications, subscription)) == MEMBERS  # it is well again


def test_bad_receivers_delay_nobody_else(worker, broker, notifications, authority, context, tmp_path):
    """One that hangs, redirects, answers without end, has a certificate of a stranger, of another host, or an old one."""
    stranger = Authority(tmp_path / "stranger")
    stranger.create()
    release = threading.Event()

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while not release.is_set():
            handler.wfile.write(b"x" * 65536)

    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", elsewhere)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def hang(*_):
        release.wait(60)
        return 200, {}

    with contextlib.ExitStack() as stack:
        def serve(respond, shown_context=context):
            return stack.enter_context(FakeHttp(respond, context=shown_context))

        stack.callback(release.set)
        good, other = serve(lambda *_: (200, {})), serve(lambda *_: (200, {}))
        elsewhere = url_of(other)
        bad = {
            url_of(serve(hang)): "",
            url_of(serve(lambda *_: (302, redirect))): "status 302",
            url_of(serve(lambda *_: (200, endless))): "longer than",
            url_of(serve(lambda *_: (200, {}), tls_context(*stranger.issue("receiver")))): "certificate",
            url_of(serve(lambda *_: (200, {}), tls_context(*authority.issue("old", expired=True)))): "certificate",
            url_of(serve(lambda *_: (200, {}))).replace("localhost", "127.0.0.1"): "127.0.0.1",
            url_of(serve(lambda *_: (None, None))): "",
        }
        subscriptions = {url: subscribe(notifications, url) for url in bad}
        well = subscribe(notifications, url_of(good))
        first, _ = confirm(broker)
        for url, subscription in subscriptions.items():
            row = failed_once(notifications, subscription, first)
            assert bad[url] in row["error"], (url, row)
            assert row["status"] != "Sent"
        started = time.monotonic()
        later_ones = [confirm(broker)[0] for _ in range(20)]
        for order_id in later_ones:
            good.wait(order_id)
        assert time.monotonic() - started < 4, "the well wait for those that hang"
        for order_id in (first, *later_ones):
            sent(notifications, well, order_id)
            notifications.wait(order_id, status="Sent")
        assert other.requests == []


def test_a_receiver_that_dawdles_delays_nobody_else(worker, broker, notifications, context):
    """One late answer, and from then on it is sent to beside the others, of whom none waits for it."""
    release = threading.Event()
    slow_ones = []

    def dawdle(*_):
        slow_ones.append(None)
        release.wait(0.7 if len(slow_ones) == 1 else 30)
        return 200, {}

    with FakeHttp(dawdle, context=context) as slow, FakeHttp(lambda *_: (200, {}), context=context) as good:
        late, well = subscribe(notifications, url_of(slow)), subscribe(notifications, url_of(good))
        first, _ = confirm(broker)
        sent(notifications, late, first)
        held, _ = confirm(broker)
        slow.wait(held)
        started = time.monotonic()
        others = [confirm(broker)[0] for _ in range(5)]
        for order_id in others:
            good.wait(order_id)
        assert time.monotonic() - started < 4, "the well wait for the one that dawdles"
        release.set()
        for order_id in (held, *others):
            sent(notifications, late, order_id)
            sent(notifications, well, order_id)


def test_a_pause_that_a_receiver_asks_for_is_its_own(worker, broker, notifications, context):
    calls = []

    def respond(*_):
        calls.append(time.monotonic())
        return later(503, 7) if len(calls) == 1 else (200, {})

    with FakeHttp(respond, context=context) as busy, FakeHttp(lambda *_: (200, {}), context=context) as good:
        waiting, well = subscribe(notifications, url_of(busy)), subscribe(notifications, url_of(good))
        order_id, _ = confirm(broker)
        failed_once(notifications, waiting, order_id)
        second, _ = confirm(broker)
        sent(notifications, well, second)
        sent(notifications, waiting, second)
        assert calls[1] - calls[0] >= 6.9


def test_who_fails_for_long_is_disabled_and_can_be_enabled_again(worker, broker, notifications, context):
    status = [500]
    with FakeHttp(lambda *_: (status[0], {}), context=context) as server:
        subscription = subscribe(notifications, url_of(server), secret=SECRET)
        order_id, _ = confirm(broker)
        disabled = eventually(lambda: (one := shown(notifications, subscription))["isActive"] is False and one,
                              "the subscription to be disabled", 30)
        assert disabled["disabledReason"].startswith("every attempt has failed since 20")
        assert disabled["lastError"] == "status 500"
        untold, _ = confirm(broker)
        notifications.wait(untold)
        status[0] = 200
        assert server.count(untold) == 0
        again = notifications.put(f"{PATH}/{subscription['id']}", {"url": subscription["url"], "events": BOTH})
        assert again.status_code == 200 and set(again.json()) == MEMBERS
        sent(notifications, subscription, order_id)  # what waited is sent
        last, _ = confirm(broker)
        *_, headers, body = server.wait(last)
        assert_signed(SECRET, headers, body)  # the secret stayed
        assert server.count(untold) == 0


def test_who_is_gone_is_disabled_at_once(worker, broker, notifications, context):
    with FakeHttp(lambda *_: (410, {}), context=context) as server:
        subscription = subscribe(notifications, url_of(server))
        confirm(broker)
        disabled = eventually(lambda: (one := shown(notifications, subscription))["isActive"] is False and one,
                              "the subscription to be disabled")
        assert "410" in disabled["disabledReason"]
        assert len(server.requests) == 1


def test_what_was_sent_for_a_deleted_subscription_is_forgotten(worker, system, broker, notifications, context):
    with FakeHttp(lambda *_: (200, {}), context=context) as server:
        subscription = subscribe(notifications, url_of(server))
        order_id, _ = confirm(broker)
        sent(notifications, subscription, order_id)
        notifications.delete(f"{PATH}/{subscription['id']}")
        left = ("SELECT (SELECT count(*) FROM webhooks WHERE subscription_id = %(id)s)"
                " + (SELECT count(*) FROM subscriptions WHERE id = %(id)s)")
        eventually(lambda: system.databases.rows("notification", left, {"id": subscription["id"]}) == [(0,)],
                   "its rows to be deleted", 30)
