"""Messages that the AMQP library itself cannot read: out of the way within seconds, kept, and recorded."""

import contextlib

import pytest

from support import events, poison
from support.api import new_id
from support.names import dead_letter_queue, unread_queue
from support.waits import eventually

QUEUE = "stock.ordercreated"
PATIENCE_S = 30


def send(broker, count):
    """{message id} of that many, which come to the queue over its first retry queue."""
    ids = {new_id() for _ in range(count)}
    for message_id in ids:
        broker.to_queue(QUEUE + ".retry.1", b"unreadable " + message_id.encode(), poison.swelling(message_id))
    return ids


def bodies(messages):
    return {message.body for message in messages}


def expected(ids):
    return {b"unreadable " + message_id.encode() for message_id in ids}


def recorded(databases, since):
    return databases.rows("stock", "SELECT queue, reason, octet_length(body) FROM dead_letters"
                          " WHERE died_at >= %s AND reason LIKE '%%cannot read%%'", (since,))


def assert_kept(system, broker, since, ids, meanwhile=lambda: None):
    """All of them come to be kept and recorded within the time that they have, once each."""
    def kept():
        meanwhile()
        return broker.depth(unread_queue(QUEUE)) == len(ids) and len(recorded(system.databases, since)) == len(ids)
    eventually(kept, "all of them to be kept and recorded", PATIENCE_S)
    assert set(recorded(system.databases, since)) == {
        (QUEUE, "the AMQP library cannot read its properties, so it has no body here: it lies in queue "
         + unread_queue(QUEUE), 0)}
    assert bodies(broker.take_unread(unread_queue(QUEUE))) == expected(ids)


@pytest.fixture
def unread(broker):
    """The queue that keeps them; empty before and after."""
    broker.purge(unread_queue(QUEUE))
    yield unread_queue(QUEUE)
    broker.purge(unread_queue(QUEUE))


def test_sagas_go_on_and_nothing_is_lost(system, broker, orders, stocks, unread, same_processes):
    product, since, said = stocks.create(100), system.databases.now("stock"), len(system.log("stock-worker"))
    placed = []
    assert_kept(system, broker, since, send(broker, 5), lambda: placed.append(orders.placed((product, 1))))
    for order_id in placed[:20]:
        orders.wait(order_id, "Confirmed")
    assert "waiting for a server" not in system.log("stock-worker")[said:]


@contextlib.contextmanager
def old_dead_letter_queue(system, broker):
    """One that was made without arguments of ours, and drops what is rejected."""
    queue = dead_letter_queue(QUEUE)
    queue_type = {"x-queue-type": "quorum"} if system.environment("stock-worker").get("QUEUE_TYPE") != "classic" else {}
    try:
        with system.without("stock-worker"):
            broker.channel.queue_delete(queue)
            broker.channel.queue_declare(queue, durable=True, arguments=queue_type)
            broker.channel.queue_bind(queue, "stock.dlq", QUEUE)
        yield queue
    finally:
        with system.without("stock-worker"):
            broker.channel.queue_delete(queue)


def test_an_old_dead_letter_queue_keeps_them_and_goes_on(system, broker, dead_letters, unread):
    since = system.databases.now("stock")
    with old_dead_letter_queue(system, broker) as queue:
        ids = send(broker, 3)
        eventually(lambda: recorded(system.databases, since), "their row", PATIENCE_S)
        probe = new_id()
        broker.to_queue(QUEUE, b"no JSON", events.properties({"EventId": probe, "EventType": "x"}))
        eventually(lambda: dead_letters.of(probe), "the letter behind them", PATIENCE_S)
        assert recorded(system.databases, since) == [
            (QUEUE, "the AMQP library cannot read its properties, so it has no body here: it lies in queue"
             f" {queue}, as does every other one of this kind", 0)]
        with system.without("stock-worker"):
            assert bodies(broker.take_all(queue)) == expected(ids)
    assert broker.depth(unread) == 0
