"""What becomes of the speed when there is much of everything: orders, unpublished events, dead rows."""

import contextlib
import time

import psycopg

from launcher.services import SERVICES, WORKERS
from support.broker import Broker
from support.waits import eventually

from .. import exact, placing
from ..figures import Bar, Chart, Result, ratios
from ..grown import GrownDatabase
from ..load import place_orders

NAME = "growth"
TITLE = "Growth: many orders, a long backlog, a snapshot that is held"
CONNECTIONS = 64
MANY_ORDERS = Bar(least=0.85)
LONG_BACKLOG = Bar(least=0.8)
HELD_SNAPSHOT = Bar(least=0.8)
CREATED = "stock.ordercreated"

FILL_OUTBOX = """
insert into outbox (id, message_id, exchange, routing_key, message_type, body, traceparent)
select id, id::text, 'order.events.topic', 'OrderCreatedEvent', 'OrderCreatedEvent', %s, null
  from (select (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid as id
          from generate_series(1, %s::bigint) as n) as made
"""


def steps(plan):
    return 1 + 6 * plan.rounds


def run(rig):
    result = Result()
    with rig.stopped(*WORKERS):
        many_orders(rig, result)
        long_backlog(rig, result)
        rig.empty()
    held_snapshot(rig, result)
    return result


# ---- many orders ----


def many_orders(rig, result):
    """Two databases, one with orders and one without, each with an order-api of its own."""
    rig.step(f"growth, {rig.plan.many_orders:,} orders are made")
    few, many = [], []
    with GrownDatabase(rig) as grown:
        for number in range(rig.plan.rounds):
            rig.step(f"growth, round {number + 1}, no orders before")
            rig.empty()
            place_orders(rig, rig.address("order-api"), CONNECTIONS, rig.plan.warm_up)
            rig.checkpoint()
            few.append(place_orders(rig, rig.address("order-api"), CONNECTIONS, rig.plan.seconds))
            rig.step(f"growth, round {number + 1}, {rig.plan.many_orders:,} orders before")
            before = grown.counts()
            warm = place_orders(rig, grown.address, CONNECTIONS, rig.plan.warm_up)
            rig.checkpoint()
            many.append(place_orders(rig, grown.address, CONNECTIONS, rig.plan.seconds))
            grown.check_added(result, before, warm.answers + many[-1].answers, 2 * CONNECTIONS)
        rig.empty()
    exact.no_refusals(result, "growth, many orders", few + many)
    few_rates, many_rates = ([one.rate for one in runs] for runs in (few, many))
    title = f"{rig.plan.many_orders:,} orders before"
    result.add("orders/s, none before", "1/s", few_rates)
    result.add(f"orders/s, {title}", "1/s", many_rates)
    result.add(f"{title} / none", "x", ratios(many_rates, few_rates), MANY_ORDERS)
    chart(result, "Durable orders a second", ["none before", title], [few_rates, many_rates])


# ---- a long backlog ----


def long_backlog(rig, result):
    """The order worker alone publishes a backlog; nobody consumes, so that it has the machine."""
    short, long = [], []
    for number in range(rig.plan.rounds):
        for size, rates in ((rig.plan.short_backlog, short), (rig.plan.long_backlog, long)):
            rig.step(f"growth, round {number + 1}, {size:,} rows in the outbox")
            rates.append(drain(rig, size))
    title = f"{rig.plan.long_backlog:,} rows"
    result.add(f"published/s of {rig.plan.short_backlog:,} rows", "1/s", short)
    result.add(f"published/s of {title}", "1/s", long)
    result.add(f"{title} / {rig.plan.short_backlog:,}", "x", ratios(long, short), LONG_BACKLOG)
    chart(result, "Outbox rows published a second", [f"{rig.plan.short_backlog:,} rows", title], [short, long])


def drain(rig, rows):
    """Rows a second from the first to the last in the queue."""
    body = b"x" * 430  # as wide as an event of one item; nobody reads it
    rig.sql("order", "truncate outbox")
    rig.sql("order", FILL_OUTBOX, body, rows)
    rig.sql("order", "analyze outbox")
    rig.checkpoint()
    rig.start("order-worker")
    first = None
    with Broker(rig.amqp_url) as broker:
        deadline = time.monotonic() + 600
        while (there := broker.depth(CREATED)) < rows:
            if there > 0 and first is None:
                first = time.monotonic(), there
            if time.monotonic() > deadline:
                raise TimeoutError(f"{there} of {rows} rows are published after 600 s")
            time.sleep(0.01)
    took = time.monotonic() - (first[0] if first else deadline - 600)
    eventually(lambda: rig.databases.outbox_pending("order") == 0, "the outbox to be empty", 300)
    rig.stop("order-worker")
    with Broker(rig.amqp_url) as broker:
        published = broker.purge(CREATED)
    if published != rows:
        raise TimeoutError(f"{published} messages of {rows} rows in the outbox")
    return (rows - (first[1] if first else 0)) / took


# ---- a held snapshot ----


@contextlib.contextmanager
def snapshots(rig):
    """A reader in each database that began before the run and is not done after it."""
    with contextlib.ExitStack() as stack:
        for service in SERVICES:
            connection = stack.enter_context(psycopg.connect(rig.database_url(service)))
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute("select count(*) from outbox")
        yield
        # Leaving rolls them back.


def held_snapshot(rig, result):
    rig.empty()
    placing.warm_up(rig)
    without, held = [], []
    for number in range(rig.plan.rounds):
        rig.step(f"growth, round {number + 1}, sagas")
        without.append(placing.run_saga(rig))
        rig.step(f"growth, round {number + 1}, sagas while a snapshot is held")
        with snapshots(rig):
            held.append(placing.run_saga(rig))
    placing.all_accepted(result, "growth, held snapshot", without + held)
    exact.saga_agrees(rig, result, "growth, held snapshot")
    free_rates, held_rates = ([saga.rate for saga in sagas] for sagas in (without, held))
    result.add("whole sagas/s", "1/s", free_rates)
    result.add("whole sagas/s, snapshot held", "1/s", held_rates)
    result.add("snapshot held / not", "x", ratios(held_rates, free_rates), HELD_SNAPSHOT)
    result.notes.append("a snapshot is held in each of the three databases from before the first order on")
    chart(result, "Whole sagas a second", ["no snapshot", "snapshot held"], [free_rates, held_rates])


def chart(result, title, labels, rows):
    result.charts.append(Chart(title, "1/s", labels, {"Cartwheel": rows}))
