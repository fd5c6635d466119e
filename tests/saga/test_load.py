"""Many clients at once: everything final, conserved and told once."""

import collections

import pytest

from support.api import OrderApi
from support.history import ACCEPTED
from support.invariants import CANCELLED, CONFIRMED, check_all
from support.load import place_many, random_choices


pytestmark = pytest.mark.by_address


def test_2000_orders_over_20_products_by_32_clients(system, stocks, dead_letters, same_processes):
    """Demand is about 4,000 units of 2,800: some are refused, every order ends, stock is conserved."""
    before = system.deadlocks()
    initial = {stocks.create(140): 140 for _ in range(20)}
    history = place_many(system.api("order"), random_choices(2000, list(initial), seed=1), clients=32)
    assert history.counts() == {ACCEPTED: 2000}, history.counts()
    states = check_all(system, history, initial)
    assert len(states) == 2000
    counts = collections.Counter(states.values())
    assert counts[CONFIRMED] and counts[CANCELLED]
    dead_letters.assert_none_about(history.order_ids())
    assert system.deadlocks() == before


def test_1000_buyers_of_100_units(system, stocks, dead_letters, same_processes):
    before = system.deadlocks()
    product = stocks.create(100)
    history = place_many(system.api("order"), [[(product, 1)]] * 1000, clients=32)
    assert history.counts() == {ACCEPTED: 1000}, history.counts()
    states = check_all(system, history, {product: 100})
    assert collections.Counter(states.values()) == {CONFIRMED: 100, CANCELLED: 900}
    assert stocks.quantity(product) == 0
    dead_letters.assert_none_about(history.order_ids())
    assert system.deadlocks() == before


def test_opposite_orders_of_the_same_products_do_not_deadlock(system, stocks, dead_letters):
    """Every order takes all five products, in another sequence: locks are taken in one order all the same."""
    before = system.deadlocks()
    initial = {stocks.create(10_000): 10_000 for _ in range(5)}
    products = list(initial)
    choices = [[(products[(n + i) % 5] if n % 2 else products[(n - i) % 5], 1) for i in range(5)] for n in range(400)]
    history = place_many(system.api("order"), choices, clients=32)
    states = check_all(system, history, initial)
    assert set(states.values()) == {CONFIRMED} and len(states) == 400
    assert system.deadlocks() == before


def test_customers_who_cancel_while_orders_flow(system, stocks, dead_letters):
    """Half of the orders are cancelled at once, whatever their state: each gives back exactly what it took."""
    initial = {stocks.create(1000): 1000 for _ in range(4)}
    orders = OrderApi(system.api("order"))
    history = place_many(system.api("order"), random_choices(400, list(initial), seed=3), clients=16)
    cancelled = {a.order_id: orders.cancel(a.order_id).status_code for a in history.attempts[::2]}
    assert set(cancelled.values()) <= {202, 409}
    states = check_all(system, history, initial)
    for order_id, code in cancelled.items():
        assert states[order_id] == CANCELLED, f"cancel said {code}"
    dead_letters.assert_none_about(history.order_ids())
