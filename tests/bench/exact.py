"""What must hold after every scenario, read from the databases and the broker."""

import contextlib

import pika

QUEUES = (
    "stock.ordercreated",
    "stock.ordercancelled",
    "order.stock.completed",
    "order.stock.fail",
    "order.confirmed.queue",
    "order.cancelled.queue",
)


COUNT_INTAKE = (
    "select (select count(*) from orders), (select count(*) from order_items), (select count(*) from outbox),"
    " (select count(*) from orders o join order_items i on i.order_id = o.id)"
)


def intake_agrees(rig, result, what, runs):
    """Each order that was answered is there with its item and its event; of those under way when
    wrk stopped (one a connection) any number may be."""
    answered = sum(run.answers - run.refused for run, _ in runs)
    open_at_end = sum(connections for _, connections in runs)
    orders, items, events, pairs = rig.sql("order", COUNT_INTAKE)[0]
    if not (answered <= orders <= answered + open_at_end and orders == items == events == pairs):
        result.check(f"{what}: {answered} answered, {orders} orders, {items} items, {events} events", False)


def no_refusals(result, what, runs):
    refused = sum(run.refused for run in runs)
    broken = sum(run.broken for run in runs)
    result.check(f"{what}: {refused} answers other than 2xx, {broken} without an answer", refused + broken == 0)


@contextlib.contextmanager
def channel(rig):
    connection = pika.BlockingConnection(pika.URLParameters(rig.amqp_url()))
    try:
        yield connection.channel()
    finally:
        connection.close()


def depth_in(opened, name):
    return opened.queue_declare(name, passive=True).method.message_count


def queue_depths(rig):
    """Messages ready in each queue and its dead letter queue."""
    with channel(rig) as opened:
        return {name: depth_in(opened, name) for queue in QUEUES for name in (queue, f"{queue}.dlq")}


@contextlib.contextmanager
def depth_of(rig, name):
    """A function that tells how many messages are ready in that queue."""
    with channel(rig) as opened:
        yield lambda: depth_in(opened, name)


def purge(rig, name):
    """Empties a queue; how many messages were there."""
    with channel(rig) as opened:
        return opened.queue_purge(name).method.message_count


def pending(rig):
    """Rows in all outboxes."""
    return sum(rig.value(service, "select count(*) from outbox") for service in ("order", "stock", "notification"))


def saga_agrees(rig, result, what):
    """Every accepted order is there and confirmed, has one notification, and its stock was taken once. Nothing waits,
    nothing was given up."""
    orders, confirmed = rig.sql("order", "select count(*), count(*) filter (where status = 2) from orders")[0]
    notifications, notified = rig.sql("notification", "select count(*), count(distinct order_id) from notifications")[0]
    ordered = rig.value("order", "select coalesce(sum(quantity), 0)::bigint from order_items")
    given, left, ledger = rig.sql(
        "stock",
        "select (select sum(delta) from stock_movements where kind = 'created')::bigint,"
        " (select sum(quantity) from stock)::bigint, (select sum(delta) from stock_movements)::bigint",
    )[0]
    lost = sum(
        rig.value(service, f"select count(*) from {table}")
        for service in ("order", "stock", "notification")
        for table in ("dead_letters", "outbox_parked")
    )
    waiting = pending(rig) + sum(queue_depths(rig).values())
    result.check(
        f"{what}: {rig.accepted} accepted, {orders} orders, {confirmed} confirmed, {notified} notified by {notifications} notifications;"
        f" stock {given} = {left} left + {ordered} taken, ledger {ledger}; {waiting} waiting, {lost} given up",
        rig.accepted <= orders <= rig.accepted + rig.unanswered
        and orders == confirmed == notified == notifications
        and given == left + ordered
        and ledger == left
        and waiting == 0
        and lost == 0,
    )
    if rig.refused or rig.unanswered:
        result.notes.append(
            f"{what}, warm-up included: {rig.refused} answered other than 2xx, {rig.unanswered} not answered"
        )
