"""Headers that hold tables, as federation and shovels write them, cost no connection."""

import json
import os

import pika

from support import events
from support.api import new_id
from support.broker import publish_all
from support.names import ORDER_CANCELLED
from support.waits import eventually

COUNT = 300
FEDERATED = {"x-received-from": [{"uri": "amqp://elsewhere", "exchange": "order.events.topic", "redelivered": False}],
             "CC": ["a", "b"]}


def sockets(pid):
    links = (os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return {link for link in links if link.startswith("socket:")}


def test_300_messages_come_over_one_connection(system, broker, databases):
    cancelled = [events.envelope(ORDER_CANCELLED, {"OrderId": new_id(), "CustomerId": new_id(), "Reason": "none"})
                 for _ in range(COUNT)]
    broker.wait_empty()
    pid = system.pid("stock-worker")
    before = sockets(pid)
    publish_all(system.amqp_url, [("", "stock.ordercancelled", json.dumps(event), pika.BasicProperties(
        message_id=event["EventId"], headers=FEDERATED, delivery_mode=2)) for event in cancelled])
    eventually(lambda: databases.value("stock", "SELECT count(*) FROM inbox WHERE event_id = ANY(%s::uuid[])", (
        [event["EventId"] for event in cancelled],)) == COUNT, "all of them to take effect", 30)
    assert before <= sockets(pid)
