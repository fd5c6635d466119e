"""Header tables of any shape around an event that is fine: it takes effect, or its message is kept where it can be read."""

import json
import random

import pika
import pika.exceptions
import pytest

from support import events
from support.api import new_id
from support.broker import Broker
from support.names import ORDER_CANCELLED, dead_letter_queue, unread_queue
from support.poison import RawHeaders
from support.tables import SHAPES, tables
from support.waits import eventually

QUEUE = "stock.ordercancelled"
COUNT = 8 * len(SHAPES)
RECORDED = "SELECT count(*) FROM dead_letters WHERE queue = %s AND died_at >= %s AND reason LIKE '%%cannot read%%'"


def publish(url, headers):
    """The ids of the events that the broker took, of one with each of @headers. It closes the connection of a publisher
    whose table it cannot read."""
    taken, broker = set(), Broker(url)
    try:
        for table in headers:
            event = events.envelope(ORDER_CANCELLED, {"OrderId": new_id(), "CustomerId": new_id(), "Reason": "none"})
            try:
                broker.to_queue(QUEUE, json.dumps(event), RawHeaders(table, event["EventId"]))
                taken.add(event["EventId"])
            except pika.exceptions.AMQPError:
                broker.close()
                broker = Broker(url)
    finally:
        broker.close()
    return taken


@pytest.fixture
def unread(broker):
    """The queue that keeps them; empty before and after."""
    broker.purge(unread_queue(QUEUE))
    yield unread_queue(QUEUE)
    broker.purge(unread_queue(QUEUE))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_event_takes_effect_or_is_kept_and_the_next_one_comes(system, broker, databases, unread, same_processes, seed):
    since = databases.now("stock")
    taken = publish(system.amqp_url, [*tables(random.Random(seed), COUNT), b""])
    assert len(taken) > COUNT / 2, "the broker refused most of them"

    def handled():
        return {event for event, in databases.rows(
            "stock", "SELECT event_id::text FROM inbox WHERE event_id = ANY(%s::uuid[])", (list(taken),))}

    def accounted_for():
        depths = broker.depths([QUEUE, dead_letter_queue(QUEUE), unread])
        assert len(handled()) + depths[unread] == len(taken), f"{len(handled())} of {len(taken)} took effect; {depths}"
        return True

    eventually(accounted_for, "all of them to take effect or to be kept", 60)
    kept = [message.properties.message_id for message in broker.take_unread(unread)]
    assert sorted([*handled(), *kept]) == sorted(taken)
    assert databases.value("stock", RECORDED, (QUEUE, since)) == len(kept)
    print(f"{len(taken)} taken by the broker, {len(kept)} kept unread")
