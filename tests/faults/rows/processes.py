"""Rows 1 to 5: our own processes end or stand still, at chosen steps and at any."""

import signal

from support.names import APIS, DIGESTS_QUEUE, PROCESSES, QUEUES, WORKERS
from support.waits import eventually

from faults.rows import row
from faults.rows.servers import evaluate


@row("1", "kill -9 order-api before begin, before commit, after commit before the reply", quick=True)
def order_api(run):
    run.at_points("order-api", [f"{point}@{lane}:{run.nth(15)}" for point, lane in (
        ("before_begin", "writes"), ("after_insert", "place"), ("before_commit", "writes"),
        ("after_commit", "writes"))])


RELAYS = ("order-worker", "stock-worker")


@row("2", "kill -9 relay after claim, after the confirms, after the delete before the commit", quick=True)
def relay(run):
    for name in RELAYS:
        points = [f"{point}@relay:{run.nth(10)}" for point in ("after_claim", "after_confirm", "after_delete")]
        run.random.shuffle(points)
        run.at_points(name, points)


@row("2b", "kill -9 relay amid publishing, after publishing before the confirms", quick=True)
def publisher(run):
    for name in RELAYS:
        run.at_points(name, [f"{point}@relay:{run.nth(10)}" for point in ("amid_publish", "after_publish")])


def queues_of(name):
    """But the one in which something is once a minute."""
    return [queue for queue, (_, _, service, _) in QUEUES.items() if name.startswith(service) and queue != DIGESTS_QUEUE]


@row("3", "kill -9 consumer after inbox, before commit, after commit before ack, amid the acks", quick=True)
def consumer(run):
    points = ["after_inbox", "before_commit", "after_commit", "amid_settle", "after_settle"]
    for name in WORKERS:
        chosen = run.random.sample(points, 2)
        run.at_points(name, [f"{point}@{busy_queue(run, name)}:{run.nth(6)}" for point in chosen])


def busy_queue(run, name):
    """A queue of @name that much flows through; cancellations are rarer."""
    return run.random.choice([q for q in queues_of(name) if "cancel" not in q and "fail" not in q])


@row("3b", "kill -9 dead letter recorder and sender between their steps")
def recorder_and_sender(run):
    run.at_points("notification-worker", [
        f"after_claim@sender:{run.nth(4)}", f"after_send@sender:{run.nth(4)}"])
    queue = run.random.choice(["stock.ordercreated", "stock.ordercancelled"])
    run.at_points("stock-worker", [f"{point}@{queue}.dlq" for point in ("before_commit", "after_commit")],
                  lambda: run.poison_queue(queue))


@row("4", "kill -9 between compensation and its event, before and after its commit", quick=True)
def compensation(run):
    run.at_points("stock-worker", [
        f"before_event@release:{run.nth(4)}", f"before_commit@stock.ordercancelled:{run.nth(4)}",
        f"after_commit@stock.ordercancelled:{run.nth(4)}", f"before_event@take:{run.nth(8)}"])


@row("5", "SIGTERM under load to each process, twice to one", quick=True)
def sigterm(run):
    names = list(PROCESSES)
    run.random.shuffle(names)
    for name in names:
        run.fleet.restart(name)
    impatient = run.random.choice(names)
    run.fleet.signal(impatient, signal.SIGTERM)
    run.fleet.stop(impatient, {0, 1})
    run.fleet.start(impatient)


GIVEN_UP = "missed heartbeats from client"  # as the broker's log says it


def _frequent_heartbeats(run, stack):
    """The broker gives up what is silent for two or three of these."""
    change = "application:set_env(rabbit, heartbeat, {})"
    stack.callback(evaluate, run, change.format(60))
    evaluate(run, change.format(5))


@row("5b", "SIGSTOP of a worker for longer than the broker waits for its heartbeats, a second copy meanwhile",
     setup=_frequent_heartbeats)
def sigstop(run):
    name = run.random.choice(WORKERS)
    run.note("stopped", name)
    run.fleet.second(name)
    given_up = run.system.log("rabbitmq").count(GIVEN_UP)
    run.fleet.signal(name, signal.SIGSTOP)
    eventually(lambda: run.system.log("rabbitmq").count(GIVEN_UP) > given_up, "the broker to give it up", 90)
    run.pause(2)  # its other connections went silent at the same time
    run.fleet.signal(name, signal.SIGCONT)
    eventually(lambda: run.fleet.is_ready(name), f"{name} to be ready again", 60)


@row("5c", "kill -9 of every process, in any order, five times each")
def any_kill(run):
    names = list(PROCESSES) * 5
    run.random.shuffle(names)
    for name in names:
        run.fleet.kill(name)
        run.fleet.start(name, wait=name in APIS)
    run.fleet.wait_ready()
