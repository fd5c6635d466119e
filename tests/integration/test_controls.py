"""Pausing and resuming: obeyed by all copies, over restarts, until its end; what waits is held by nobody and lost by nobody."""

import contextlib
import datetime
import json

import pytest
import requests

from support.api import assert_problem, new_id
from support.child import child
from support.waits import eventually, remains
from test_access import Guarded

CREATED, RELAY = "stock.ordercreated", "order.relay"
ALL = {
    "order": {"order.relay": "relay", "order.stock.completed": "consumer", "order.stock.fail": "consumer", "order.digests": "consumer"},
    "stock": {"stock.relay": "relay", CREATED: "consumer", "stock.ordercancelled": "consumer"},
    "notification": {"notification.relay": "relay", "order.confirmed.queue": "consumer", "order.cancelled.queue": "consumer",
                     "email": "sender", "sms": "sender", "webhooks": "sender"},
}
PENDING = "SELECT count(*) FROM outbox WHERE message_type = 'OrderCreatedEvent'"


class Desk:
    """An operator who pauses."""

    def __init__(self, guarded):
        self.subject = new_id()
        self._guarded = guarded
        self._token = guarded.issuer.token(self.subject, ["operator"])

    def call(self, service, method, path="", **options):
        return self._guarded.call(f"{service}-api", method, "/api/controls" + path, self._token, **options)

    def act(self, service, name, act, **options):
        answer = self.call(service, "POST", f"/{name}/{act}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def listed(self, service):
        answer = self.call(service, "GET")
        assert answer.status_code == 200, answer.text
        return {item["name"]: item for item in answer.json()["items"]}

    @contextlib.contextmanager
    def paused(self, service, name, **body):
        """Resumed at the end, whatever happens."""
        control = self.act(service, name, "pause", json={"why": "a test", **body})
        try:
            yield control
        finally:
            self.act(service, name, "resume")


@pytest.fixture(scope="module")
def desk(apis):
    return Desk(Guarded(apis))


def obeys(system, process, *names):
    """Whether what @process tells operators is that these are paused, and that it is ready."""
    answer = requests.get(system.admin(process) + "/health/ready", timeout=10)
    assert answer.status_code == 200, answer.text
    return sorted(answer.json().get("paused", [])) == sorted(names)


def in_seconds(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat()


def test_each_service_lists_what_may_be_paused(desk):
    for service, controls in ALL.items():
        listed = desk.listed(service)
        assert list(listed) == sorted(listed)
        assert {name: item["kind"] for name, item in listed.items()} == controls
        assert {item["state"] for item in listed.values()} == {"running"}


def test_a_paused_consumer_holds_nothing_in_any_copy_and_after_a_restart(system, desk, broker, orders, stocks):
    product = stocks.create(5)
    with child(system, "stock-worker") as other:
        other.wait_ready()
        eventually(lambda: broker.consumers(CREATED) == 2, "both copies to consume")
        with desk.paused("stock", CREATED) as control:
            assert (control["state"], control["by"], control["why"]) == ("paused", desk.subject, "a test")
            eventually(lambda: broker.consumers(CREATED) == 0, "both copies to obey")
            waiting = [orders.placed((product, 1)) for _ in range(3)]
            eventually(lambda: broker.depth(CREATED) == 3, "the messages to wait where they are")
            assert other.get("/health/ready").json()["paused"] == [CREATED] and obeys(system, "stock-worker", CREATED)
            assert other.metrics().value("cartwheel_control_paused_seconds", control=CREATED) > 0
            with child(system, "stock-worker") as third:  # as after a restart
                third.wait_ready()
                eventually(lambda: third.get("/health/ready").json().get("paused") == [CREATED], "the new copy to know")
                remains(lambda: broker.consumers(CREATED) == 0, "the pause")
            assert orders.order(waiting[0])["status"] == "Created"
            assert broker.consumers("stock.ordercancelled") == 2  # nothing else is paused
        for order in waiting:
            orders.wait(order, "Confirmed")
        assert other.metrics().value("cartwheel_control_paused_seconds", control=CREATED) == 0
    assert stocks.quantity(product) == 2


def test_a_paused_relay_ends_by_itself(system, desk, databases, orders, stocks):
    product = stocks.create(5)
    with desk.paused("order", RELAY, until=in_seconds(600)):
        eventually(lambda: obeys(system, "order-worker", RELAY), "the relay to stand still")
        order = orders.placed((product, 1))
        remains(lambda: databases.value("order", PENDING) == 1, "the event in the outbox", 0.5)
        shorter = desk.act("order", RELAY, "pause", json={"why": "a test", "until": in_seconds(1)})
        assert shorter["pausedAt"] < shorter["until"]
        orders.wait(order, "Confirmed")
        assert desk.listed("order")[RELAY] == {"name": RELAY, "kind": "relay", "state": "running"}
    eventually(lambda: obeys(system, "order-worker"), "nothing to be paused")


def test_a_paused_channel_gives_its_notifications_back(system, desk, databases, orders, stocks):
    product = stocks.create(5)
    note = "SELECT status, attempts, error FROM notifications WHERE order_id = %s"
    with desk.paused("notification", "email"), desk.paused("notification", "webhooks"):
        eventually(lambda: obeys(system, "notification-worker", "email", "webhooks"), "the senders to obey")
        order = orders.placed((product, 1))
        eventually(lambda: databases.rows("notification", note, (order,)) == [(1, 0, "an operator has paused this channel")],
                   "the notification to be put back without an attempt")
    eventually(lambda: databases.rows("notification", note, (order,))[0][:2] == (3, 1), "it to be sent at the first attempt")


def test_it_is_safe_to_repeat_and_recorded(desk, databases):
    known = databases.value("stock", "SELECT coalesce(max(number), 0) FROM audit_log")
    with desk.paused("stock", "stock.ordercancelled") as first:
        second = desk.act("stock", "stock.ordercancelled", "pause", json={"why": "longer", "until": in_seconds(60)})
        assert second["pausedAt"] == first["pausedAt"] and second["why"] == "longer"
        desk.act("stock", "stock.ordercancelled", "resume", headers={"X-Reason": "all is well"})
    rows = databases.rows("stock", "SELECT subject, action, object, before->>'state', after->>'state', why FROM audit_log"
                                   " WHERE number > %s ORDER BY number", (known,))
    assert rows == [(desk.subject, "pauseControl", "control", "running", "paused", "a test"),
                    (desk.subject, "pauseControl", "control", "paused", "paused", "longer"),
                    (desk.subject, "resumeControl", "control", "paused", "running", "all is well")]


@pytest.mark.parametrize("body, status, name", [({}, 400, "why"), ({"why": ""}, 400, "why"),
                                                ({"why": "x", "until": "2026-01-01T00:00:00Z"}, 400, "until"),
                                                ({"why": "x", "until": "soon"}, 400, "until")])
def test_what_cannot_be_is_refused(desk, body, status, name):
    assert_problem(desk.call("stock", "POST", f"/{CREATED}/pause", json=body), status, name)


def test_what_is_not_there_is_404(desk):
    assert_problem(desk.call("stock", "POST", "/no.such.queue/pause", json={"why": "x"}), 404)
    assert_problem(desk.call("stock", "POST", "/order.relay/resume"), 404)  # another service's


def test_the_command_pauses_lists_and_resumes(system, desk):
    said = json.loads(system.launcher("pause", "sms", "--why", "a test", "--until", "30m", "--json"))
    try:
        assert (said["service"], said["state"], said["why"]) == ("notification", "paused", "a test")
        listed = system.launcher("controls", "--paused")
        assert "sms" in listed and "1 paused" in listed and CREATED not in listed
        eventually(lambda: "ready, paused: sms" in system.launcher("status"), "status to show it")
    finally:
        assert "runs" in system.launcher("resume", "sms")
    assert system.launcher("controls", "--service", "notification", "--paused", "--json") == ""
