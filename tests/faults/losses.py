"""What a failover to an asynchronous standby may do: lose what the standby lacked, and leave traces of it.

Our three databases are on one server, and go back to the same moment. The broker does not: it delivers events of orders
that are gone, and what it had acknowledged before comes no more. All of that has to be either whole or named by
./cartwheel reconcile.
"""

import collections
import contextlib
import dataclasses
import json
import subprocess
import tempfile

from support import invariants
from support.broker import Broker
from support.history import OK, History
from support.names import SERVICES
from support.quiet import wait_drained, wait_final
from support.system import LAUNCHER, ROOT
from support.waits import TookTooLong

from faults import oracles

RECONCILE_S = 60
QUIET_S = 60
HEALED_S = 20  # far longer than the watch over stuck orders takes: what is open then stays open
GHOSTS = {
    "stock": "select order_id::text from stock_reservations union"
             " select order_id::text from stock_movements where order_id is not null",
    "notification": "select order_id::text from notifications",
}


def judge(run, history):
    """In place of I1 to I7. The run knows .complete_at: what was accepted before, the standby had; and .replaced_at."""
    try:
        _wait_quiet(run)
    except TookTooLong as error:
        return [f"I8: not quiet: {error}"]
    named = _reconcile(run)
    with run.databases.snapshot() as snapshot:
        orders = {order for order, in snapshot.rows("order", "select id::text from orders")}
        return (_check_lost(run, history, orders) + invariants.check_clients(snapshot, _survivors(history, orders), 0) +
                _check_ghosts(run, snapshot, orders, named) + _check_wire(run, snapshot) +
                _check_unnamed(run, snapshot, history, orders - set(named)))


def _wait_quiet(run):
    """An order that stays open is no reason to wait for ever: it has to be named."""
    with contextlib.suppress(TookTooLong):
        wait_final(run.databases, [order for order, in run.databases.rows("order", "select id::text from orders")],
                   HEALED_S)
    wait_drained(run.system, QUIET_S)
    with Broker(run.system.amqp_url) as broker:
        broker.wait_dead_letters_recorded(QUIET_S)
    wait_drained(run.system, QUIET_S)


def _reconcile(run):
    """{order: [kinds of difference]} of ./cartwheel reconcile."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as endpoints:
        json.dump({f"{service}_database_url": run.databases.url(service) for service in SERVICES}, endpoints)
        endpoints.flush()
        done = subprocess.run(
            [str(LAUNCHER), "reconcile", "--json", "--settle", "5s", "--stuck-after", "0s", "--endpoints",
             endpoints.name], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RECONCILE_S,
            check=False)
    assert done.returncode in (0, 1), f"reconcile: {done.returncode}: {done.stderr}"
    named = collections.defaultdict(list)
    for difference in json.loads(done.stdout)["differences"]:
        named[difference["id"]].append(difference["kind"])
    run.note("reconcile", dict(collections.Counter(kind for kinds in named.values() for kind in kinds)))
    return named


def _survivors(history, orders):
    """The clients' history as if the orders that are gone had never been accepted."""
    left = []
    for attempt in history.attempts:
        if set(attempt.ids) - orders:
            kept = {order: at for order, at in attempt.ids.items() if order in orders}
            attempt = dataclasses.replace(attempt, ids=kept, missing=[])
        left.append(attempt)
    return History(left)


def _check_lost(run, history, orders):
    """I1: gone is nothing but what was accepted after the standby was complete and before it took over."""
    told = {order: at for attempt in history.attempts for order, at in attempt.ids.items()}
    lost = {order: at for order, at in told.items() if order not in orders}
    run.note("accepted orders lost", len(lost))
    return ([f"I1: {order} is lost, accepted when the standby still received all"
             for order, at in lost.items() if at < run.complete_at] +
            [f"I1: {order} is lost, accepted after the failover"
             for order, at in lost.items() if at > run.replaced_at])


def _check_ghosts(run, snapshot, orders, named):
    """Whatever is left of an order that is gone is named, and nothing else is called so."""
    found = {service: {order for order, in snapshot.rows(service, sql)} - orders for service, sql in GHOSTS.items()}
    run.note("ghosts", {service: len(ghosts) for service, ghosts in found.items()})
    ghosts = set().union(*found.values())
    called = {order for order, kinds in named.items() if "unknown_order" in kinds}
    return ([f"reconcile does not name {order}, of which stock or notifications know and orders do not"
             for order in ghosts - called] +
            [f"reconcile calls {order} unknown, and it is not" for order in called - ghosts])


def _check_wire(run, snapshot):
    """I6: what was committed and survives was published. Of what does not, the events are only counted."""
    log = oracles.outbox_log(snapshot)
    run.collect(log)
    ids, seen = {message for message, _, _ in oracles.committed(log)}, run.tap.event_ids()
    run.note("ghost events", len(seen - ids))
    run.note("dead letters", sum(snapshot.value(s, "select count(*) from dead_letters") for s in SERVICES))
    return [f"I6: {event} was committed and never published" for event in ids - seen]


def _check_unnamed(run, snapshot, history, unnamed):
    """I2 to I5 of every order that reconcile finds nothing about; those placed after the failover are among them."""
    told = {order: at for attempt in history.attempts for order, at in attempt.ids.items()}
    wrong = [f"reconcile names {order}, accepted after the failover"
             for order, at in told.items() if at > run.replaced_at and order not in unnamed]
    states = invariants.states_of(snapshot)
    run.note("cancellations lost", sum(OK in attempt.cancels and states.get(order) not in (None, invariants.CANCELLED)
                                       for attempt in history.attempts for order in attempt.ids))
    states = {order: status for order, status in states.items() if order in unnamed}
    on_hand = dict(snapshot.rows("stock", "select product_id::text, quantity from stock"))
    return (wrong + invariants.check_order_states(snapshot, list(unnamed)) +
            invariants.check_reservations(snapshot, states) +
            invariants.check_notifications(snapshot, list(unnamed), 0) +
            invariants.check_ledger(snapshot, list(run.products), on_hand))
