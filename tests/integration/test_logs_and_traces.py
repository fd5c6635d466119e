"""JSON log lines, and one trace followed through all of them."""

import json
import re

import pytest

from support import events
from support.api import TIME, items_of, new_id
from support.names import PROCESSES, STOCK_COMPLETED
from support.waits import eventually

LEVELS = {"error", "warning", "info", "debug"}


def lines_of(system, name):
    """The complete log lines of a process, parsed; what a sanitizer or the launcher adds is no JSON object."""
    text = system.log(name)
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines() if line.startswith("{")]


@pytest.mark.parametrize("name", PROCESSES)
def test_every_line_is_a_json_object_with_time_level_process_and_message(system, name):
    lines = lines_of(system, name)
    assert lines
    for line in lines:
        assert TIME.match(line["time"]) and line["level"] in LEVELS, line
        assert line["process"] == name
        assert isinstance(line["message"], str) and line["message"]


def test_a_trace_leads_from_the_request_to_the_notification(system, orders, stocks, notifications, databases):
    trace = new_id().replace("-", "")
    order_id = orders.place(items_of((stocks.create(1), 1)),
                            headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}).json()["id"]
    notifications.wait(order_id, status="Sent")

    def missing():
        return [name for name in ("order-api", "stock-worker", "order-worker", "notification-worker")
                if trace not in system.log(name)]

    eventually(lambda: not missing(), f"trace {trace} in every log")
    for name in ("order-api", "stock-worker", "order-worker", "notification-worker"):
        traced = [line for line in lines_of(system, name) if line.get("trace_id") == trace]
        assert traced, f"{name} has the trace, but not as trace_id"
        assert any(order_id in json.dumps(line) for line in traced), f"{name}: no traced line names the order"
        assert all(re.fullmatch("[0-9a-f]{16}", line["span_id"]) for line in traced), f"{name}: a line has no span_id"
    # and the row itself tells its trace
    row = notifications.of_order(order_id)[0]
    stored = databases.rows("notification", "SELECT to_jsonb(n)::text FROM notifications n WHERE order_id = %s", (order_id,))
    assert trace in str(row) + str(stored)


def test_a_request_without_a_trace_gets_one(system, orders, stocks, notifications):
    order_id = orders.placed((stocks.create(1), 1))
    notifications.wait(order_id, status="Sent")

    def trace_in(name):
        return {line.get("trace_id") for line in lines_of(system, name) if order_id in json.dumps(line)} - {None}

    names = ("order-api", "stock-worker", "order-worker", "notification-worker")
    eventually(lambda: all(trace_in(n) for n in names), "the order in every log")
    assert len(set.union(*(trace_in(n) for n in names))) == 1


STORY = ["order accepted", "stock taken", "order confirmed", "notification queued", "notification sent", "order cancelled",
         "notification queued", "notification sent", "stock given back"]


def messages_of(system, *arguments):
    return [json.loads(line)["message"] for line in system.launcher("logs", *arguments, "--raw").splitlines()]


def test_one_order_s_story_is_complete(system, orders, stocks, notifications):
    """Confirmed, then cancelled under a trace of its own; by one command, in the order of its times."""
    product = stocks.create(2)
    order_id = orders.placed((product, 2))
    orders.wait(order_id, "Confirmed")
    notifications.wait(order_id, status="Sent")
    assert orders.cancel(order_id).status_code == 202
    stocks.wait(product, 2)
    notifications.wait(order_id, 2, "Sent")
    told = eventually(lambda: len(found := messages_of(system, "--order", order_id)) == len(STORY) and found,
                      "the whole story to be in the logs")
    assert sorted(told) == sorted(STORY) and told[:5] == STORY[:5]
    assert messages_of(system, "stock-worker", "--order", order_id.upper()) == ["stock taken", "stock given back"]
    assert messages_of(system, "--order", order_id, "-n", "2") == told[-2:]
    assert "no line of these logs" in system.launcher("logs", "--order", new_id(), check=False)


def test_what_became_of_a_message_that_failed_is_found_by_its_trace(system, broker, dead_letters):
    trace = new_id().replace("-", "")
    event = events.envelope(STOCK_COMPLETED, {"OrderId": new_id(), "EventId": new_id(), "Items": []})
    broker.to_queue("order.stock.completed", json.dumps(event),
                    events.properties(event, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}))
    eventually(lambda: dead_letters.of(event["EventId"]), "the message to be given up", 60)
    retry = "message failed and will be retried"
    assert messages_of(system, "--trace", trace) == [retry, retry, "message given up as a dead letter"]
    assert messages_of(system, "--trace", trace, "--level", "error") == ["message given up as a dead letter"]


def test_addresses_and_states_for_scripts(system):
    for name, member in (("order-api", "order_api"), ("stock-worker-admin", "stock_worker_admin"), ("amqp", "amqp_url"),
                         ("notification-database", "notification_database_url")):
        assert system.launcher("url", name) == system.endpoints[member] + "\n"
    told = {one["process"]: one for one in json.loads(system.launcher("status", "--json"))}
    assert {name: told[name]["pid"] for name in PROCESSES} == system.pids()
    assert all(one["ready"] and one["resident_kib"] > 0 for one in told.values())
    assert set(told) == {*PROCESSES, "postgres", "rabbitmq"}
