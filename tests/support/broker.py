"""The broker as any AMQP client sees it, over pika."""

import concurrent.futures
import contextlib
import dataclasses
import json
import time
from decimal import Decimal

import pika
import pika.exceptions

from support.names import (ORDER_EXCHANGE, QUEUES, STOCK_EXCHANGE, dead_letter_queue)
from support.waits import SLOWNESS, TookTooLong, eventually

PUBLISHERS = 8


def open_connection(url):
    parameters = pika.URLParameters(url)
    parameters.heartbeat = 0
    parameters.socket_timeout = 10
    parameters.blocked_connection_timeout = 30
    parameters.connection_attempts = 5  # a broker that is short of time refuses, and takes the next
    parameters.retry_delay = 1
    return pika.BlockingConnection(parameters)


@dataclasses.dataclass
class Message:
    exchange: str
    routing_key: str
    properties: pika.BasicProperties
    body: bytes

    @property
    def envelope(self):
        return json.loads(self.body, parse_float=Decimal)

    @property
    def data(self):
        return self.envelope["Data"]

    @property
    def order_id(self):
        return self.data.get("OrderId")


class Broker:
    """One connection and channel; not for sharing between threads."""

    def __init__(self, url):
        self.url = url
        self.connection = open_connection(url)
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.connection.close()

    def publish(self, exchange, key, body, properties=None):
        """Publishes and waits for the confirm; raises when no queue takes the message."""
        if isinstance(body, str):
            body = body.encode()
        self.channel.basic_publish(exchange, key, body, properties or pika.BasicProperties(), mandatory=True)

    def to_queue(self, queue, body, properties=None):
        self.publish("", queue, body, properties)

    def again(self, message):
        """Publishes a message that was seen on the wire once more, as it was."""
        self.publish(message.exchange, message.routing_key, message.body, message.properties)

    def depth(self, queue):
        """Messages ready in the queue; None when there is no such queue."""
        try:
            return self.channel.queue_declare(queue, passive=True).method.message_count
        except pika.exceptions.ChannelClosedByBroker as closed:
            self.channel = self.connection.channel()
            self.channel.confirm_delivery()
            if closed.reply_code == 404:
                return None
            raise

    def depths(self, queues):
        return {queue: self.depth(queue) for queue in queues}

    def retry_queues(self, queue):
        """The names of the retry queues of @queue that exist."""
        found = []
        while self.depth(f"{queue}.retry.{len(found) + 1}") is not None:
            found.append(f"{queue}.retry.{len(found) + 1}")
        return found

    def working_queues(self):
        """The six queues and their retry queues."""
        return [name for queue in QUEUES for name in (queue, *self.retry_queues(queue))]

    def take(self, queue):
        """Takes one message off the queue; None when it is empty."""
        method, properties, body = self.channel.basic_get(queue, auto_ack=True)
        return method and Message(method.exchange, method.routing_key, properties, body)

    def wait_empty(self, timeout=60):
        queues = self.working_queues()
        eventually(lambda: not any(self.depths(queues).values()), "the queues to be empty", timeout)

    def dead_letter_depth(self):
        return {q: self.depth(dead_letter_queue(q)) for q in QUEUES}


def publish_all(url, messages):
    """(exchange, key, body, properties) each, in no order: over several connections, because each waits for its
    confirm, and hundreds of those are minutes where the broker is short of time."""
    def publish(some):
        with Broker(url) as broker:
            for message in some:
                broker.publish(*message)

    with concurrent.futures.ThreadPoolExecutor(PUBLISHERS) as pool:
        list(pool.map(publish, [messages[n::PUBLISHERS] for n in range(min(PUBLISHERS, len(messages)))]))


class Tap:
    """A queue of our own bound with # to both exchanges: sees every event from now on."""

    def __init__(self, url):
        self.broker = Broker(url)
        channel = self.broker.channel
        self.queue = channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
        for exchange in (ORDER_EXCHANGE, STOCK_EXCHANGE):
            channel.queue_bind(self.queue, exchange, "#")
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.broker.close()

    def collect(self):
        """Adds what has arrived to .seen."""
        while (message := self.broker.take(self.queue)) is not None:
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
