"""A storm of tokens that are none: what each costs, and what an honest caller notices of it."""

from launcher.services import WORKERS

from .. import meter
from ..figures import Bar, Chart, Result
from ..load import loadgen, storm
from ..replicas import Replica

NAME = "storm"
TITLE = "Storm: 10,000 tokens a second that are none, beside 200 honest orders a second"
HONEST_RATE = 200
STORM_RATE = 10_000
CONNECTIONS = 32
MANY = 1_000_000  # addresses: none has brought enough to be refused for that
CORES = Bar(most=1)
SLOWER = Bar(most=2)


def steps(plan):
    return plan.rounds


def kinds(rig):
    """{what: (the key that they name, from how many addresses)}"""
    key = rig.system.servers.issuer.jwk()["kid"]
    return {
        "of an unknown key": ("0123456789abcdef", 1),
        "with wrong signatures": (key, 1),
        "with wrong signatures, each from another address": (key, MANY),
    }


def run(rig):
    result = Result()
    issuer = rig.system.servers.issuer
    changed = {
        "AUTH": "on",
        "AUTH_ISSUER": issuer.name,
        "AUTH_JWKS_FILE": str(issuer.jwks_file),
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    api = Replica(rig, "order-api", "storm", changed)
    runs = {what: [] for what in kinds(rig)}
    calm = []
    with rig.stopped(*WORKERS):
        api.start(rig.quiet)
        try:
            for number in range(rig.plan.rounds):
                rig.step(f"storm, round {number + 1}")
                measure(rig, api, calm, runs)
        finally:
            api.stop(rig.quiet)
        rig.empty()
    report(result, calm, runs)
    return result


def measure(rig, api, calm, runs):
    """One round: without a storm, then with each kind in turn."""
    rig.empty()
    before = meter.cpu_seconds(api.pid())
    calm.append(honest(rig, api))
    calm_cpu = meter.cpu_seconds(api.pid()) - before
    for what, (key, addresses) in kinds(rig).items():
        before, beside = meter.cpu_seconds(api.pid()), []
        pause_ms = CONNECTIONS * 1000 // STORM_RATE
        found = storm(
            address(api), key, addresses, CONNECTIONS, pause_ms, seconds(rig) + 1,
            lambda _, beside=beside: beside.append(honest(rig, api)),
        )  # fmt: skip
        cpu = meter.cpu_seconds(api.pid()) - before - calm_cpu
        runs[what].append((found, cpu / found.answers, beside[0]))


def seconds(rig):
    return rig.plan.seconds + 1


def address(api):
    return api.http_url.removeprefix("http://")


def honest(rig, api):
    return loadgen(rig, HONEST_RATE * seconds(rig), CONNECTIONS, [address(api)], rate=HONEST_RATE, warm_up=0.5)


def report(result, calm, runs):
    calm_p99 = [one.latency_ms["p99"] for one in calm]
    result.add("honest p99, no storm", "ms", calm_p99)
    for what, rounds in runs.items():
        p99 = [beside.latency_ms["p99"] for _, _, beside in rounds]
        result.add(f"tokens/s {what}", "1/s", [found.rate for found, _, _ in rounds])
        cores = [cpu * STORM_RATE for _, cpu, _ in rounds]
        result.add(f"cores for 10,000 a second {what}", "", cores, CORES)
        result.add(f"honest p99, tokens {what}", "ms", p99)
        slower = [one / before for one, before in zip(p99, calm_p99, strict=True)]
        result.add(f"p99 beside / without, tokens {what}", "x", slower, SLOWER)
    everybody = calm + [beside for rounds in runs.values() for _, _, beside in rounds]
    wrong = sum(one.sent - one.ok for one in everybody)
    result.check(f"storm: {wrong} honest orders not answered by 2xx", wrong == 0)
    let_in = sum(found.answers - found.refused for rounds in runs.values() for found, _, _ in rounds)
    result.check(f"storm: {let_in} tokens that are none were let in", let_in == 0)
    result.notes.append("the storm's generator is on the same cores; the processor time is that of order-api alone")
    series = {"p99": [calm_p99, *([beside.latency_ms["p99"] for _, _, beside in rounds] for rounds in runs.values())]}
    result.charts.append(Chart("Milliseconds of honest orders", "ms", ["no storm", *runs], series))
