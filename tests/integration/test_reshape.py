"""./cartwheel reshape: queues are made anew in another shape while orders flow, and whatever cuts it off loses nothing."""

import os
import subprocess
import threading

import pytest

from support.child import run_binary
from support.names import QUEUES, dead_letter_queue
from support.proxy import Proxy
from support.system import LAUNCHER, ROOT, STEP_SECONDS
from support.urls import address_of, with_address
from support.waits import eventually

pytestmark = pytest.mark.in_fault_plan("9")

DIFFERS = "what is on the broker differs from what is declared"
CREATED = "stock.ordercreated"
OF_STOCK = [name for queue, facts in QUEUES.items() if facts[2] == "stock" for name in (queue, dead_letter_queue(queue))]
WAITING = 120


def reshape(system, *arguments):
    environ = {**os.environ, "CARTWHEEL_HOME": str(system.home)}
    return subprocess.Popen([str(LAUNCHER), "reshape", *arguments, "--service", "stock"], cwd=ROOT, env=environ, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process):
    said, _ = process.communicate(timeout=STEP_SECONDS)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module", autouse=True)
def as_it_was(system):
    yield
    finish(reshape(system, "cartwheel"))


def assert_made_whole(system, broker, shape):
    """No queue is left beside, and a migrator finds what it would have made itself."""
    assert not any(broker.depth(name + ".moving") is not None for name in OF_STOCK)
    migrated = run_binary(system, "stock-migrator", {"BROKER_SHAPE": shape})
    said = migrated.stdout + migrated.stderr
    assert migrated.returncode == 0 and DIFFERS not in said, said


class Placing(threading.Thread):
    """Places orders of one unit, one after the other, until told to end."""

    def __init__(self, orders, product):
        super().__init__()
        self._orders, self._product = orders, product
        self.placed = []
        self.enough = threading.Event()

    def run(self):
        while not self.enough.wait(0.1):
            self.placed.append(self._orders.placed((self._product, 1)))


def test_queues_move_while_orders_flow(system, broker, orders, stocks, databases):
    product = stocks.create(100_000)
    finish(reshape(system, "cartwheel"))
    said = reshape(system, "dotnet", "--dry-run").communicate(timeout=STEP_SECONDS)[0]
    assert said.count("would be made anew") == len(OF_STOCK), said
    placing = Placing(orders, product)
    placing.start()
    try:
        finish(reshape(system, "dotnet"))
    finally:
        placing.enough.set()
        placing.join()
    assert len(placing.placed) > 10
    for order_id in placing.placed:
        orders.wait(order_id, "Confirmed", timeout=60)
    assert stocks.quantity(product) == 100_000 - len(placing.placed)
    assert databases.value("stock", "SELECT count(*) FROM stock_movements WHERE product_id = %s AND kind = 'taken'",
                           (product,)) == len(placing.placed)
    assert_made_whole(system, broker, "dotnet")
    assert finish(reshape(system, "dotnet")).count("is as it should be") == len(OF_STOCK)


@pytest.mark.parametrize("half_way", ["of emptying", "of filling"])
def test_a_move_that_was_cut_off_is_gone_on_with(system, broker, orders, stocks, half_way):
    """Of a broker elsewhere; what was retried meanwhile comes back too."""
    product, beside, elsewhere = (stocks.create(1000), CREATED + ".moving",
                                  ("--url", system.endpoints["amqp_url"], "--settle", "1"))
    elsewhere += ("--ca-file", system.endpoints["ca_file"]) if "ca_file" in system.endpoints else ()
    before, to = {"of emptying": ("dotnet", "cartwheel"), "of filling": ("cartwheel", "dotnet")}[half_way]
    with system.without("stock-worker"):
        finish(reshape(system, before, *elsewhere))
        placed = [orders.placed((product, 1)) for _ in range(WAITING)]
        eventually(lambda: broker.depth(CREATED) == WAITING, "the orders to wait", 60)
        broker.to_queue(CREATED + ".retry.1", b"no JSON")
        with Proxy(address_of(system.endpoints["amqp_url"])) as slow:
            slow.delay(0.01)
            move = reshape(system, to, *elsewhere, "--url", with_address(system.endpoints["amqp_url"], slow.port))
            if half_way == "of emptying":
                eventually(lambda: (broker.depth(beside) or 0) > WAITING / 3, "the move to have begun", 60)
            else:
                eventually(lambda: (broker.depth(beside) or 0) >= WAITING, "all to be beside", 60)
                eventually(lambda: (broker.depth(CREATED) or 0) > WAITING / 3, "some to be back", 60)
            move.kill()
            move.communicate()
        assert broker.depth(beside) is not None
        finish(reshape(system, to, *elsewhere))
        assert broker.depth(CREATED) >= WAITING
        assert_made_whole(system, broker, to)
    for order_id in placed:
        orders.wait(order_id, "Confirmed", timeout=60)
    assert stocks.quantity(product) == 1000 - WAITING
