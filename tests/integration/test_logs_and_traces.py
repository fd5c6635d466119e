"""JSON log lines, and one trace followed through all of them."""

import json

import pytest

from support.api import TIME, items_of, new_id
from support.names import PROCESSES
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
