"""What the workers of the stand-ins share: consumers, the publisher of the outbox, and steps to be killed at."""

import os
import signal
import threading
import traceback

import psycopg

from support.broker import open_connection
from support.standins import wire

IN_PROGRESS, COMPLETED, FAILED = 0, 1, 2
RETRY_HEADER = "x-retry-count"


class Steps:
    """Kills this process, as kill -9 does, when it comes to a step for the so-manieth time ("begun:3")."""

    def __init__(self, crash):
        self._step, _, count = crash.partition(":")
        self._left = int(count or 1)
        self._lock = threading.Lock()

    def reached(self, step):
        with self._lock:
            if step == self._step:
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)


class Worker:
    """Threads with a connection each; when one of them fails the process ends, as the original's host does.

    They take turns, unlike the original's: a kill at a step of one finds the others between two pieces of work.
    """

    def __init__(self, database_url, amqp_url, crash="", idle_s=1.0, sender_url=None):
        self.amqp_url, self.idle_s, self.sender_url = amqp_url, idle_s, sender_url
        self._database_url = database_url
        self.steps = Steps(crash)
        self.turn = threading.Lock()

    def database(self):
        return psycopg.connect(self._database_url, autocommit=True)

    def run(self, *parts):
        """@parts: functions that never return."""
        for part in parts:
            threading.Thread(target=self._guard, args=(part,), daemon=True).start()
        threading.Event().wait()

    @staticmethod
    def _guard(part):
        try:
            part()
        except BaseException:
            traceback.print_exc()
            os._exit(1)


class Delivery:
    """One message that a consumer was given."""

    def __init__(self, channel, method, properties, body):
        self.channel, self.properties, self.body = channel, properties, body
        self._tag = method.delivery_tag

    @property
    def retries(self):
        return int((self.properties.headers or {}).get(RETRY_HEADER, 0))

    def ack(self):
        self.channel.basic_ack(self._tag)

    def requeue(self):
        self.channel.basic_nack(self._tag, requeue=True)


def declare(channel, exchange, queue, key):
    """As the original does: durable, classic, no arguments."""
    channel.exchange_declare(exchange, "topic", durable=True)
    channel.queue_declare(queue, durable=True)
    channel.queue_bind(queue, exchange, key)


class Consumer:
    """Takes one message after the other, and hands it over with a connection to the database."""

    def __init__(self, worker, exchange, queue, key, prefetch):
        self.worker, self.queue = worker, queue
        self._exchange, self._key, self._prefetch = exchange, key, prefetch
        self.database = None

    def declare(self, channel):
        declare(channel, self._exchange, self.queue, self._key)

    def handle(self, delivery):
        raise NotImplementedError

    def run(self):
        self.database = self.worker.database()
        channel = open_connection(self.worker.amqp_url).channel()
        self.declare(channel)
        channel.basic_qos(prefetch_count=self._prefetch)
        for method, properties, body in channel.consume(self.queue):
            with self.worker.turn:
                self.handle(Delivery(channel, method, properties, body))


class TrackingConsumer(Consumer):
    """Notes each event as in progress, then handles it, then notes what became of it: three transactions."""

    table, columns, values = None, None, None  # of the processed events: what else a new row holds

    def apply(self, found, delivery):
        """Handles it, in a transaction of its own."""
        raise NotImplementedError

    def unreadable(self, delivery):
        """Its body is no JSON."""
        raise NotImplementedError

    def invalid(self, delivery):
        """It is JSON, but no event."""
        raise NotImplementedError

    def failed(self, delivery):
        raise NotImplementedError

    def handle(self, delivery):
        try:
            found = wire.read(delivery.body)
        except ValueError:
            self.unreadable(delivery)
            return
        try:
            if found is None:
                self.invalid(delivery)
            elif self._begin(found, delivery):
                self._go_on(found, delivery)
        except Exception:
            traceback.print_exc()
            self.failed(delivery)

    def _begin(self, found, delivery):
        """Whether it is ours to handle; else it was settled."""
        key = found["EventType"], found["EventId"]
        if self._status(key) == COMPLETED:
            delivery.ack()
            return False
        try:
            self.database.execute(
                f'insert into {self.table} ("EventType", "QueueName", "EventId", "OccurredOn", "Status"{self.columns})'
                f" values (%s, %s, %s, now(), {IN_PROGRESS}{self.values})", (key[0], self.queue, key[1]))
        except psycopg.errors.UniqueViolation:
            return self._begin_again(key, delivery)
        return True

    def _begin_again(self, key, delivery):
        status = self._status(key)
        if status == IN_PROGRESS:
            delivery.requeue()
            self.worker.steps.reached("given back")
        elif status == FAILED:
            self._note(key, IN_PROGRESS)
            return True
        else:
            delivery.ack()
        return False

    def _go_on(self, found, delivery):
        steps, key = self.worker.steps, (found["EventType"], found["EventId"])
        steps.reached("begun")
        try:
            self.apply(found, delivery)
            steps.reached("applied")
            self._note(key, COMPLETED)
            steps.reached("noted")
            delivery.ack()
        except Exception:
            traceback.print_exc()
            self._note(key, FAILED)
            self.failed(delivery)
        steps.reached("settled")

    def _status(self, key):
        row = self.database.execute(
            f'select "Status" from {self.table} where "EventType" = %s and "EventId" = %s', key).fetchone()
        return None if row is None else row[0]

    def _note(self, key, status):
        self.database.execute(
            f'update {self.table} set "Status" = %s, "ProcessedOn" = case when %s = {COMPLETED} then now() end'
            ' where "EventType" = %s and "EventId" = %s', (status, status, *key))


class OutboxPublisher:
    """Publishes what is committed, some rows in a transaction, each on a channel of its own, without a confirm."""

    def __init__(self, worker, exchange, select, mark):
        self._worker, self._exchange = worker, exchange
        self._select, self._mark = select, mark

    def run(self):
        database = self._worker.database()
        connection = open_connection(self._worker.amqp_url)
        while True:
            with self._worker.turn:
                published = self._publish_some(database, connection)
            if not published:
                connection.sleep(self._worker.idle_s)

    def _publish_some(self, database, connection):
        with database.transaction():
            rows = database.execute(self._select).fetchall()
            for _, event_type, payload in rows:
                self._publish(connection, event_type, payload)
                self._worker.steps.reached("published")
            database.execute(self._mark, ([row[0] for row in rows],))
        return len(rows)

    def _publish(self, connection, event_type, payload):
        channel = connection.channel()
        channel.exchange_declare(self._exchange, "topic", durable=True)
        channel.basic_publish(self._exchange, event_type, payload.encode())
        channel.close()


