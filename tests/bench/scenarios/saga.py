"""Orders placed as fast as they are accepted, until the last notification row exists."""

from .. import baseline, exact, placing
from ..figures import Bar, Chart, Result, ratios

NAME = "saga"
TITLE = "Saga: whole orders a second, from the first POST until the last notification row"
LEAST = Bar(least=0.45)


def steps(plan):
    return 2 * plan.rounds + 1


def run(rig):
    result = Result()
    sagas, theirs = [], []
    rig.step("saga, warm-up")
    rig.empty()
    placing.warm_up(rig)
    with baseline.database(rig) as database:
        for number in range(rig.plan.rounds):
            rig.step(f"saga, round {number + 1}")
            rig.checkpoint()
            sagas.append(placing.run_saga(rig))
            rig.step(f"saga, round {number + 1}, pgbench")
            theirs.append(database.measure(placing.CONNECTIONS))
    placing.all_accepted(result, "saga", sagas)
    exact.saga_agrees(rig, result, "saga")
    rates = [saga.rate for saga in sagas]
    accepted = [saga.placed.ok / saga.placed.seconds for saga in sagas]
    result.add("whole sagas/s", "1/s", rates)
    result.add("accepted/s meanwhile", "1/s", accepted)
    result.add("pgbench at 64", "1/s", theirs)
    result.add("sagas / pgbench at 64", "x", ratios(rates, theirs), LEAST)
    result.add("POST p99 meanwhile", "ms", [saga.placed.latency_ms["p99"] for saga in sagas])
    result.notes.append(f"{rig.plan.orders} orders a round")
    series = {"whole sagas": [rates], "accepted": [accepted], "pgbench": [theirs]}
    result.charts.append(Chart("Orders a second, workers running", "1/s", ["64 connections"], series))
    return result
