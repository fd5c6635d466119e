"""Queues, exchanges, bindings and retry queues as the contract names them."""

import contextlib

import pika
import pika.exceptions
import pytest

from support.api import new_id
from support.broker import open_connection
from support.names import APP_ID_OF_EXCHANGE, QUEUES, SERVICES, dead_letter_queue
from support.waits import eventually

EXCHANGES = {*APP_ID_OF_EXCHANGE, *(q[3] for q in QUEUES.values())}


@pytest.fixture
def channel(system):
    """A channel that a test may lose."""
    connection = open_connection(system.amqp_url)
    yield connection.channel()
    if connection.is_open:
        connection.close()


@pytest.mark.parametrize("exchange", sorted(EXCHANGES))
def test_the_exchange_is_a_durable_topic(channel, exchange):
    channel.exchange_declare(exchange, "topic", durable=True)


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_the_queue_and_its_dead_letter_queue_exist(broker, queue):
    assert broker.depth(queue) is not None
    assert broker.depth(dead_letter_queue(queue)) is not None
    assert broker.retry_queues(queue), "no retry queue"


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_the_queue_is_durable_and_of_the_configured_type(channel, system, queue):
    """A declaration that differs in type is refused with 406 (PRECONDITION_FAILED)."""
    wanted = system.environment("stock-worker").get("QUEUE_TYPE", "quorum")
    other = "classic" if wanted == "quorum" else "quorum"
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": other})
    assert refused.value.reply_code == 406
    assert "x-queue-type" in refused.value.reply_text or "arg" in refused.value.reply_text


def test_a_message_of_more_than_16_mib_is_its_publishers_error(channel, broker):
    channel.confirm_delivery()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        channel.basic_publish("", "stock.ordercreated", b"x" * (16 * 1024 * 1024 + 1))
    assert refused.value.reply_code == 406


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_the_dead_letter_exchange_leads_to_the_dead_letters_table(broker, dead_letters, queue):
    """By the queue's name as the routing key; mandatory: the publish fails when no queue is bound."""
    exchange = QUEUES[queue][3]
    probe = new_id()
    broker.publish(exchange, queue, b"topology probe", pika.BasicProperties(message_id=probe))
    letter, = eventually(lambda: dead_letters.of(probe), f"the probe of {queue} in dead_letters")
    assert (letter.queue, bytes(letter.body)) == (queue, b"topology probe")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_a_broker_user_of_its_own_that_touches_no_other_queue(system, service):
    """Its own are proven by every order that moves; docs/contract.md, 1.3."""
    urls = {name: system.environment(f"{name}-worker")["AMQP_URL"] for name in SERVICES}
    assert len({*urls.values(), system.endpoints["amqp_url"]}) == len(SERVICES) + 1
    for queue in (queue for queue, facts in QUEUES.items() if facts[2] != service):
        for act in (lambda channel, q: channel.basic_get(q), lambda channel, q: channel.queue_purge(q),
                    lambda channel, q: channel.queue_delete(q)):
            with contextlib.closing(open_connection(urls[service])) as connection:
                with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
                    act(connection.channel(), queue)
            assert refused.value.reply_code == 403, queue  # ACCESS_REFUSED


def test_the_user_of_operators_and_tests_is_no_administrator(system):
    users = system.launcher("rabbitmqctl", "-q", "list_users", "--no-table-headers")
    assert {tuple(line.split("\t")) for line in users.splitlines()} >= {("cartwheel", "[]")}
    assert "administrator" not in users and "guest" not in users


@contextlib.contextmanager
def without_its_worker(system):
    """The stock worker does not run; it does again at the end."""
    try:
        system.stop("stock-worker")
        yield dead_letter_queue("stock.ordercreated")
    finally:
        system.start("stock-worker")


def test_a_dead_letter_outlives_many_deliveries(system, broker, dead_letters):
    """RabbitMQ 4 drops it after 21 where the queue has no limit of its own."""
    with without_its_worker(system) as queue:
        broker.to_queue(queue, b"probe", pika.BasicProperties(message_id=(probe := new_id())))
        for _ in range(30):
            taken = eventually(lambda: broker.channel.basic_get(queue)[0], "the dead letter to come back")
            broker.channel.basic_nack(taken.delivery_tag)
    eventually(lambda: dead_letters.of(probe), "the dead letter in its table")


def test_a_dead_letter_queue_that_was_made_without_a_limit_is_kept(system, broker, dead_letters):
    queue_type = {"x-queue-type": "quorum"} if system.environment("stock-worker").get("QUEUE_TYPE") != "classic" else {}
    try:
        with without_its_worker(system) as queue:
            broker.channel.queue_delete(queue)
            broker.channel.queue_declare(queue, durable=True, arguments=queue_type)
            broker.to_queue(queue, b"probe", pika.BasicProperties(message_id=(probe := new_id())))
        eventually(lambda: dead_letters.of(probe), "the dead letter in its table")
    finally:
        with without_its_worker(system) as queue:
            broker.channel.queue_delete(queue)


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_a_retry_queue_leads_back_to_its_queue_alone(broker, dead_letters, queue):
    """Nobody understands the probe: its dead letters tell which queues it reached. A sibling that got it too had it
    before the marker that follows."""
    def send(to):
        broker.to_queue(to, b"no JSON", pika.BasicProperties(message_id=(message_id := new_id())))
        return message_id

    probe = send(broker.retry_queues(queue)[0])
    eventually(lambda: dead_letters.of(probe), f"the probe to come back to {queue}", 30)
    siblings = [q for q in QUEUES if QUEUES[q][2] == QUEUES[queue][2] and q != queue]
    for sibling, marker in [(sibling, send(sibling)) for sibling in siblings]:
        eventually(lambda m=marker: dead_letters.of(m), f"the marker of {sibling}", 30)
    assert [letter.queue for letter in dead_letters.of(probe)] == [queue]


def test_a_retry_queue_goes_on_once_the_limit_that_stopped_it_is_a_high_one(system, broker):
    """RabbitMQ moves messages as a publisher that saw the queue full, and is not told that the limit is gone."""
    queue = "stock.ordercreated"
    retry, probe = broker.retry_queues(queue)[0], (b"retry probe", pika.BasicProperties(message_id="retry-probe"))
    with system.without("order-worker"):  # no order that a neighbour left is counted as a probe
        eventually(lambda: broker.depth(queue) == 0, "the queue to be the test's own", 30)
        with system.without("stock-worker"):
            try:
                broker.to_queue(retry, *probe)
                eventually(lambda: broker.depth(queue) == 1, "the broker to be a publisher of the queue", 30)
                with system.limited(queue, 1):
                    broker.to_queue(queue, *probe)
                    broker.to_queue(retry, *probe)
                    eventually(lambda: broker.depth(retry) == 0, "the retry's time to be over", 30)
                system.tell_of_no_limit(queue)
                eventually(lambda: broker.depth(queue) == 3, "the retry", 30)
            finally:
                taken = broker.take_all(queue)
    assert [message.properties.message_id for message in taken] == ["retry-probe"] * 3
