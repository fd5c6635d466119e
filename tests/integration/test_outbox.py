"""The outbox: back pressure when it fills, events that no queue takes, and a broker that takes nothing."""

import signal
from urllib.parse import urlsplit

import pytest

from support.api import OrderApi, items_of, new_id
from support.child import child, instead
from support.load import place_many
from support.names import ORDER_CREATED, ORDER_EXCHANGE
from support.proxy import DOWN, Proxy
from support.urls import address_of, with_address, with_credentials
from support.waits import eventually, remains

FEW = 5
MANY = 300
SLOW_S = 4  # two such waits are longer than the relay's for a confirm


def test_past_outbox_max_pending_the_api_answers_503_until_it_drains(system, databases, stocks):
    product = stocks.create(1000)
    with system.without("order-worker"):
        with child(system, "order-api", {"OUTBOX_MAX_PENDING": str(FEW)}) as process:
            api, accepted = OrderApi(process.base), []

            def saturated():
                answer = api.place(items_of((product, 1)))
                if answer.status_code == 201:
                    accepted.append(answer.json()["id"])
                    return None
                return answer

            answer = eventually(saturated, "the intake to be saturated", 30)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert len(accepted) >= FEW
            # reading goes on
            assert api.order(accepted[0])["status"] == "Created"
            system.start("order-worker")
            eventually(lambda: databases.outbox_pending("order") == 0, "the outbox to drain")
            eventually(lambda: api.place(items_of((product, 1))).status_code == 201, "the intake to open again")
            for order_id in accepted:
                api.wait(order_id, "Confirmed")


def returned(system):
    return system.metrics("order-worker").total("returned")


def test_an_event_that_no_queue_takes_stays_in_the_outbox(system, broker, orders, stocks, databases):
    """The broker confirms it all the same; only the return tells."""
    product, before = stocks.create(5), returned(system)
    broker.channel.queue_unbind("stock.ordercreated", ORDER_EXCHANGE, ORDER_CREATED)
    try:
        order_id = orders.placed((product, 1))
        eventually(lambda: returned(system) > before, "the event to be returned")
        remains(lambda: databases.outbox_pending("order") >= 1, "the event in the outbox", 1)
    finally:
        broker.channel.queue_bind("stock.ordercreated", ORDER_EXCHANGE, ORDER_CREATED)
    orders.wait(order_id, "Confirmed", timeout=30)
    assert stocks.quantity(product) == 4


def test_an_unroutable_event_does_not_hold_up_its_neighbours(system, broker, orders, stocks):
    product = stocks.create(5)
    order_id = orders.placed((product, 1))
    orders.wait(order_id, "Confirmed")
    broker.channel.queue_unbind("stock.ordercreated", ORDER_EXCHANGE, ORDER_CREATED)
    try:
        stuck = orders.placed((product, 1))
        assert orders.cancel(order_id, "meanwhile").status_code == 202
        stocks.wait(product, 5)
        assert orders.status(stuck) == "Created"
    finally:
        broker.channel.queue_bind("stock.ordercreated", ORDER_EXCHANGE, ORDER_CREATED)
    orders.wait(stuck, "Confirmed", timeout=30)


def test_what_cannot_be_written_as_amqp_is_parked_alone(databases, orders, stocks):
    """A name of more than 255 bytes: no other try changes that, and those behind it go out."""
    product = stocks.create(5)
    row, = databases.rows("order", "INSERT INTO outbox (id, message_id, exchange, routing_key, message_type, body, attempts)"
                          " VALUES (%s, %s, '', 'nobody', repeat('é', 200), '{}', 20) RETURNING id", (new_id(), new_id()))
    orders.wait(orders.placed((product, 1)), "Confirmed")
    eventually(lambda: databases.value("order", "SELECT reason FROM outbox_parked WHERE id = %s", row), "the row to be parked")
    databases.execute("order", "DELETE FROM outbox_parked WHERE id = %s", row)


def test_a_message_without_an_id_that_no_queue_takes_is_not_lost(system, broker, databases):
    """No sender has to name its messages; the return of one of them names it by where it went."""
    body, before = f"no event {new_id()}".encode(), returned(system)
    count = "SELECT count(*) FROM {} WHERE body = %s"
    broker.channel.queue_unbind("order.stock.completed.dlq", "order.dlq", "order.stock.completed")
    try:
        broker.channel.basic_publish("", "order.stock.completed", body)
        eventually(lambda: returned(system) > before, "the dead letter to be returned")
        assert databases.value("order", count.format("outbox"), (body,)) == 1
    finally:
        broker.channel.queue_bind("order.stock.completed.dlq", "order.dlq", "order.stock.completed")
    eventually(lambda: databases.value("order", count.format("dead_letters"), (body,)) == 1, "the dead letter", 30)


@pytest.fixture(params=[("^$", ".*"), (".*", "^$")], ids=["declares-nothing", "publishes-nothing"])
def powerless(system, request):
    """The URL of a broker's user that may not declare, or may declare but not publish."""
    name, url = "powerless" + new_id()[:8], system.endpoints["amqp_url"]
    system.launcher("rabbitmqctl", "add_user", name, "secret")
    system.launcher("rabbitmqctl", "set_permissions", "-p", urlsplit(url).path[1:], name, *request.param, ".*")
    yield with_credentials(url, name, "secret")
    system.launcher("rabbitmqctl", "delete_user", name)


def test_a_broker_that_refuses_us_is_no_fault_of_the_messages(system, databases, orders, stocks, powerless):
    """Or all that wait would be parked within minutes, because of a setting."""
    with system.without("order-worker"):
        order_id = orders.placed((stocks.create(1), 1))
        with child(system, "order-worker", {"AMQP_URL": powerless, "LOG_LEVEL": "debug"}, ready=False) as worker:
            eventually(lambda: '"lane":"relay"' in worker.log, "the relay to wait for a broker that lets it")
            assert "ACCESS_REFUSED" in worker.log
            remains(lambda: databases.value("order", "SELECT max(attempts) FROM outbox") == 0, "no attempt to count", 2)
    orders.wait(order_id, "Confirmed")


def test_a_broker_that_confirms_slowly_is_not_given_up(system, databases, stocks):
    """Its confirms come in pieces, none later than the relay waits for one, the last later than that.

    A relay that gave up would send everything again, and never come to an end.
    """
    product = stocks.create(MANY)
    url = system.endpoints["amqp_url"]
    with Proxy(address_of(url)) as proxy:
        with instead(system, "order-worker", {"AMQP_URL": with_address(url, proxy.port)}) as worker:
            worker.process.send_signal(signal.SIGSTOP)
            place_many(system.api("order"), [[(product, 1)]] * MANY)
            proxy.delay(SLOW_S, directions=(DOWN,))
            worker.process.send_signal(signal.SIGCONT)
            eventually(lambda: databases.outbox_pending("order") == 0, "the outbox to drain", 90)
            assert "no confirm in time" not in worker.log
            proxy.clear()
            stocks.wait(product, 0)


def claims(databases):
    """How often the outbox's index was read so far, and how many entries in all."""
    return databases.rows("order", "SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes"
                                   " WHERE indexrelname = 'outbox_pkey'")[0]


def hundred_claims(databases):
    """Waits for a hundred more; they are counted about once a second."""
    scans = claims(databases)[0]
    return eventually(lambda: claims(databases)[0] >= scans + 100 and claims(databases), "a hundred claims")


def test_what_was_published_long_ago_is_not_read_again(databases, orders, stocks):
    """While a backup or a report holds a snapshot, what was deleted stays in the index.

    It is read five times a second all the same: by a whole claim, and by those who count the outbox. There are forty
    claims a second, fewer when the machine is busy: most of them read nothing.
    """
    product = stocks.create(2 * MANY)
    with databases.connect("order", autocommit=False) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM outbox")
        place_many(orders.base, [[(product, 1)]] * MANY)
        stocks.wait(product, MANY)

        def reads_little():
            orders.wait(orders.placed((product, 1)), "Confirmed")
            before = hundred_claims(databases)  # what was counted late is in it
            after = hundred_claims(databases)
            return after[1] - before[1] < (after[0] - before[0]) * MANY  # of two messages an order

        eventually(reads_little, "claims that leave out what is gone", 30)


def test_a_message_that_is_committed_late_is_found(broker, databases, orders, stocks):
    """Ids do not become visible in their order: this one is older than all that were published."""
    orders.wait(orders.placed((stocks.create(1), 1)), "Confirmed")
    queue = broker.channel.queue_declare("", exclusive=True).method.queue
    databases.execute("order", "INSERT INTO outbox (id, exchange, routing_key, body)"
                               " VALUES ('00000000-0000-0000-0000-000000000000', '', %s, 'late')", (queue,))
    assert eventually(lambda: broker.take(queue), "the message").body == b"late"


def refused(system):
    return system.metrics("order-worker").value("cartwheel_outbox_refused_total") or 0


def test_a_queue_that_lost_its_limit_takes_messages_again(system, orders, stocks):
    """RabbitMQ goes on refusing on the channels that saw the queue full; only new ones learn better."""
    product, before = stocks.create(1000), refused(system)
    with system.without("stock-worker"):
        with system.limited("stock.ordercreated", 1):
            placed = [orders.placed((product, 1)) for _ in range(FEW)]
            eventually(lambda: placed.append(orders.placed((product, 1))) or refused(system) > before, "a refusal")
    for order_id in placed:
        orders.wait(order_id, "Confirmed", timeout=30)
    system.tell_of_no_limit("stock.ordercreated")
