"""A quiet system: 200 orders a second whatever happens, timed from when each was meant to be sent."""

from support.waits import eventually

from .. import exact, placing
from ..figures import Bar, Chart, Result
from ..load import loadgen

NAME = "latency"
TITLE = "Latency: 200 orders a second at a constant rate"
RATE = 200
CONNECTIONS = 64
WARM_UP_SECONDS = 2
BARS = {"p50": (Bar(most=3), Bar(most=45)), "p99": (Bar(most=12), Bar(most=150))}


def steps(plan):
    return plan.rounds + 2


def run(rig):
    result = Result()
    rig.step("latency, PostgreSQL notes when each transaction was committed")
    set_commit_times(rig, "on")
    try:
        rig.empty()
        placing.warm_up(rig)
        runs = [measure(rig, number) for number in range(rig.plan.rounds)]
    finally:
        rig.step("latency, PostgreSQL as before")
        set_commit_times(rig, "off")
    for name, (post_bar, confirmed_bar) in BARS.items():
        result.add(f"POST {name}", "ms", [placed.latency_ms[name] for placed, _ in runs], post_bar)
        result.add(f"POST to Confirmed {name}", "ms", [quantile(times, name) for _, times in runs], confirmed_bar)
    wrong = sum(placed.sent - placed.ok for placed, _ in runs)
    result.check(f"latency: {wrong} orders not answered by 2xx", wrong == 0)
    exact.saga_agrees(rig, result, "latency")
    result.notes.append("from the intended time of sending to the answer, and to the commit that confirms the order")
    result.notes.append("(track_commit_timestamp is on here alone)")
    series = {
        "p50": [[placed.latency_ms["p50"] for placed, _ in runs], [quantile(times, "p50") for _, times in runs]],
        "p99": [[placed.latency_ms["p99"] for placed, _ in runs], [quantile(times, "p99") for _, times in runs]],
    }
    labels = ["POST answered", "Confirmed committed"]
    result.charts.append(Chart("Milliseconds at 200 orders a second", "ms", labels, series))
    return result


def measure(rig, number):
    """One run; what was placed, and how long each order took to be confirmed, in ms."""
    rig.step(f"latency, round {number + 1}")
    seconds = rig.plan.latency_seconds
    api = [rig.address("order-api")]
    placed = loadgen(rig, RATE * seconds, CONNECTIONS, api, rate=RATE, warm_up=WARM_UP_SECONDS)
    lines = [line for line in placed.lines() if line[2] == 201]
    placing.notified_at(rig, [order for _, _, _, order in lines])
    committed = dict(
        rig.sql(
            "order",
            "select order_id::text, extract(epoch from pg_xact_commit_timestamp(xmin))::float8"
            " from order_history where status = 2 and order_id = any(%s::uuid[])",
            [order for _, _, _, order in lines],
        )
    )
    counted = [line for line in lines if line[0] >= placed.start_s + WARM_UP_SECONDS]
    placing.settle(rig)
    return placed, sorted((committed[order] - intended) * 1000 for intended, _, _, order in counted)


def quantile(times, name):
    return times[min(len(times) - 1, int({"p50": 0.5, "p99": 0.99}[name] * len(times)))]


def set_commit_times(rig, value):
    """Our processes connect again by themselves."""
    rig.superuser_sql(f"alter system set track_commit_timestamp = {value}")
    rig.forget_connections()
    rig.stop("postgres")
    rig.start("postgres")
    for name in rig.system.processes:
        eventually(lambda name=name: rig.system.component(name).probe() is None, f"{name} to be ready", 60)
