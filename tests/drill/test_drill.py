"""The drill of docs/runbooks/drill.md: a new build of the stock service has two faults, and an operator puts it right.

Customers order all the while, 100 times a second. The operator has the commands alone; what they came to is judged from
outside at the end. CARTWHEEL_DRILL_PAGE names the page whose output is to be written anew.
"""

import contextlib
import os
import pathlib
import re
import time

import pytest

from faults import mutants, patches
from monitoring.scraping import Prometheus, addresses
from support.api import StockApi
from support.history import ACCEPTED
from support.invariants import check_all
from support.names import SERVICES
from support.placing import Placing
from support.quiet import wait_drained, wait_final, wait_sent
from support.system import private_system
from support.waits import eventually

from drill.console import Console

RATE = 100           # orders a second
FAULTY_SECONDS = 60
PRODUCTS, UNITS = 20, 1_000_000
MOST_UNITS = 12      # of which the faulty build cannot count the last
QUEUE, ALERT = "stock.ordercreated", "CartwheelDeadLetters"
DIVIDES, COUNTS = "division by zero", "smallint out of range"
WHY = "faults of the new build"
REPLAYS = 200        # letters a second
OUTPUT = re.compile(r"(?<=^```text\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def new_build(tmp_path_factory):
    """The folder of a build with the faults of faulty_stock.patch."""
    (bug,) = patches.load(pathlib.Path(__file__).parent)
    folder = tmp_path_factory.mktemp("build-new")
    with mutants.built([bug]) as places:
        (folder / "services").symlink_to(places[bug.name])
        yield folder


@pytest.fixture(scope="module")
def system():
    with private_system(options=["--observe"]) as running:
        yield running


@contextlib.contextmanager
def customers(system, products):
    """They go on ordering; gives their history."""
    with Placing(system.address("order"), products, RATE, most_units=MOST_UNITS) as placing:
        yield placing.history


@pytest.mark.timeout(1800)
def test_an_operator_puts_right_what_a_faulty_build_did(system, new_build):
    stock = StockApi(system.api("stock"))
    initial = {stock.create(UNITS): UNITS for _ in range(PRODUCTS)}
    console = Console(system, time.monotonic())
    with customers(system, list(initial)) as history:
        console.say("Customers order 100 times a second. A new build of stock-worker is rolled out.")
        console.type("restart", "stock-worker", build=new_build)
        divides, counts = until_it_is_seen(system, console)
        hold_and_mend(console)
        try_what_died(console, divides, counts)
        console.type("resume", QUEUE, "--why", "the former build is back")
        replay(console, divides)
    close(system, console, history, divides, counts)
    judge(system, history, initial, console)
    write_down(console)


def until_it_is_seen(system, console):
    """A minute of it: the alert, and the two groups of failures."""
    until = time.monotonic() + FAULTY_SECONDS
    prometheus = Prometheus(addresses(system)["prometheus"])
    eventually(lambda: ALERT in prometheus.firing(), f"{ALERT} to fire", FAULTY_SECONDS)
    console.say(f"{ALERT} fires.")
    console.shell("promtool", "query", "instant", addresses(system)["prometheus"], 'ALERTS{alertstate="firing"}')
    eventually(lambda: time.monotonic() >= until, "the minute to be over", FAULTY_SECONDS + 1)
    console.type("dlq", "groups")
    groups = {group["fingerprint"]: group for group in console.asked("dlq", "groups")}
    found = [[group for reason, group in groups.items() if wanted in reason] for wanted in (DIVIDES, COUNTS)]
    assert [len(some) for some in found] == [1, 1] and len(groups) == 2, f"not two groups: {groups}"
    (divides,), (counts,) = found
    assert divides["builds"] == counts["builds"] and len(counts["builds"]) == 1, groups
    return divides["id"], counts["id"]


def hold_and_mend(console):
    """Nothing more dies, then the build is the former again."""
    console.say("Both groups are of the new build alone. Orders wait from here on, and none dies.")
    console.type("pause", QUEUE, "--why", WHY, "--until", "1h")
    console.type("controls", "--paused")
    console.type("restart", "stock-worker")
    console.type("dlq", "groups")


def try_what_died(console, divides, counts):
    """The first group would work. Orders of the second were refused when they died, and their customers told so."""
    console.say("Would they work now? Each handler runs and is rolled back.")
    said = console.type("dlq", "try", "--group", divides, "--rate", str(REPLAYS), "--why", "is it gone")
    assert re.search(r"\b[1-9]\d* would work, 0 would fail, 0 refused, 0 not tried", said), said
    said = console.type("dlq", "try", "--group", counts, "--rate", str(REPLAYS), "--why", "is it gone", codes=(1,))
    assert re.search(r"\b0 would work, 0 would fail, [1-9]\d* refused, 0 not tried", said), said


def replay(console, group):
    """Its worker is killed half way."""
    following = console.started("dlq", "replay", "--all", "--group", group, "--rate", str(REPLAYS), "--stop-after", "20/100",
                                "--why", "the former build is back")
    job = eventually(lambda: half_way(console), "the job to be half way", 60)
    console.say("Half way the worker is killed.")
    console.type("stop", "stock-worker", "--kill")
    console.type("dlq", "jobs", "--state", "running")
    (halted,) = [one for one in console.asked("dlq", "jobs", "--state", "running") if one["id"] == job["id"]]
    assert halted["looked"] < halted["total"], "the kill came too late to show anything"
    console.type("start", "stock-worker")
    console.say("What the first terminal says of the job:")
    said = following.output()
    assert f"{halted['total']} replayed, 0 refused, 0 came back of {halted['total']}" in said, said


def half_way(console):
    return next((job for job in console.asked("dlq", "jobs", "--state", "running") if job["looked"] * 3 >= job.get("total", 0) > 0), None)


def close(system, console, history, divides, counts):
    """Until nothing is left to do, and nobody finds anything wrong."""
    console.say("What remains are letters of orders that were refused: those customers were told, and nothing is owed to them.")
    console.type("dlq", "discard", "--all", "--queue", QUEUE, "--rate", "1000", "--yes", "--why", "their orders were refused")
    for group in (divides, counts):
        console.type("dlq", "close", group, "--why", "the former build is back")
    console.type("dlq", "groups")
    wait_final(system.databases, [order for attempt in history.having(ACCEPTED) for order in attempt.ids], 120)
    wait_drained(system, 120)
    wait_sent(system.databases, 120)
    laps = {service: laps_of(system, service) for service in SERVICES}
    for service in SERVICES:
        eventually(lambda s=service: not set(laps[s]) & set(laps_of(system, s)), f"a lap of the {service} auditor", 180)
    for service in SERVICES:
        console.type("psql", service, "-c", "select check_name, subject, fault from auditor_findings")
    console.type("reconcile")
    console.type("orders", "--stuck")


def laps_of(system, service):
    """[(check, its lap)]"""
    return system.databases.rows(service, "select name, lap from auditor_checks")


def judge(system, history, initial, console):
    """Every order has one final state, stock is exact, each customer was told once; nothing waits, nothing was replayed twice."""
    states = check_all(system, history, initial)
    told = system.databases.rows("notification", "select order_id::text, count(*) from notifications where status = 3 group by 1")
    assert dict(told) == dict.fromkeys(states, 1), "not each customer was told once"
    assert not system.databases.value("stock", "select count(*) from dead_letters where act is null")
    console.say(f"{len(states)} orders are final, stock is exact, each customer was told once. It took {console.minutes():.1f} minutes.")


def write_down(console):
    """Into the page that the environment names."""
    if page := os.environ.get("CARTWHEEL_DRILL_PAGE"):
        path = pathlib.Path(page)
        output = "".join(f"{line}\n" for line in console.lines)
        path.write_text(OUTPUT.sub(lambda _: output, path.read_text(encoding="utf-8"), count=1), encoding="utf-8")
