"""What spans cost: intake and sagas without a collector, with one at the default share, and with every trace, in turn."""

import contextlib
import os
import subprocess
import sys
import time

import requests

from launcher.services import APIS, WORKERS
from support import prometheus

from .. import exact, placing
from ..figures import Bar, Chart, Result, ratios
from ..load import loadgen, place_orders
from ..rig import HERE

NAME = "tracing"
TITLE = "Tracing: off, a hundredth of the traces, all of them; against off in the same round"
CONNECTIONS = 64
STEADY_RATE = 200
PROCESSES = (*APIS, *WORKERS)
REST_SECONDS, DEADLINE_SECONDS, POLL_SECONDS = 6, 60, 0.5  # a span waits 5 s for company
# Share that is sampled, None: no collector; and what is left of the rates without.
MODES = {"off": (None, None), "1 %": ("0.01", Bar(least=0.98)), "100 %": ("1", Bar(least=0.9))}
ENDPOINT, SHARE = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG"
COUNTED = {"delivered": "cartwheel_spans_exported_total", "dropped": "cartwheel_spans_dropped_total"}


def steps(plan):
    return 2 * len(MODES) * plan.rounds + 1


def run(rig):
    result = Result()
    intakes, sagas, spans = ({mode: [] for mode in MODES} for _ in range(3))
    with sink() as address:
        for number in range(rig.plan.rounds):
            for mode, (share, _) in MODES.items():
                with traced(rig, address, share):
                    rig.step(f"tracing {mode}, round {number + 1}, intake")
                    intakes[mode].append(intake(rig))
                    rig.step(f"tracing {mode}, round {number + 1}, sagas")
                    rig.empty()
                    placing.warm_up(rig)
                    rig.checkpoint()
                    sagas[mode].append(placing.run_saga(rig))
                    spans[mode].append(counted(rig, share))
        rig.step(f"tracing 100 %, {STEADY_RATE} orders a second")
        steady = at_a_steady_rate(rig, address)
    with traced(rig, None, None):
        pass
    placing.all_accepted(result, "tracing", [saga for rounds in sagas.values() for saga in rounds])
    report(result, intakes, sagas, spans)
    result.add(f"spans delivered at {STEADY_RATE} orders/s, 100 %", "", [steady["delivered"]])
    result.check(f"tracing: {steady['dropped']:.0f} spans dropped at {STEADY_RATE} orders a second", steady["dropped"] == 0)
    exact.saga_agrees(rig, result, "tracing")
    result.notes.append("the collector reads what it is sent, on the same cores, and keeps nothing")
    return result


def report(result, intakes, sagas, spans):
    rates = {"intake": {mode: [one.rate for one in runs] for mode, runs in intakes.items()},
             "saga": {mode: [one.rate for one in runs] for mode, runs in sagas.items()}}  # fmt: skip
    for what, of_mode in rates.items():
        for mode, (_, bar) in MODES.items():
            result.add(f"{what}/s, tracing {mode}", "1/s", of_mode[mode])
            if bar is not None:
                result.add(f"{what}, tracing {mode} / off", "x", ratios(of_mode[mode], of_mode["off"]), bar)
        result.charts.append(Chart(f"Tracing: {what} a second", "1/s", list(MODES), {what: [of_mode[mode] for mode in MODES]}))
    for mode in list(MODES)[1:]:
        for kind in COUNTED:
            result.add(f"spans {kind}, {mode}", "", [one[kind] for one in spans[mode]])


def intake(rig):
    """The workers stopped: what a request costs, and nothing behind it."""
    with rig.stopped(*WORKERS):
        rig.empty()
        warm = place_orders(rig, rig.address("order-api"), CONNECTIONS, rig.plan.warm_up)
        assert warm.rate > 0
        rig.checkpoint()
        run_ = place_orders(rig, rig.address("order-api"), CONNECTIONS, rig.plan.seconds)
        rig.empty()
    return run_


def at_a_steady_rate(rig, address):
    """Of every order every span, for as long as the latency scenario runs."""
    with traced(rig, address, "1"):
        rig.empty()
        placing.warm_up(rig)
        placed = loadgen(rig, STEADY_RATE * rig.plan.latency_seconds, CONNECTIONS, [rig.address("order-api")], rate=STEADY_RATE)
        placing.notified_at(rig, [order for _, _, status, order in placed.lines() if status == 201])
        placing.settle(rig)
        return counted(rig, "1")


def counted(rig, share):
    """Spans delivered and dropped by all processes since they were started; what waits has its time to leave."""
    if share is None:
        return dict.fromkeys(COUNTED, 0)
    seen, since, deadline = None, 0, time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        now = of_all(rig)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > REST_SECONDS:
            return seen
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"spans still leave after {DEADLINE_SECONDS} s")


def of_all(rig):
    metrics = [prometheus.parse(requests.get(rig.system.processes[name].admin_url + "/metrics", timeout=10).text) for name in PROCESSES]
    return {kind: sum(one.value(name) or 0 for one in metrics) for kind, name in COUNTED.items()}


@contextlib.contextmanager
def sink():
    """The collector's address while it runs, a process of its own."""
    with subprocess.Popen([sys.executable, str(HERE / "load" / "span_sink.py")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as child:  # fmt: skip
        yield child.stdout.readline().strip()
        child.stdin.close()


@contextlib.contextmanager
def traced(rig, address, share):
    """All processes are new, and run with this collector and share meanwhile; None: as a user gets them."""
    if share is not None:
        os.environ.update({ENDPOINT: address, SHARE: share})
    rig.stop(*PROCESSES)
    rig.start(*PROCESSES)
    try:
        yield
    finally:
        for name in (ENDPOINT, SHARE):
            os.environ.pop(name, None)
