"""The broker as any AMQP client sees it, over pika."""

import concurrent.futures
import contextlib
import dataclasses
import json
import struct
from decimal import Decimal

import pika
import pika.data
import pika.exceptions

from support.names import QUEUES, dead_letter_queue
from support.waits import eventually

PUBLISHERS = 8


def open_connection(url):
    parameters = pika.URLParameters(url)
    parameters.heartbeat = 0
    parameters.socket_timeout = 10
    parameters.blocked_connection_timeout = 30
    parameters.connection_attempts = 5  # a broker that is short of time refuses, and takes the next
    parameters.retry_delay = 1
    return pika.BlockingConnection(parameters)


def _skip_table(encoded, offset):
    """In place of pika's decode_table."""
    size, = struct.unpack_from(">I", encoded, offset)
    return {}, offset + 4 + size


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

    @property
    def event_id(self):
        """As the envelope has it; of a message that has none, as its properties do."""
        try:
            return self.envelope["EventId"]
        except (ValueError, KeyError, TypeError):
            return self.properties.message_id


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

    @property
    def generation(self):
        """3 or 4, of RabbitMQ."""
        return int(self.connection._impl.server_properties["version"].partition(".")[0])

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
        found = self._look_at(queue)
        return None if found is None else found.message_count

    def consumers(self, queue):
        """How many consumers it has; 0 when there is no such queue."""
        found = self._look_at(queue)
        return 0 if found is None else found.consumer_count

    def _look_at(self, queue):
        try:
            return self.channel.queue_declare(queue, passive=True).method
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
        """The queues that consumers read, and their retry queues."""
        return [name for queue in QUEUES for name in (queue, *self.retry_queues(queue))]

    def take(self, queue):
        """Takes one message off the queue; None when it is empty."""
        method, properties, body = self.channel.basic_get(queue, auto_ack=True)
        return method and Message(method.exchange, method.routing_key, properties, body)

    def take_all(self, queue):
        """Takes what is ready in the queue."""
        taken = []
        while (message := self.take(queue)) is not None:
            taken.append(message)
        return taken

    def take_unread(self, queue):
        """The same without a look at their headers, which pika may be as unable to read as others are."""
        whole, pika.data.decode_table = pika.data.decode_table, _skip_table
        try:
            return self.take_all(queue)
        finally:
            pika.data.decode_table = whole

    def wait_empty(self, timeout=60):
        queues = self.working_queues()
        eventually(lambda: not any(self.depths(queues).values()), "the queues to be empty", timeout)

    def dead_letter_depth(self):
        return {q: self.depth(dead_letter_queue(q)) for q in QUEUES}

    def wait_dead_letters_recorded(self, timeout=15):
        """Until the dead letter queues are empty: what was in them is in the tables."""
        eventually(lambda: not any(self.dead_letter_depth().values()), "the dead letter queues to be empty", timeout)

    def purge(self, queue):
        """Empties a queue; how many messages were there."""
        return self.channel.queue_purge(queue).method.message_count

    def purge_all(self):
        for queue in [*self.working_queues(), *map(dead_letter_queue, QUEUES)]:
            self.purge(queue)


def publish_all(url, messages):
    """(exchange, key, body, properties) each, in no order: over several connections, because each waits for its
    confirm, and hundreds of those are minutes where the broker is short of time."""
    def publish(some):
        with Broker(url) as broker:
            for message in some:
                broker.publish(*message)

    with concurrent.futures.ThreadPoolExecutor(PUBLISHERS) as pool:
        list(pool.map(publish, [messages[n::PUBLISHERS] for n in range(min(PUBLISHERS, len(messages)))]))
