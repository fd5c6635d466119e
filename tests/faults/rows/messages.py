"""Rows 22 to 26: messages come slowly, twice, out of order, broken, or back from the dead."""

import collections
import contextlib
import json
import signal

import pika

from support import events, poison
from support.api import new_id
from support.broker import Broker, Message, publish_all
from support.dead_letters import broken, dlq, start_dlq
from support.fleet import KILLED
from support.names import (EXCHANGE_OF, ORDER_CANCELLED, ORDER_CREATED, QUEUES, STOCK_COMPLETED, STOCK_EXCHANGE,
                           WORKERS, unread_queue)
from support.waits import eventually

from faults.rows import row
from faults.rows.processes import queues_of
from faults.rows.servers import evaluate

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


def seen(broker, count, timeout=60):
    """The first @count messages of the spy, taken out; what was delivered beyond goes back with the channel."""
    found = []
    with broker.connection.channel() as channel:
        channel.basic_qos(prefetch_count=count)
        for method, properties, body in channel.consume(SPY, inactivity_timeout=timeout):
            assert method is not None, f"{len(found)} of {count} events on the wire, and no more for {timeout} s"
            found.append(Message(method.exchange, method.routing_key, properties, body))
            channel.basic_ack(method.delivery_tag)
            if len(found) == count:
                return found


@row("22", "slow consumer: 200 ms a batch, then one that stands still for 10 s")
def slow_consumer(run):
    run.fleet.restart("stock-worker", {"FAULT_POINT": "before_commit@stock.ordercreated:*:200"})
    run.load.grow(300)
    run.fleet.restart("stock-worker", {"FAULT_POINT": "before_commit@stock.ordercreated:5:10000"})
    run.fleet.wait_log("stock-worker", "fault point before_commit reached")
    run.load.grow(300)
    run.fleet.restart("stock-worker")


TIMED_OUT = "delivery acknowledgement on channel"  # as the broker's log says it
ACK_TIMEOUT_S, HELD_S = 5, 12  # the broker looks every second


def _short_ack_timeout(run, stack):
    """Both settings hold for the channels that are opened from now on."""
    change = "application:set_env(rabbit, consumer_timeout, {}), application:set_env(rabbit, channel_tick_interval, {})"
    stack.callback(evaluate, run, change.format(1800000, 60000))
    evaluate(run, change.format(ACK_TIMEOUT_S * 1000, 1000))


@row("22b", "a consumer stands still for longer than the broker waits for its acknowledgements",
     setup=_short_ack_timeout)
def acknowledges_too_late(run):
    """In the middle of a batch, before or after its commit, or all of the worker at once."""
    name = run.random.choice(WORKERS)
    queue = run.random.choice(queues_of(name))
    steps = ["before_commit", "after_commit", "SIGSTOP"]
    if name == "order-worker":
        steps.remove("SIGSTOP")  # it publishes what would come to it: it might hold nothing
    step = run.random.choice(steps)
    run.note("stood still", f"{name}, {step}")
    timed_out = run.system.log("rabbitmq").count(TIMED_OUT)
    if step == "SIGSTOP":
        run.fleet.signal(name, signal.SIGSTOP)
    else:
        run.fleet.restart(name, {"FAULT_POINT": f"{step}@{queue}:{run.nth(5)}:{HELD_S * 1000}"})
        run.fleet.wait_log(name, f"fault point {step} reached")
    eventually(lambda: run.system.log("rabbitmq").count(TIMED_OUT) > timed_out, "the broker to close a channel", 30)
    run.fleet.signal(name, signal.SIGCONT)
    run.fleet.wait_log(name, "PRECONDITION_FAILED")
    run.load.grow(100)
    eventually(lambda: run.fleet.is_ready(name), f"{name} to be ready again", 60)


@row("23", "every event three times more, to two workers of each kind; a second cancellation of the same order",
     quick=True)
def duplicates(run):
    for name in WORKERS:
        run.fleet.second(name)
    with spy(run) as broker:
        run.load.grow(60)
        copies = seen(broker, 120) * 3
        run.random.shuffle(copies)
        publish_all(broker.url, [(m.exchange, m.routing_key, m.body, m.properties) for m in copies])
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
                for kind in (ORDER_CANCELLED, ORDER_CREATED):  # cancellations first: none has its order yet
                    _deliver(broker, [m for m in window if m.routing_key == kind])
        finally:
            for kind, queue in ((ORDER_CREATED, "stock.ordercreated"), (ORDER_CANCELLED, "stock.ordercancelled")):
                broker.channel.queue_bind(queue, EXCHANGE_OF[kind], kind)
        for kind in (ORDER_CREATED, ORDER_CANCELLED):
            broker.channel.queue_unbind(SPY, EXCHANGE_OF[kind], kind)
        rest = []
        while left := broker.depth(SPY):
            rest += seen(broker, left)
        run.random.shuffle(rest)
        _deliver(broker, rest)  # some came both ways by now: duplicates as well


def _deliver(broker, messages):
    queues = {ORDER_CREATED: "stock.ordercreated", ORDER_CANCELLED: "stock.ordercancelled"}
    publish_all(broker.url, [("", queues[m.routing_key], m.body, m.properties) for m in messages])


@row("25", "poison of every kind, 15 MiB and nested headers among it", poisoned=False)
def all_poison(run):
    queue = run.random.choice(list(QUEUES))  # 15 MiB in each would only keep the broker's disk busy
    run.poison_with([m for m in poison.every_kind() if m[0] != "15-mib" or m[1] == queue])


UNREADABLE = "select count(*) from dead_letters where queue = %s and reason like '%%cannot read%%'"


def _unreadable_kept(run, _history):
    """Each one is a dead letter of its own name, or a row without a body and a message that is kept."""
    wrong = []
    with Broker(run.system.amqp_url) as broker:
        for queue, markers in run.unreadable.items():
            service = QUEUES[queue][2]
            named = run.databases.value(service, "select count(*) from dead_letters where message_id = any(%s)",
                                        (markers,))
            rows = run.databases.value(service, UNREADABLE, (queue,))
            kept = {m.properties.message_id for m in broker.take_unread(unread_queue(queue))}
            run.note("unreadable", f"{queue}: {rows} rows, {len(kept)} kept, {named} read after all")
            if len(kept) + named != len(markers) or not kept <= set(markers) or rows < len(kept):
                wrong.append(f"I7: of {len(markers)} unreadable messages of {queue} {len(kept)} are kept, {named} read")
    return wrong


@row("25c", "what the AMQP library cannot read: nested headers, some that outgrow a frame, one without a name", quick=True,
     poisoned=False, check=_unreadable_kept)
def unreadable(run):
    run.unreadable = {}
    with Broker(run.system.amqp_url) as broker:
        deepest = poison.deepest if broker.generation < 4 else poison.deep
        kinds = (("{}.retry.1", poison.swelling), ("{}", deepest), ("{}", poison.nameless_header))
        for queue in run.random.sample(list(QUEUES), 3):
            broker.purge(unread_queue(queue))
            run.unreadable[queue] = markers = [new_id() for _ in range(6)]
            run.foreign.update(markers)
            for number, marker in enumerate(markers):
                to, build = kinds[number % len(kinds)]
                broker.to_queue(to.format(queue), b"{unreadable " + marker.encode(), build(marker))
    run.load.grow(200)


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
            body["Data"]["OrderId"] = new_id()  # was recorded with another body: changes nothing
            eventually(lambda b=body: run.databases.value(
                "order", "select count(*) from inbox where event_id = %s", (b["EventId"],)), "its first coming")
            broker.publish(STOCK_EXCHANGE, STOCK_COMPLETED, json.dumps(body),
                           pika.BasicProperties(message_id=body["EventId"], delivery_mode=2))


DEAD_QUEUE = "order.stock.completed"
DOOMED = "right({}::text, 1) < '4'"  # every fourth order, by its id
LETTERS = 60
TWICE = 10  # letters whose event comes once more besides


def _waiting(run):
    """(letter, event, body) of those that our fault let die, and that nobody has replayed yet."""
    return run.databases.rows("order", "select id::text, message_id, body from dead_letters where queue = %s"
                              " and act is null and reason like '%%broken_%%' order by died_at", (DEAD_QUEUE,))


def _publish_again(broker, letters):
    for _, event, body in letters:
        broker.to_queue(DEAD_QUEUE, bytes(body), pika.BasicProperties(message_id=event, delivery_mode=2))


def _doom(run):
    """The database refuses to confirm some orders, until their stock results are dead letters."""
    with broken(run.databases, "order", "orders", "status = 2 and " + DOOMED.format("id")):
        eventually(lambda: len(_waiting(run)) >= LETTERS, f"{LETTERS} stock results to die", 60)
    results = "select message_id from fault_plan.outbox_log where message_type = %s and " + DOOMED.format("order_id")
    run.doomed = {event for event, in run.databases.rows("stock", results, (STOCK_COMPLETED,))}


def _replay(run, *targets):
    """The arguments and the environment of ./cartwheel dlq for the worker as it runs now."""
    worker = run.fleet["order-worker"]
    return (("replay", *targets, "--url", f"http://{worker.admin}", "--why", "the constraint was dropped"),
            {"ADMIN_TOKEN": run.system.endpoints["admin_token"]})


def _acted(run):
    return run.databases.value("order", "select count(*) from dead_letters where act is not null")


def _replayed_once(run, history):
    """I7: a letter was sent once more, however often it was asked for, and recorded by its own consumer."""
    sent = collections.Counter(event for event, in run.databases.rows(
        "order", "select message_id from fault_plan.outbox_log where exchange = '' and failed_queue is null"))
    acted = {event for event, in run.databases.rows(
        "order", "select message_id from dead_letters where act is not null")}
    taken = {event for event, in run.databases.rows(
        "order", "select event_id::text from inbox where consumer = %s", (DEAD_QUEUE,))}
    run.note("replayed", len(acted))
    return ([f"I7: letter {event} was sent {n} times" for event, n in sent.items() if n > 1] +
            [f"I7: letter {event} was marked as replayed or sent, not both" for event in acted ^ set(sent)] +
            [f"I7: letter {event} was replayed and not recorded" for event in acted - taken])


@row("26", "dead letters replayed twice under load, some recorded already; kill -9 of the tool, then of the worker",
     check=_replayed_once)
def replayed(run):
    _doom(run)
    letters = _waiting(run)
    with Broker(run.system.amqp_url) as broker:
        took_effect, race = letters[:TWICE], letters[-TWICE:]
        _publish_again(broker, took_effect)
        eventually(lambda: run.databases.value(
            "order", "select count(*) from inbox where event_id = any(%s::uuid[])",
            ([event for _, event, _ in took_effect],)) == TWICE, "some to take effect before they are replayed")
        arguments, environ = _replay(run, "--all", "--queue", DEAD_QUEUE, "--rate", "40")
        tool, some = start_dlq(run.system, *arguments, env=environ), run.nth(10)
        eventually(lambda: _acted(run) >= some, "the first to be replayed", 30)
        tool.kill()
        tool.communicate()
        point = run.random.choice(["before_commit@dead letters", "after_commit@dead letters", "after_publish@relay",
                                   f"after_commit@{DEAD_QUEUE}"]) + f":{run.nth(8) + 2}"
        run.note("killed at", point)
        address = {"ADMIN_LISTEN": run.fleet["order-worker"].admin}
        run.fleet.restart("order-worker", {**address, "FAULT_POINT": point}, wait=False)  # it may die before
        tool = start_dlq(run.system, *arguments, env=environ)
        _publish_again(broker, race)
    run.fleet.wait_end("order-worker", {KILLED})
    run.fleet.start("order-worker", address)
    output, errors = tool.communicate(timeout=90)
    assert tool.returncode in (0, 1), f"the tool gave up: {output[-300:]} {errors}"
    dlq(run.system, *arguments, env=environ, check=False)  # what died last
    assert not _acted_by_name(run, [letter for letter, _, _ in letters]), "I7: a letter was replayed a second time"


def _acted_by_name(run, ids):
    """How many letters were acted upon now; all of them were, or took effect, before."""
    arguments, environ = _replay(run, *ids, "--rate", "1000")
    _, lines, _ = dlq(run.system, *arguments, env=environ, check=False)
    assert len(lines) == len(ids), f"{len(lines)} of {len(ids)} letters were looked at"
    return sum(line["outcome"] != "refused" for line in lines)
