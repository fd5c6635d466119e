"""More orders than the workers can carry on, for a while: they wait, none is refused, none is lost."""

from .. import exact, placing
from ..figures import Bar, Result
from ..load import loadgen

NAME = "spike"
TITLE = "Spike: three times as many orders a second as whole sagas are reached"
TIMES = 3
CONNECTIONS = 256
P99 = Bar(most=60)
NONE = Bar(most=0)


def steps(plan):
    return 1 + 2 * rounds_of(plan)


def rounds_of(plan):
    return 1 if plan.quick else 3


def run(rig):
    result = Result()
    rig.step("spike, the rate of whole sagas")
    rig.empty()
    placing.warm_up(rig)
    saga = placing.run_saga(rig, rig.plan.orders // 2)
    rate = round(saga.rate * TIMES)
    runs = [measure(rig, rate, number) for number in range(rounds_of(rig.plan))]
    result.add("whole sagas/s", "1/s", saga.rate)
    result.add("orders/s sent", "1/s", rate)
    result.add("orders/s accepted", "1/s", [placed.ok / placed.seconds for placed, _ in runs])
    result.add("POST p50", "ms", [placed.latency_ms["p50"] for placed, _ in runs])
    result.add("POST p99", "ms", [placed.latency_ms["p99"] for placed, _ in runs], P99)
    result.add("answers of 5xx", "", [server_errors(placed) for placed, _ in runs], NONE)
    result.add("backlog gone after the last order", "s", [drained for _, drained in runs])
    wrong = sum(placed.sent - placed.ok for placed, _ in runs)
    result.check(f"spike: {wrong} orders not answered by 2xx", wrong == 0)
    exact.saga_agrees(rig, result, "spike")
    return result


def measure(rig, rate, number):
    """One spike; what was placed, and how long the backlog took to drain."""
    rig.step(f"spike, round {number + 1}, {rate} orders a second")
    rig.checkpoint()
    placed = loadgen(rig, rate * rig.plan.spike_seconds, CONNECTIONS, [rig.address("order-api")], rate=rate)
    rig.step(f"spike, round {number + 1}, the backlog drains")
    end = placing.notified_at(rig, [order for _, _, status, order in placed.lines() if status == 201])
    placing.settle(rig)
    return placed, end - placed.start_s - placed.seconds


def server_errors(placed):
    return sum(count for status, count in placed.statuses.items() if status.startswith("5")) + placed.unanswered
