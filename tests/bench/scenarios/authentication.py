"""What access tokens cost: placing orders at an API that checks them against one that does not, in short turns."""

from launcher.services import WORKERS

from .. import exact
from ..figures import Bar, Result, ratios
from ..load import place_orders
from ..replicas import Replica

NAME = "authentication"
TITLE = "Authentication: orders by 64 connections with tokens checked, against none"
CLIENTS = 64
TURNS = 6  # of a round, each side one second: what the machine does meanwhile meets both
KEPT = Bar(least=0.95)
SLOWER = Bar(most=1.1)


def steps(plan):
    return plan.rounds


def run(rig):
    result = Result()
    issuer = rig.system.servers.issuer
    checks = {"AUTH": "on", "AUTH_ISSUER": issuer.name, "AUTH_JWKS_FILE": str(issuer.jwks_file)}
    sides = {
        "on": Replica(rig, "order-api", "checking", checks),
        "off": Replica(rig, "order-api", "open", {**dict.fromkeys(checks, ""), "AUTH": "off"}),
    }
    runs = {side: [] for side in sides}
    with rig.stopped(*WORKERS):
        try:
            for api in sides.values():
                api.start(rig.quiet)
            for number in range(rig.plan.rounds):
                rig.step(f"authentication, round {number + 1}")
                measure(rig, sides, runs)
        finally:
            for api in sides.values():
                api.stop(rig.quiet)
            rig.empty()  # what the workers would find, the scenarios behind this one would pay for
    report(result, runs)
    return result


def measure(rig, sides, runs):
    """Each side is the first in every other turn."""
    rig.empty()
    for turn in range(-2, TURNS):
        for side in sorted(sides, reverse=turn % 2 == 0):
            run_ = place_orders(rig, sides[side].http_url.removeprefix("http://"), CLIENTS, 1)
            if turn >= 0:
                runs[side].append(run_)


def report(result, runs):
    exact.no_refusals(result, "authentication", [one for some in runs.values() for one in some])
    rates = {side: [one.rate for one in some] for side, some in runs.items()}
    p99 = {side: [one.p99_ms for one in some] for side, some in runs.items()}
    for side in runs:
        result.add(f"orders/s, tokens {side}", "1/s", rates[side])
        result.add(f"p99, tokens {side}", "ms", p99[side])
    result.add("orders/s, on / off", "x", ratios(rates["on"], rates["off"]), KEPT)
    result.add("p99, on / off", "x", ratios(p99["on"], p99["off"]), SLOWER)
