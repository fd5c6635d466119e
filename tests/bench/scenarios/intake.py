"""Durable orders over HTTP a second, against pgbench doing the same inserts in the same cluster."""

from launcher.services import WORKERS

from .. import baseline, exact
from ..figures import Bar, Chart, Result, ratios
from ..load import place_orders
from ..placing import settle

NAME = "intake"
TITLE = "Intake: durable orders a second, against pgbench -M prepared with as many clients"
CONNECTIONS = (1, 16, 64, 256)
LEAST = {1: Bar(least=0.6), 64: Bar(least=2.5), 256: Bar(least=3.0)}
P99_AT_64 = Bar(most=20)


def steps(plan):
    return len(CONNECTIONS) * 2 * plan.rounds + plan.rounds


def run(rig):
    result = Result()
    ours, theirs = {}, {}
    with rig.stopped(*WORKERS), baseline.database(rig) as database:
        for connections in CONNECTIONS:
            ours[connections], theirs[connections] = [], []
            for number in range(rig.plan.rounds):
                where = f"intake, {connections} connections, round {number + 1}"
                rig.step(where)
                ours[connections].append(measure(rig, result, connections))
                rig.step(f"{where}, pgbench")
                theirs[connections].append(database.measure(connections))
        rig.empty()
    with_workers = [beside_workers(rig) for _ in range(rig.plan.rounds)]
    report(result, ours, theirs, with_workers)
    return result


def measure(rig, result, connections):
    """One run of ours on empty tables, the workers stopped; each answer is accounted for."""
    rig.empty()
    warm = place_orders(rig, rig.address("order-api"), connections, rig.plan.warm_up)
    rig.checkpoint()
    run_ = place_orders(rig, rig.address("order-api"), connections, rig.plan.seconds)
    exact.intake_agrees(rig, result, f"intake at {connections}", [(warm, connections), (run_, connections)])
    return run_


def beside_workers(rig):
    """The same while the workers carry the orders on; then they finish."""
    rig.step("intake, 64 connections, workers running")
    run_ = place_orders(rig, rig.address("order-api"), 64, rig.plan.seconds)
    settle(rig)
    return run_


def report(result, ours, theirs, with_workers):
    for connections in CONNECTIONS:
        rates = [one.rate for one in ours[connections]]
        result.add(f"orders/s at {connections}", "1/s", rates)
        result.add(f"pgbench at {connections}", "1/s", theirs[connections])
        result.add(f"orders / pgbench at {connections}", "x", ratios(rates, theirs[connections]), LEAST.get(connections))
        bar = P99_AT_64 if connections == 64 else None
        result.add(f"p99 at {connections}", "ms", [one.p99_ms for one in ours[connections]], bar)
    result.add("orders/s at 64, workers running too", "1/s", [one.rate for one in with_workers])
    everything = [one for runs in ours.values() for one in runs] + with_workers
    exact.no_refusals(result, "intake", everything)
    result.check("intake: each answered order has its row, item and event", result.exact())
    result.notes.append("the workers are stopped where it says nothing else: pgbench has nothing behind it either")
    labels = [f"{connections} connections" for connections in CONNECTIONS]
    series = {
        "Cartwheel": [[one.rate for one in ours[connections]] for connections in CONNECTIONS],
        "pgbench": [theirs[connections] for connections in CONNECTIONS],
    }
    result.charts.append(Chart("Durable orders a second", "1/s", labels, series))
