"""kill -9 of every process under load: no accepted order lost, none twice, stock conserved."""

import contextlib
import threading

import pytest
import requests
from operators.audit import check_log

from support.history import ACCEPTED, UNKNOWN
from support.invariants import check_all, check_recovered
from support.load import SteadyLoad, grow
from support.names import PROCESSES
from support.waits import eventually

pytestmark = pytest.mark.in_fault_plan("1, 2, 2b, 3, 4")

KILLS = 5
ORDERS_BETWEEN = 20


@pytest.mark.parametrize("name", PROCESSES)
def test_kill_9_five_times_under_load(system, stocks, dead_letters, name):
    initial = {stocks.create(100_000): 100_000 for _ in range(8)}
    with SteadyLoad(system.api("order"), list(initial), clients=4, seed=name) as load:
        for kill in range(KILLS):
            grow(load, ORDERS_BETWEEN, f"before kill {kill + 1} of {name}")
            system.restart(name, kill=True)
        grow(load, ORDERS_BETWEEN, f"after the last kill of {name}")
        history = load.stop()
    assert "ReadTimeout" not in history.details(UNKNOWN), history.details(UNKNOWN)
    check_recovered(system, history, initial)
    dead_letters.assert_none_about(history.order_ids())


def test_adjustments_survive_a_killed_stock_api(system, stocks):
    """Each adjustment that was answered counts once, each unanswered one at most once."""
    product = stocks.create(0)
    told = {"accepted": 0, "unknown": 0}
    stop, lock = threading.Event(), threading.Lock()

    def adjust():
        while not stop.is_set():
            try:
                outcome = "accepted" if stocks.adjust(product, 1).status_code == 200 else "unknown"
            except requests.RequestException:
                outcome = "unknown"
            with lock:
                told[outcome] += 1
            if outcome == "unknown":
                stop.wait(0.05)

    clients = [threading.Thread(target=adjust) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for _ in range(3):
            goal = told["accepted"] + 50
            eventually(lambda g=goal: told["accepted"] >= g, "50 more adjustments")
            system.restart("stock-api", kill=True)
    finally:
        stop.set()
        for client in clients:
            client.join(60)
    assert told["accepted"] <= stocks.quantity(product) <= told["accepted"] + told["unknown"]
    movements = stocks.movements(product)
    assert sum(m["delta"] for m in movements) == stocks.quantity(product)
    logged = "SELECT count(*) FROM audit_log WHERE object_id = %s"
    assert system.databases.value("stock", logged, (product,)) == len(movements)
    assert check_log(system.databases.url("stock"))[1] == []


def test_all_workers_killed_at_once(system, stocks, dead_letters):
    initial = {stocks.create(1000): 1000 for _ in range(4)}
    workers = [name for name in PROCESSES if name.endswith("worker")]
    with SteadyLoad(system.api("order"), list(initial), clients=4, seed="all") as load:
        grow(load, 30, "before the kill")
        with contextlib.ExitStack() as started_again:
            for name in workers:
                started_again.callback(system.restart, name)
            for name in workers:
                system.signal(name, 9)
            grow(load, 30, "with no worker at all")
        history = load.stop()
    assert set(history.counts()) == {ACCEPTED}
    check_all(system, history, initial)
    dead_letters.assert_none_about(history.order_ids())
