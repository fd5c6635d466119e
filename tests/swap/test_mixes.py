"""The whole saga with each of the eight mixes of ours and theirs: stock exact, one end, one notification."""

import os

import pytest

from support.broker import Broker
from support.mixes import CRASHES, MIXES, Mix
from support.tap import Tap

ORDERS = int(os.environ.get("CARTWHEEL_SWAP_ORDERS", "300"))
SHORT = 100  # with fewer orders stand-ins are killed once and look for work more often


@pytest.mark.parametrize("theirs", MIXES, ids=lambda theirs: "+".join(sorted(theirs)) + " theirs" if theirs else "all ours")
def test_every_order_ends_once(system, empty_queues, their_databases, sender, theirs):
    few = ORDERS < SHORT
    crashes = {service: steps[:1] for service, steps in CRASHES.items()} if few else CRASHES
    with Tap(system.amqp_url) as tap, Mix(system, their_databases, sender, theirs, 0.05 if few else 1, crashes) as mix:
        mix.run(ORDERS)
        assert mix.repeat(tap) >= 2 * ORDERS
        assert not mix.violations()
        assert 0 < mix.refused() < len(mix.ordered)
        mix.assert_all_were_killed()
        mix.stop()
        with Broker(system.amqp_url) as broker:
            dead = {queue: depth for queue, depth in broker.dead_letter_depth().items() if depth}
        # Theirs dead-letters each refusal, and ours nothing; a killed one may do so twice.
        assert set(dead) == ({"stock.ordercreated"} if "stock" in theirs else set())
        assert sum(dead.values()) >= (mix.refused() if dead else 0)
