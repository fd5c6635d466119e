"""Rows 6 to 18: the broker and the database end, refuse, lack room, or are held up."""

import random
import threading
import time
import urllib.parse

from support.broker import Broker
from support.names import PROCESSES, QUEUES, SERVICES, STOCK_EXCHANGE, WORKERS
from support.waits import TookTooLong, eventually

from faults.rows import row

OUTAGE_S = 60
OBSERVED_S = 13    # after the healing
LATENCY_MS = 250   # what still counts as normal where a load of other processes shares two cores
SPIN = 0.3  # of one processor: a lane that waits for its server sleeps


def rabbitmqctl(run, *arguments):
    return run.system.launcher("rabbitmqctl", *arguments)


def wait_counted(run, name, metric):
    """Until @name has counted what the fault is there for. Without it nothing was shown, unless it is a bug's doing."""
    try:
        eventually(lambda: run.fleet[name].metrics().value(metric), f"{name} to count {metric}", 20)
    except TookTooLong:
        run.note("not counted", metric)


def evaluate(run, expression):
    """Runs Erlang inside the broker: one start of rabbitmqctl, which takes seconds, for many steps."""
    rabbitmqctl(run, "eval", expression + ".")


@row("6", "broker restart, graceful or kill -9", quick=True)
def broker(run):
    run.system.restart("rabbitmq", kill=run.random.random() < 0.5)


@row("6b", "broker killed and restarted three times, and nobody spins meanwhile")
def broker_again_and_again(run):
    for _ in range(3):
        run.system.launcher("stop", "rabbitmq", "--kill")
        eventually(lambda: not run.fleet.is_ready("stock-worker"), "stock-worker to notice")
        before, at = run.fleet.cpu_seconds(), time.monotonic()
        run.pause(2)
        for name, seconds in run.fleet.cpu_seconds().items():
            share = (seconds - before[name]) / (time.monotonic() - at)
            assert name not in WORKERS or share < SPIN, f"I8: {name} takes {share:.0%} of a processor while it waits"
        run.system.launcher("start", "rabbitmq")


@row("7", "broker memory alarm for 6 s: publishers are blocked")
def memory_alarm(run):
    evaluate(run, "vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1000000}), timer:sleep(6000),"
                  " vm_memory_monitor:set_vm_memory_high_watermark(0.4)")
    assert "broker blocks publishing" in run.fleet["order-worker"].log, "not injected: nobody was blocked"


@row("8", "broker disk alarm for 6 s")
def disk_alarm(run):
    evaluate(run, "rabbit_disk_monitor:set_disk_free_limit(900000000000000), timer:sleep(6000),"
                  " rabbit_disk_monitor:set_disk_free_limit(256000000)")
    assert "broker blocks publishing" in run.fleet["order-worker"].log, "not injected: nobody was blocked"


@row("9", "binding missing, queue deleted and made again while it is consumed, exchange deleted", quick=True, tapped=False)
def topology(run):
    """Each event chosen here has one consumer: where it has two, a broker tells nobody that one got nothing."""
    queue = run.random.choice(["stock.ordercreated", "order.stock.completed", "order.confirmed.queue"])
    exchange, key, _, _ = QUEUES[queue]
    run.note("unbound and deleted", queue)
    with Broker(run.system.amqp_url) as broker_:
        for _ in range(3):  # RabbitMQ 3.10.8 forgets the consumer of a queue that was made anew, now and then
            broker_.channel.queue_unbind(queue, exchange, key)
            run.pause(1.5, 2.5)
            wait_counted(run, "stock-worker" if exchange == STOCK_EXCHANGE else "order-worker",
                         "cartwheel_outbox_returned_total")
            eventually(lambda: broker_.depth(queue) == 0, f"{queue} to be empty")
            run.pause(0.5)  # for the acknowledgements of what was under way
            broker_.channel.queue_delete(queue)
            # Deleted while it is being declared, it would stay half made, and crash each channel that names it.
            eventually(lambda: broker_.consumers(queue), "I8: its consumer to notice and declare it again", 10)
        broker_.channel.exchange_delete(STOCK_EXCHANGE)
    run.pause(1)
    run.fleet.restart("order-worker")  # binds its queues to it again


@row("10", "all connections closed by the broker, four times; the password rotated away and back", quick=True)
def connections(run):
    close = "[rabbit_networking:close_connection(P, \"fault plan\") || P <- rabbit_networking:connections()]"
    users = [urllib.parse.urlsplit(run.system.environment(f"{service}-worker")["AMQP_URL"]) for service in SERVICES]

    def change(passwords):
        return ", ".join(f'rabbit_auth_backend_internal:change_password(<<"{user.username}">>, <<"{password}">>,'
                         ' <<"fault plan">>)' for user, password in zip(users, passwords))

    evaluate(run, f"lists:foreach(fun(_) -> {close}, timer:sleep(600) end, lists:seq(1, 4)),"
                  f" {change(['another'] * len(users))}, {close}, timer:sleep(3000),"
                  f" {change([user.password for user in users])}")


@row("12", "the broker refuses: reject-publish with a full queue")
def refused(run):
    queue = run.random.choice(["stock.ordercreated", "order.confirmed.queue"])
    consumer = f"{QUEUES[queue][2]}-worker"
    run.fleet.stop(consumer)  # or the queue is emptied as fast as it fills
    with run.system.limited(queue, 1):
        run.pause(4, 6)
        wait_counted(run, "order-worker", "cartwheel_outbox_refused_total")
    run.fleet.start(consumer)
    run.load.grow(100)  # goes on, over channels that have not seen the queue full
    run.system.tell_of_no_limit(queue)


@row("13", "database restart: fast, or kill -9 of the postmaster", quick=True)
def database(run):
    run.system.restart("postgres", kill=run.random.random() < 0.5)


@row("14", "random database sessions terminated every 200 ms", quick=True)
def terminated(run):
    end = time.monotonic() + 4
    while time.monotonic() < end:
        with run.databases.superuser() as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                " and backend_type = 'client backend' and random() < 0.4")
        run.pause(0.2)


@row("17", "lock storm: rows, then a table, held for longer than the lock time-out")
def locks(run):
    with run.databases.connect("stock", autocommit=False) as connection:
        connection.execute("select * from stock order by product_id for update")
        run.pause(6, 8)
        connection.rollback()
    with run.databases.connect("order", autocommit=False) as connection:
        connection.execute("lock table orders in access exclusive mode")
        run.pause(4, 6)
        connection.rollback()


@row("18", "a long repeatable read transaction holds back what vacuum may remove")
def long_reader(run):
    with run.databases.connect("order", autocommit=False) as connection:
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select count(*) from outbox")
        run.pause(20)
        run.load.grow(200)
        connection.rollback()


def _normal_again(run, history):
    """The latency of placing, second by second after the healing: normal within 10 s, and it stays so."""
    usual = max(3 * history.p99_ms(0, run.fault_at), LATENCY_MS)
    slow = [s + 1 for s in range(OBSERVED_S)
            if (p99 := history.p99_ms(run.healed_at + s, run.healed_at + s + 1)) is None or p99 > usual]
    run.note("normal latency after s", max(slow, default=0))
    run.note("slowest answer ms", history.slowest_ms())
    late = max(slow, default=0) > 10
    return [f"I8: placing is not back at {usual:.0f} ms 10 s after the healing; slow seconds: {slow}"] if late else []


def away(run, server):
    run.system.stop(server)
    run.pause(OUTAGE_S)
    run.system.launcher("start", server)
    run.healed()
    run.pause(OBSERVED_S)


@row("31", "the broker away for 60 s under load", alone=True, rate=80, check=_normal_again)
def broker_away(run):
    away(run, "rabbitmq")


@row("31b", "the database away for 60 s under load, every client repeats what was refused", alone=True, rate=80,
     check=_normal_again)
def database_away(run):
    away(run, "postgres")


@row("20b", "both servers restarted at once")
def both(run):
    restarts = [threading.Thread(target=run.system.launcher, args=("restart", name, "--kill"))
                for name in ("rabbitmq", "postgres")]
    random.Random(run.nth(100)).shuffle(restarts)
    for restart in restarts:
        restart.start()
    for restart in restarts:
        restart.join()
    for name in PROCESSES:
        eventually(lambda n=name: run.fleet.is_ready(n), f"{name} to be ready", 90)
