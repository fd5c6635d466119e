"""A queue of our own bound with # to every exchange that a service publishes to: it sees every event from now on."""

import contextlib
import time

import pika.exceptions

from support import documents
from support.broker import Broker, Message, open_connection
from support.names import APP_ID_OF_EXCHANGE
from support.waits import SLOWNESS, TookTooLong

LASTING = "cartwheel-test.tap"
IDLE_S = 0.5  # without a message: the queue is empty, when all that had to come has come


def _bind(channel, queue):
    for exchange in APP_ID_OF_EXCHANGE:
        channel.queue_bind(queue, exchange, "#")


class Tap:
    """On one connection, and gone with it. What our services published is held to the documents."""

    def __init__(self, url):
        self.broker = Broker(url)
        self.queue = self.broker.channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
        _bind(self.broker.channel, self.queue)
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(pika.exceptions.AMQPError):  # a test may have stopped the broker
            self.collect()
        self.broker.close()

    def collect(self):
        """Adds what has arrived to .seen."""
        while (message := self.broker.take(self.queue)) is not None:
            documents.check_event(message)
            self.seen.append(message)
        return self.seen

    def of_order(self, order_id):
        """Events about one order, in the order of arrival; foreign or malformed messages are not ours."""
        found = []
        for message in self.collect():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                if message.order_id == order_id:
                    found.append(message)
        return found

    def wait(self, order_id, event_type, timeout=20):
        """The first event of that type about that order."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while time.monotonic() < deadline:
            for message in self.of_order(order_id):
                if message.routing_key == event_type:
                    return message
            time.sleep(0.02)
        raise TookTooLong(f"no {event_type} of order {order_id} in {timeout:g} s;"
                          f" seen: {[m.routing_key for m in self.of_order(order_id)]}")


class LastingTap:
    """A quorum queue: it outlives the restarts of the broker and the loss of a node. Holds no connection."""

    def __init__(self, url, listens=True):
        self._url = url
        self.listens = listens
        self.seen = []
        with Broker(url) as broker:
            broker.channel.queue_delete(LASTING)
            if listens:
                broker.channel.queue_declare(LASTING, durable=True, arguments={"x-queue-type": "quorum"})
                _bind(broker.channel, LASTING)

    def event_ids(self):
        return {message.event_id for message in self.seen}

    def collect(self, expected, patience_s):
        """Takes all that has come: the @expected event ids at least, unless nothing comes for @patience_s."""
        if not self.listens:
            return
        missing, last = set(expected), time.monotonic()
        connection = open_connection(self._url)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=1000)
            for method, properties, body in channel.consume(LASTING, inactivity_timeout=IDLE_S):
                if method is not None:
                    self.seen.append(Message(method.exchange, method.routing_key, properties, body))
                    missing.discard(self.seen[-1].event_id)
                    channel.basic_ack(method.delivery_tag)
                    last = time.monotonic()
                elif not missing or time.monotonic() - last > patience_s:
                    break
            channel.cancel()
        finally:
            connection.close()

    def delete(self):
        with Broker(self._url) as broker:
            broker.channel.queue_delete(LASTING)
