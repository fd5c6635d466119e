"""Orders flow through the containers: by the tests of the saga, past a crash, and with more copies."""

import os
import subprocess

import requests

from harness.command import MINUTE, run
from harness.images import ROOT
from harness.stack import DATABASES, LONG_RUNNING
from support.api import items_of, new_id
from support.history import ACCEPTED
from support.invariants import check_recovered
from support.load import SteadyLoad, grow
from support.waits import eventually

COPIES = 3
SAGA_SECONDS = 8 * MINUTE


def kill_9(stack, container):
    """Kills the container's process from outside, as a crash would: for Docker it is not a wish to stop."""
    run("docker", "run", "--rm", "--network=none", "--pid=host", "--entrypoint=bash", stack.settings["POSTGRES_IMAGE"],
        "-c", f"kill -9 {container['State']['Pid']}")


def settle(system, history, initial, dead_letters):
    check_recovered(system, history, initial)
    dead_letters.assert_none_about(history.order_ids())


def test_the_saga_against_the_published_ports(stack, tmp_path, report):
    """The tests of tests/saga that need nothing but addresses; meanwhile no process ends, and nothing deadlocks."""
    before = stack.everything()
    environ = {**os.environ, "CARTWHEEL_TEST_ENDPOINTS": str(stack.write_endpoints(tmp_path))}
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", str(ROOT / "tests" / "saga")],
                          cwd=ROOT / "tests", env=environ, timeout=SAGA_SECONDS, check=False, encoding="utf-8",
                          errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-8000:]
    report("the saga against the published ports", [done.stdout.strip().splitlines()[-1].strip("= ")])
    for name in LONG_RUNNING:
        after = stack.container(name)
        assert after["State"]["StartedAt"] == before[name]["State"]["StartedAt"], f"{name} was restarted"
        assert after["RestartCount"] == before[name]["RestartCount"]
    for name in DATABASES:
        assert "deadlock detected" not in stack.log(stack.container(name))


def test_a_killed_worker_comes_back_and_nothing_is_lost(stack, system, stocks, dead_letters):
    initial = {stocks.create(100_000): 100_000 for _ in range(5)}
    with SteadyLoad(system.api("order"), list(initial), clients=4, seed="kill") as load:
        grow(load, 30, "before the kill")
        victim = stack.container("stock-worker")
        kill_9(stack, victim)

        def back():
            now = stack.container("stock-worker")
            return now["RestartCount"] > victim["RestartCount"] and now["State"]["Health"]["Status"] == "healthy"
        eventually(back, "Docker to start stock-worker again", 60)
        grow(load, 30, "after the kill")
        history = load.stop()
    assert set(history.counts()) == {ACCEPTED}, "an API needs no worker"
    settle(system, history, initial, dead_letters)


def test_more_copies_under_load_share_the_work(stack, system, stocks, dead_letters):
    """APIs and workers are scaled up and down again while orders flow, at the same addresses."""
    initial = {stocks.create(1_000_000): 1_000_000 for _ in range(5)}
    first = {name: stack.container(name)["Id"] for name in ("order-api", "stock-worker")}
    with SteadyLoad(system.api("order"), list(initial), clients=4, seed="scale") as load:
        grow(load, 30, "with one copy of each")
        stack.compose("--profile", "app", "up", "-d", *(f"--scale={name}={COPIES}" for name in first))
        stack.wait_healthy()
        for name, identity in first.items():
            copies = {c["Id"]: c for c in stack.containers(name)}
            assert len(copies) == COPIES and identity in copies, "the first copy goes on"
        _wait_until_all_work(stack, system, stocks.create(1_000_000))
        stack.compose("--profile", "app", "up", "-d", *(f"--scale={name}=1" for name in first))
        grow(load, 30, "with one copy again")
        history = load.stop()
    assert all(len(stack.containers(name)) == 1 for name in first)
    settle(system, history, initial, dead_letters)


def _wait_until_all_work(stack, system, product):
    """New connections reach every copy of the API, and every copy of the worker takes stock. These orders are not of
    the history that is checked: they have a product of their own."""
    sentences = {"order-api": "order accepted", "stock-worker": "stock taken"}

    def idle():
        answer = requests.post(f"{system.api('order')}/api/orders", timeout=30, headers={"Connection": "close"},
                               json={"customerId": new_id(), "items": items_of((product, 1))})
        assert answer.status_code == 201, answer.text
        return [(name, copy["Name"]) for name, sentence in sentences.items() for copy in stack.containers(name)
                if sentence not in stack.log(copy)]
    eventually(lambda: not idle(), "every copy to have its share", 60)
