"""Waiting until nothing is under way any more."""

from support.broker import Broker
from support.names import APP_ID_OF_EXCHANGE, STATUS_NUMBER
from support.waits import eventually


def wait_final(databases, ids, timeout):
    """Until no order of @ids is Created any more."""
    eventually(lambda: not databases.value(
        "order", "SELECT count(*) FROM orders WHERE id = ANY(%s::uuid[]) AND status = %s",
        (ids, STATUS_NUMBER["Created"])), f"{len(ids)} orders to be final", timeout)


def wait_drained(system, timeout=60):
    """I7, first half: the publishers' outboxes, queues and retry queues are empty."""
    databases = system.databases
    for service in APP_ID_OF_EXCHANGE.values():
        eventually(lambda s=service: databases.outbox_pending(s) == 0, f"the {service} outbox to drain", timeout)
    with Broker(system.amqp_url) as broker:
        broker.wait_empty(timeout)


def wait_sent(databases, timeout):
    """Until no notification waits to be sent."""
    eventually(lambda: not databases.value(
        "notification", "SELECT count(*) FROM notifications WHERE status IN (1, 2)"),
        "the notifications to be sent", timeout)
