"""Queues that others made: taken as they are, without anything that hangs on an argument of theirs."""

import contextlib
import json
import signal
import uuid

import pika
import pytest

from support import events, poison
from support.api import new_id
from support.broker import Broker
from support.child import child, run_binary
from support.names import ORDER_CREATED, QUEUES, dead_letter_queue
from support.waits import eventually

CREATED, CANCELLED = QUEUES_OF_STOCK = [queue for queue, facts in QUEUES.items() if facts[2] == "stock"]
DIFFERS = "what is on the broker differs from what is declared, and is used as it is"
MAX_EVENT_BYTES = 1024 * 1024
SUSPECTS = uuid.UUID("3d5b901e-c247-4f0a-8c71-2b64e839d510")  # suspect.c


def lines(text, message):
    parsed = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    return [line for line in parsed if line["message"] == message]


@contextlib.contextmanager
def without_queues(system, broker):
    """The stock worker does not run, and its queues are gone; both are back at the end."""
    def delete():
        for queue in QUEUES_OF_STOCK:
            for name in (queue, dead_letter_queue(queue), *broker.retry_queues(queue)):
                broker.channel.queue_delete(name)
    try:
        system.stop("stock-worker")
        delete()
        yield
    finally:
        delete()
        run_binary(system, "stock-migrator")  # a worker's lanes would all declare at once, and RabbitMQ answers 541
        system.start("stock-worker")


def declare_as_dotnet(broker):
    """The .NET stock worker knows one queue, and dead-letters under that queue's own key."""
    for queue, exchange, key in ((CREATED, QUEUES[CREATED][0], ORDER_CREATED),
                                 (dead_letter_queue(CREATED), "stock.dlq", dead_letter_queue(CREATED))):
        broker.channel.exchange_declare(exchange, "topic", durable=True)
        broker.channel.queue_declare(queue, durable=True)
        broker.channel.queue_bind(queue, exchange, key)


@pytest.fixture(scope="module")
def worker(system):
    """A stock worker on queues as the .NET services make them, and what its migrator said."""
    with Broker(system.amqp_url) as broker, without_queues(system, broker):
        declare_as_dotnet(broker)
        migrated = run_binary(system, "stock-migrator")
        with child(system, "stock-worker") as process:
            process.migrated = migrated
            yield process


def test_the_migrator_takes_them_and_says_what_differs(worker):
    assert worker.migrated.returncode == 0, worker.migrated.stderr + worker.migrated.stdout
    said = lines(worker.migrated.stderr + worker.migrated.stdout, DIFFERS)
    assert {line["queue"] for line in said} == {CREATED, dead_letter_queue(CREATED)}, said
    assert all(line["level"] == "warning" and "406" in line["error"] and "arg" in line["error"] for line in said), said


def test_the_worker_says_so_and_works(worker, orders, stocks):
    assert {line["queue"] for line in lines(worker.log, DIFFERS)} == {CREATED, dead_letter_queue(CREATED)}
    orders.wait(orders.placed((stocks.create(10), 1)), "Confirmed")


def test_what_goes_unread_is_published_to_the_dead_letter_queue(worker, broker, dead_letters):
    """Rejected, it would be gone: nothing dead-letters there."""
    probe = new_id()
    broker.to_queue(CREATED, b"x" * (MAX_EVENT_BYTES + 1), pika.BasicProperties(message_id=probe))
    letter, = eventually(lambda: dead_letters.of(probe), "the letter")
    assert letter.reason == f"the body has {MAX_EVENT_BYTES + 1} bytes, more than {MAX_EVENT_BYTES}"


def test_a_failed_one_comes_back_and_is_a_dead_letter(worker, broker, dead_letters):
    event = events.envelope(ORDER_CREATED, {"OrderId": "nobody", "Items": []})
    broker.to_queue(CREATED, json.dumps(event), events.properties(event))
    letter, = eventually(lambda: dead_letters.of(event["EventId"]), "the letter", 30)
    assert letter.attempts == 3


def test_what_the_library_cannot_read_stays_and_the_rest_goes_on(worker, broker, orders, stocks):
    marker, before = new_id(), len(lines(worker.log, "message is given up unread"))
    broker.to_queue(CREATED + ".retry.1", b"unreadable " + marker.encode(), poison.swelling(marker))
    eventually(lambda: len(lines(worker.log, "message is given up unread")) > before, "it to come", 30)
    orders.wait(orders.placed((stocks.create(10), 1)), "Confirmed")
    assert worker.is_ready()
    worker.stop()
    eventually(lambda: broker.depth(CREATED) == 1, "it to be given back")
    assert broker.take(CREATED).body.endswith(marker.encode())


@contextlib.contextmanager
def held(databases, product):
    """Whoever takes stock of it waits."""
    with databases.connect("stock", autocommit=False) as connection:
        connection.execute("SELECT FROM stock WHERE product_id = %s FOR UPDATE", (product,))
        yield


def counted(databases):
    return databases.value("stock", "SELECT count(*) FROM inbox WHERE consumer LIKE %s", (CREATED + ", unsettled %",))


def test_what_ends_its_consumer_is_found_without_a_count_of_the_broker(system, broker, databases, dead_letters, stocks):
    """It was counted eight times; the ninth consumer dies of it, the tenth gives it up unread."""
    product = stocks.create(10)
    event = events.envelope(ORDER_CREATED, {"OrderId": new_id(), "Items": events.items((product, 1))})
    body = json.dumps(event)
    with without_queues(system, broker):
        declare_as_dotnet(broker)
        for n in range(1, 9):
            databases.execute("stock", "INSERT INTO inbox (consumer, event_id) VALUES (%s, %s)",
                              (f"{CREATED}, unsettled {n}", uuid.uuid5(SUSPECTS, body)))
        broker.to_queue(CREATED, body, events.properties(event))
        with contextlib.closing(Broker(system.amqp_url)) as other:
            other.channel.basic_get(CREATED)
        with held(databases, product):
            with child(system, "stock-worker") as killed:
                killed.good_exits = {-signal.SIGKILL}
                eventually(lambda: counted(databases) == 9, "the ninth count")
                killed.process.kill()
                killed.process.wait()
            with child(system, "stock-worker"):
                letter, = eventually(lambda: dead_letters.of(event["EventId"]), "the letter")
    assert letter.reason == "given up unread: it may be what ends this process"
    assert stocks.quantity(product) == 10


def test_the_shape_of_dotnet_is_what_dotnet_declares(system, broker, orders, stocks):
    """Whoever comes second is not refused, and neither is a publisher that uses their key."""
    with without_queues(system, broker):
        migrated = run_binary(system, "stock-migrator", {"BROKER_SHAPE": "dotnet"})
        assert migrated.returncode == 0 and not lines(migrated.stderr + migrated.stdout, DIFFERS), migrated.stderr
        for queue in QUEUES_OF_STOCK:
            broker.channel.queue_declare(queue, durable=True)
            broker.channel.queue_declare(dead_letter_queue(queue), durable=True)
            assert len(broker.retry_queues(queue)) == 2
        declare_as_dotnet(broker)
        broker.publish("stock.dlq", dead_letter_queue(CREATED), b"theirs")
        assert broker.take(dead_letter_queue(CREATED)).body == b"theirs"
        with child(system, "stock-worker", {"BROKER_SHAPE": "dotnet"}) as worker:
            orders.wait(orders.placed((stocks.create(10), 1)), "Confirmed")
            assert not lines(worker.log, DIFFERS)


def test_a_worker_that_cannot_consume_a_queue_is_not_ready(system, broker):
    with without_queues(system, broker):
        declare_as_dotnet(broker)
        broker.channel.basic_consume(CREATED, lambda *_: None, exclusive=True, consumer_tag="other")
        with child(system, "stock-worker", ready=False) as worker:
            eventually(lambda: "403" in str(worker.get("/health/ready").json()["dependencies"]["rabbitmq"]),
                       "the reason", forgive=(OSError,))
            assert worker.get("/health/ready").status_code == 503
            assert not lines(worker.log, "ready to work")
            broker.channel.basic_cancel("other")
            worker.wait_ready()
