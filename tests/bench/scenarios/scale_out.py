"""Two and three of each API and worker on the same machine, orders placed over all APIs in turn."""

from .. import exact, placing
from ..figures import Bar, Chart, Result, ratios
from ..replicas import replicas

NAME = "scale-out"
TITLE = "Scale-out: whole sagas a second with more processes of each kind on the same machine"
COUNTS = (1, 2, 3)
LEAST = Bar(least=0.85)


def steps(plan):
    return 1 + len(COUNTS) * plan.rounds


def run(rig):
    result = Result()
    rig.step("scale-out, warm-up")
    rig.empty()
    placing.warm_up(rig)
    sagas = {count: [] for count in COUNTS}
    for number in range(rig.plan.rounds):
        for count in COUNTS:
            rig.step(f"scale-out, round {number + 1}, {count} of each")
            with replicas(rig, count) as apis:
                placing.run_saga(rig, 200 * count, apis)  # their first orders prepare statements
                rig.checkpoint()
                sagas[count].append(placing.run_saga(rig, apis=apis))
    placing.all_accepted(result, "scale-out", [saga for runs in sagas.values() for saga in runs])
    exact.saga_agrees(rig, result, "scale-out")
    rates = {count: [saga.rate for saga in runs] for count, runs in sagas.items()}
    for count in COUNTS:
        result.add(f"{count} of each", "1/s", rates[count])
        if count > 1:
            result.add(f"{count} of each / 1", "x", ratios(rates[count], rates[1]), LEAST)
    series = {"whole sagas": [rates[count] for count in COUNTS]}
    result.charts.append(Chart("Whole sagas a second", "1/s", [f"{count} of each" for count in COUNTS], series))
    return result
