"""Broker and database go away and come back under load: nothing lost, nothing dead-lettered."""

import time

import pytest
import requests

from support.api import items_of, new_id
from support.history import ACCEPTED, UNKNOWN
from support.invariants import check_recovered
from support.load import SteadyLoad, grow
from support.names import PROCESSES
from support.system import cpu_shares
from support.waits import eventually

SPIN = 0.2


def storm(system, stocks, fault, seed):
    """Load before, during and after @fault, then every invariant; returns the history."""
    initial = {stocks.create(100_000): 100_000 for _ in range(8)}
    with SteadyLoad(system.api("order"), list(initial), clients=4, seed=seed) as load:
        grow(load, 40, "before the fault")
        fault(load)
        for name in PROCESSES:
            system.wait_ready(name, 90)
        grow(load, 40, "after the fault")
        history = load.stop()
    assert "ReadTimeout" not in history.details(UNKNOWN), history.details(UNKNOWN)
    check_recovered(system, history, initial, final_timeout=120)
    return history


@pytest.mark.in_fault_plan("6")
@pytest.mark.parametrize("kill", [False, True], ids=["restart", "kill-9"])
def test_the_broker(system, stocks, dead_letters, same_processes, kill):
    """The APIs go on accepting: the outbox holds the events meanwhile."""
    history = storm(system, stocks, lambda load: system.restart("rabbitmq", kill=kill), f"broker-{kill}")
    assert set(history.counts()) == {ACCEPTED}, history.details(UNKNOWN)
    dead_letters.assert_none_about(history.order_ids())


@pytest.mark.in_fault_plan("13")
@pytest.mark.parametrize("kill", [False, True], ids=["restart", "kill-9"])
def test_the_database(system, stocks, dead_letters, same_processes, kill):
    history = storm(system, stocks, lambda load: system.restart("postgres", kill=kill), f"database-{kill}")
    dead_letters.assert_none_about(history.order_ids())


def test_503_with_retry_after_while_the_database_is_away(system, orders, stocks, same_processes):
    with system.without("postgres"):
        def refused():
            started = time.monotonic()
            answer = orders.place(items_of((new_id(), 1)))
            assert time.monotonic() - started < 15, "the answer took too long"
            assert answer.status_code == 503, answer.status_code
            return answer
        answer = eventually(refused, "a 503")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert orders.get(f"/api/orders/{new_id()}").status_code == 503
        assert stocks.get(f"/api/stocks/{new_id()}").status_code == 503
        eventually(lambda: not system.is_ready("order-api"), "order-api to report that it is not ready")
    for name in PROCESSES:
        system.wait_ready(name, 90)
    assert orders.place(items_of((new_id(), 1))).status_code == 201


def assert_no_spin(system):
    """A lane that waits for its server sleeps."""
    shares = cpu_shares(system.pids())
    assert all(share < SPIN for share in shares.values()), shares


@pytest.mark.parametrize("server", ["rabbitmq", "postgres"])
def test_nobody_spins_while_a_server_is_away_or_after_it_came_back(system, server, same_processes):
    with system.without(server):
        eventually(lambda: not system.is_ready("stock-worker"), "stock-worker to notice")
        assert_no_spin(system)
    for name in PROCESSES:
        system.wait_ready(name, 90)
    assert_no_spin(system)


def test_a_readiness_probe_names_the_server_that_is_away(system, same_processes):
    with system.without("rabbitmq"):
        def named():
            answer = requests.get(system.admin("order-worker") + "/health/ready", timeout=5)
            return answer.status_code == 503 and "rabbitmq" in answer.text
        eventually(named, "order-worker to name the broker")
        assert requests.get(system.admin("order-worker") + "/health/live", timeout=5).status_code == 200
        assert system.is_ready("order-api"), "an API needs no broker"
    for name in PROCESSES:
        system.wait_ready(name, 90)


@pytest.mark.in_fault_plan("14")
def test_terminated_backends(system, stocks, databases, dead_letters, same_processes):
    """Every connection of ours is cut 30 times while orders flow."""
    def cut(load):
        for _ in range(30):
            with databases.superuser() as connection:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                   " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
            grow(load, 2, "between two cuts")
    history = storm(system, stocks, cut, "terminated")
    dead_letters.assert_none_about(history.order_ids())
