"""Whole sagas: orders placed as fast as they are accepted and followed to their notifications."""

import dataclasses
import time

from support.quiet import wait_sent
from support.waits import eventually

from . import exact
from .load import Placed, loadgen

CONNECTIONS = 64
LOOKED_AT = 200
POLL_SECONDS = 0.03
SETTLE_SECONDS = 300


@dataclasses.dataclass
class Saga:
    placed: Placed
    seconds: float  # from the first POST until the last notification row was seen

    @property
    def rate(self):
        return self.placed.ok / self.seconds


def notified_at(rig, ids, seconds=600):
    """When the last of these orders had a notification row, in seconds since 1970.

    Asks for the next few of the list only, and goes on when they are all there: each order is looked
    up about once, so that the asking costs next to nothing.
    """
    deadline = time.monotonic() + seconds
    waiting = list(reversed(ids))
    rig.sql("notification", "set enable_seqscan = off")  # by the index on the order, however new the table
    while waiting:
        asked = waiting[-LOOKED_AT:]
        found = rig.sql(
            "notification", "select order_id::text from notifications where order_id = any(%s::uuid[])", asked
        )
        there = {row[0] for row in found}
        waiting[-LOOKED_AT:] = [one for one in asked if one not in there]
        if len(there) == len(asked):
            continue
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(waiting)} of {len(ids)} orders have no notification after {seconds} s")
        time.sleep(POLL_SECONDS)
    end = time.time()
    rig.sql("notification", "reset enable_seqscan")
    return end


def run_saga(rig, orders=None, apis=None, products=None):
    """One run: exactly so many orders, followed to their end. Nothing else may be under way."""
    placed = loadgen(
        rig, orders or rig.plan.orders, CONNECTIONS, apis or [rig.address("order-api")], products=products
    )
    ids = [order for _, _, status, order in placed.lines() if status == 201]
    end = notified_at(rig, ids)
    settle(rig)
    return Saga(placed, end - placed.start_s)


def settle(rig):
    """Waits until nothing is under way any more: outboxes, queues and notifications."""
    eventually(lambda: exact.left_over(rig) == 0, "the outboxes and queues to drain", SETTLE_SECONDS)
    wait_sent(rig.databases, SETTLE_SECONDS)


def warm_up(rig):
    """Connections, plans and caches are there before anything is measured."""
    run_saga(rig, 500)


def all_accepted(result, what, sagas):
    wrong = sum(saga.placed.sent - saga.placed.ok for saga in sagas)
    result.check(f"{what}: {wrong} orders not answered by 2xx", wrong == 0)
