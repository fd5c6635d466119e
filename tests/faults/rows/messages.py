"""Rows 22 to 25: messages come slowly, twice, out of order, or broken."""

import contextlib
import json

import pika

from support import events, poison
from support.api import new_id
from support.broker import Broker
from support.names import (EXCHANGE_OF, ORDER_CANCELLED, ORDER_CREATED, STOCK_COMPLETED, STOCK_EXCHANGE, WORKERS)
from support.waits import eventually

from faults.rows import row

SPY = "fault-plan.spy"


@contextlib.contextmanager
def spy(run, *kinds):
    """A queue that sees these events, for a row that repeats them."""
    with Broker(run.system.amqp_url) as broker:
        broker.channel.queue_delete(SPY)
        broker.channel.queue_declare(SPY, durable=True)
        for kind in kinds or EXCHANGE_OF:
            broker.channel.queue_bind(SPY, EXCHANGE_OF[kind], kind)
        try:
            yield broker
        finally:
            broker.channel.queue_delete(SPY)


def seen(broker, count, timeout=30):
    """The first @count messages of the spy."""
    found = []

    def more():
        while len(found) < count and (message := broker.take(SPY)) is not None:
            found.append(message)
        return len(found) >= count

    eventually(more, f"{count} events on the wire", timeout)
    return found


@row("22", "slow consumer: 200 ms a batch, then one that stands still for 20 s")
def slow_consumer(run):
    run.fleet.restart("stock-worker", {"FAULT_POINT": "before_commit@stock.ordercreated:*:200"})
    run.load.grow(300)
    run.fleet.restart("stock-worker", {"FAULT_POINT": "before_commit@stock.ordercreated:5:20000"})
    run.pause(15)
    run.fleet.restart("stock-worker")


@row("23", "every event three times more, to two workers of each kind; a second cancellation of the same order",
     quick=True)
def duplicates(run):
    for name in WORKERS:
        run.fleet.second(name)
    with spy(run) as broker:
        run.load.grow(60)
        copies = seen(broker, 120) * 3
        run.random.shuffle(copies)
        for message in copies:
            broker.again(message)
        for message in {m.order_id: m for m in copies if m.routing_key == ORDER_CANCELLED}.values():
            again = events.envelope(ORDER_CANCELLED, {k: v for k, v in message.data.items() if k != "Id"})
            run.foreign.add(again["EventId"])
            events.publish(broker, json.loads(json.dumps(again, default=str)))


@row("24", "events in another order: held back and shuffled, a cancellation before its order", quick=True)
def reordered(run):
    """The test takes the place of the queue's binding: what is published reaches the queues late and shuffled."""
    with spy(run, ORDER_CREATED, ORDER_CANCELLED) as broker:
        for kind, queue in ((ORDER_CREATED, "stock.ordercreated"), (ORDER_CANCELLED, "stock.ordercancelled")):
            broker.channel.queue_unbind(queue, EXCHANGE_OF[kind], kind)
        try:
            for _ in range(3):
                window = seen(broker, 100)
                run.random.shuffle(window)
                window.sort(key=lambda m: m.routing_key == ORDER_CREATED)  # cancellations first: none has its order yet
                for message in window:
                    _deliver(broker, message)
        finally:
            for kind, queue in ((ORDER_CREATED, "stock.ordercreated"), (ORDER_CANCELLED, "stock.ordercancelled")):
                broker.channel.queue_bind(queue, EXCHANGE_OF[kind], kind)
        rest = []
        while (message := broker.take(SPY)) is not None:
            rest.append(message)
        run.random.shuffle(rest)
        for message in rest:  # some came both ways by now: duplicates as well
            _deliver(broker, message)


def _deliver(broker, message):
    queue = {ORDER_CREATED: "stock.ordercreated", ORDER_CANCELLED: "stock.ordercancelled"}[message.routing_key]
    broker.to_queue(queue, message.body, message.properties)


@row("25", "poison of every kind, 15 MiB and 17,000 nested headers among it", poisoned=False)
def all_poison(run):
    run.poison_with(poison.storm(300))


@row("25b", "an event whose order nobody knows, an id that was used with another body", poisoned=False)
def strangers(run):
    with Broker(run.system.amqp_url) as broker:
        for _ in range(5):
            event = events.envelope(STOCK_COMPLETED, {"EventId": new_id(), "OrderId": new_id(),
                                                      "Items": events.items((new_id(), 1))})
            run.foreign.add(event["EventId"])
            run.expect_dead("stranger", "order.stock.completed", event["EventId"])
            events.publish(broker, event)
    with spy(run, STOCK_COMPLETED) as broker:
        for message in seen(broker, 10):
            body = json.loads(message.body)
            body["Data"]["OrderId"] = new_id()  # was taken in with another body: changes nothing
            eventually(lambda b=body: run.databases.value(
                "order", "select count(*) from inbox where event_id = %s", (b["EventId"],)), "its first coming")
            broker.publish(STOCK_EXCHANGE, STOCK_COMPLETED, json.dumps(body),
                           pika.BasicProperties(message_id=body["EventId"], delivery_mode=2))
