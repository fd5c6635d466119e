"""The checker checked: each fault it exists for is made on purpose, and it has to speak up."""

import contextlib

import pytest

from support import invariants
from support.api import new_id
from support.history import ACCEPTED, FAIL
from support.load import place_many

pytestmark = [pytest.mark.by_address, pytest.mark.none_of_ours]


@pytest.fixture(scope="module")
def settled(system, stocks):
    """Twenty orders that kept every promise: (databases, history, states, initial)."""
    initial = {stocks.create(15): 15}
    history = place_many(system.api("order"), [[(product, 1)] for product in initial] * 20, clients=4)
    return system.databases, history, invariants.check_all(system, history, initial), initial


@contextlib.contextmanager
def tampered(databases, service, change, undo):
    """Runs the (statement, parameters) @change, and @undo at the end; each must meet one row."""
    assert databases.execute(service, *change) == 1
    try:
        yield
    finally:
        assert databases.execute(service, *undo) == 1


def assert_seen(violations, invariant):
    assert any(violation.startswith(invariant) for violation in violations), violations


def first(states, status):
    return next(order for order, s in states.items() if s == status)


def test_a_lost_a_doubled_and_an_unasked_order_are_seen(settled):
    databases, history, _, _ = settled
    attempt = history.attempts[0]
    assert attempt.outcome == ACCEPTED
    kept = {"customer": attempt.customer, "placed": attempt.placed, "ids": attempt.ids}
    try:
        for changes in ({"customer": new_id()}, {"ids": {new_id(): None}}, {"placed": [FAIL], "ids": {}}):
            vars(attempt).update({**kept, **changes})
            assert_seen(invariants.check_clients(databases, history), "I1")
    finally:
        vars(attempt).update(kept)
    assert not invariants.check_clients(databases, history)


def test_a_state_that_the_history_does_not_know_is_seen(settled):
    databases, _, states, _ = settled
    order = first(states, invariants.CONFIRMED)
    with tampered(databases, "order",
                  ("UPDATE order_history SET status = 1 WHERE order_id = %s", (order,)),
                  ("UPDATE order_history SET status = 2 WHERE order_id = %s", (order,))):
        assert_seen(invariants.check_order_states(databases, list(states)), "I2")


@pytest.mark.parametrize("units", [1, 7])
def test_units_that_nobody_brought_are_seen(settled, units):
    databases, _, states, initial = settled
    product, = initial
    with tampered(databases, "stock",
                  ("UPDATE stock SET quantity = quantity + %s WHERE product_id = %s", (units, product)),
                  ("UPDATE stock SET quantity = quantity - %s WHERE product_id = %s", (units, product))):
        assert_seen(invariants.check_stock(databases, states, initial), "I3")


def test_a_ledger_entry_twice_is_seen(settled):
    databases, _, states, initial = settled
    product, = initial
    entry, order = new_id(), first(states, invariants.CONFIRMED)
    with tampered(databases, "stock",
                  ("INSERT INTO stock_movements (id, product_id, delta, kind, order_id)"
                   " VALUES (%s, %s, 0, 'taken', %s)", (entry, product, order)),
                  ("DELETE FROM stock_movements WHERE id = %s", (entry,))):
        assert_seen(invariants.check_stock(databases, states, initial), "I3")


def test_a_cancelled_order_that_holds_stock_is_seen(settled):
    databases, _, states, initial = settled
    product, = initial
    entry, order = new_id(), first(states, invariants.CANCELLED)
    with tampered(databases, "stock",
                  ("INSERT INTO stock_movements (id, product_id, delta, kind, order_id)"
                   " VALUES (%s, %s, -1, 'taken', %s)", (entry, product, order)),
                  ("DELETE FROM stock_movements WHERE id = %s", (entry,))):
        assert_seen(invariants.check_reservations(databases, states), "I4")


def test_a_notification_that_is_missing_is_seen(settled):
    databases, _, states, _ = settled
    order, stranger = first(states, invariants.CANCELLED), new_id()
    with tampered(databases, "notification",
                  ("UPDATE notifications SET order_id = %s WHERE order_id = %s", (stranger, order)),
                  ("UPDATE notifications SET order_id = %s WHERE order_id = %s", (order, stranger))):
        assert_seen(invariants.check_notifications(databases, list(states), timeout=0.5), "I5")


def test_a_notification_for_the_wrong_order_is_seen(settled):
    databases, _, states, _ = settled
    order, other = first(states, invariants.CANCELLED), first(states, invariants.CONFIRMED)
    event = databases.value("notification", "SELECT event_id FROM notifications WHERE order_id = %s", (order,))
    with tampered(databases, "notification",
                  ("UPDATE notifications SET order_id = %s WHERE event_id = %s", (other, event)),
                  ("UPDATE notifications SET order_id = %s WHERE event_id = %s", (order, event))):
        assert_seen(invariants.check_notifications(databases, list(states), timeout=0.5), "I5")


def test_an_open_transaction_is_seen(settled):
    databases, _, _, _ = settled
    with databases.connect("order", autocommit=False) as forgotten:
        forgotten.execute("SELECT 1")
        assert_seen(invariants.check_no_open_transactions(databases, timeout=3), "I8")
        forgotten.rollback()
    assert not invariants.check_no_open_transactions(databases)
