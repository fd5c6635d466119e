"""SIGTERM under load: exit 0 in time, nothing lost, nothing done twice for want of an orderly end."""

import signal
import time

import pytest
import requests

from support.child import instead
from support.history import UNKNOWN
from support.invariants import check_all
from support.load import SteadyLoad, grow, retry_unknown
from support.names import PROCESSES, WORKERS
from support.waits import eventually

STOP_SECONDS = 20


def duplicates(system, name):
    return system.metrics(name).total("duplicate")


@pytest.mark.parametrize("name", PROCESSES)
def test_sigterm_under_load(system, stocks, tap, dead_letters, name):
    initial = {stocks.create(100_000): 100_000 for _ in range(5)}
    base = system.api("order")
    address = {"HTTP_LISTEN": base.split("//")[1]} if name == "order-api" else None
    with instead(system, name, address) as process:
        with SteadyLoad(base, list(initial), clients=8, seed=name) as load:
            grow(load, 60, f"before SIGTERM to {name}")
            started = time.monotonic()
            code = process.stop()
            took = time.monotonic() - started
            load.stop()
        assert code == 0, process.log[-3000:]
        assert took < STOP_SECONDS, f"{name} took {took:.1f} s"
    history = load.history
    # what was in flight is answered; later clients find nobody there
    assert set(history.details(UNKNOWN)) <= {"ConnectionError", "503"}, history.details(UNKNOWN)
    retry_unknown(base, history)
    check_all(system, history, initial)
    dead_letters.assert_none_about(history.order_ids())
    if name in WORKERS:
        assert duplicates(system, name) == 0, "the successor was given what had been done already"
        ids = [(m.exchange, m.envelope["EventId"]) for m in tap.collect()]
        assert len(ids) == len(set(ids)), "an event was published twice"


def test_sigterm_twice_is_as_orderly(system, stocks, dead_letters):
    """An impatient operator: the second signal may hurry, never lose."""
    initial = {stocks.create(100_000): 100_000 for _ in range(5)}
    with instead(system, "stock-worker") as process:
        with SteadyLoad(system.api("order"), list(initial), clients=8, seed="twice") as load:
            grow(load, 60, "before SIGTERM")
            process.process.send_signal(signal.SIGTERM)
            process.good_exits = {0, 1}
            assert process.stop() in process.good_exits, process.log[-3000:]
            history = load.stop()
    check_all(system, history, initial)
    dead_letters.assert_none_about(history.order_ids())


@pytest.mark.parametrize("name", PROCESSES)
def test_sigterm_when_idle_is_quick(system, name):
    with instead(system, name) as process:
        started = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", WORKERS)
def test_sigterm_while_the_broker_is_away(system, name):
    """Nothing to wait for that will come: the process ends all the same."""
    nowhere = {"AMQP_URL": "amqp://guest:guest@127.0.0.1:1/", "AMQP_CA_FILE": None}
    with instead(system, name, nowhere, ready=False) as process:
        eventually(lambda: process.get("/health/live").ok, "the process to live", forgive=(requests.RequestException,))
        started = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - started < STOP_SECONDS
