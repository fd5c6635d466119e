"""Dead letters replayed while orders flow, twice, with kill -9 in the middle: the world changes once."""

import collections

import pytest

from support.dead_letters import DeadLetterAdmin, dead_confirmations, dlq, start_dlq
from support.history import ACCEPTED, Attempt
from support.invariants import CONFIRMED, check_all
from support.load import SteadyLoad, grow
from support.names import ORDER_CONFIRMED, STOCK_COMPLETED
from support.waits import eventually

LETTERS = 40
WHY = ("--why", "the constraint was dropped", "--by", "saga")


def acted(databases, letters):
    return databases.value("order", "SELECT count(*) FROM dead_letters WHERE act IS NOT NULL"
                           " AND id = ANY(%s::uuid[])", (list(letters),))


def replay(system, since):
    return ("replay", "--all", "--service", "order", "--queue", "order.stock.completed", "--since", since, *WHY)


@pytest.mark.parametrize("victim", ["worker", "command"])
def test_replayed_twice_under_load_with_a_kill_in_the_middle(system, orders, stocks, dead_letters, tap, victim):
    databases = system.databases
    initial = {stocks.create(100_000): 100_000 for _ in range(4)}
    product = next(iter(initial))
    with SteadyLoad(system.api("order"), list(initial), clients=2, seed=victim, pause_s=0.05) as load:
        letters = dead_confirmations(system, orders, product, LETTERS)
        admin = DeadLetterAdmin(system, "order-worker")
        since = min(admin.show(letter)["diedAt"] for letter in letters)

        running = start_dlq(system, *replay(system, since), "--rate", "20")
        eventually(lambda: acted(databases, letters) >= LETTERS // 4, "a quarter to be replayed", 60)
        if victim == "worker":
            system.restart("order-worker", kill=True)
            assert running.wait(90) == 0, running.communicate()[1]
        else:
            running.kill()
            running.wait()
            assert 0 < acted(databases, letters) < LETTERS, "the kill came too late to prove anything"
        running.communicate(timeout=30)
        grow(load, 20, "after the kill")
        # a second time: what was done is not done again, what is left is done now
        dlq(system, *replay(system, since), "--rate", "200", check=False)
        assert acted(databases, letters) == LETTERS
        # and once more, by name
        code, lines, _ = dlq(system, "replay", *letters, *WHY, "--rate", "1000", check=False)
        assert code == 1 and collections.Counter(line["outcome"] for line in lines) == {"refused": LETTERS}
        grow(load, 20, "after the replays")
        history = load.stop()
    assert set(history.counts()) == {ACCEPTED}, history.details("unknown")
    for order in letters.values():
        history.add(Attempt(customer=orders.order(order)["customerId"], items=[(product, 1)]).accepted(order))
    states = check_all(system, history, initial)
    assert {states[order] for order in letters.values()} == {CONFIRMED}
    assert_events_once(tap.collect(), letters.values())
    others = set(history.order_ids()) - set(letters.values())
    dead_letters.assert_none_about(others)


def assert_events_once(messages, order_ids):
    """Each order was confirmed by one event, which a killed relay may send twice; and its stock result went through
    the exchange when it was announced, and not again."""
    events = collections.defaultdict(list)
    for message in messages:
        events[message.order_id, message.routing_key].append(message.envelope["EventId"])
    for order in order_ids:
        assert len(set(events[order, ORDER_CONFIRMED])) == 1, f"{order}: {events[order, ORDER_CONFIRMED]}"
        assert len(events[order, STOCK_COMPLETED]) == 1, f"{order}: its stock result went to every consumer again"
