"""300 bad messages over all queues while good orders flow."""

import collections
import json

import pytest

from support import poison
from support.broker import Broker
from support.history import ACCEPTED
from support.invariants import CONFIRMED, check_all
from support.load import SteadyLoad
from support.waits import eventually

pytestmark = pytest.mark.by_address

COUNT = 300
PATIENCE_S = 150  # three attempts with growing delays, for those that are tried again


def missing(dead_letters, messages):
    """{(queue, kind): count} of the messages that are not in the dead letters with a reason."""
    letters = [letter for rows in dead_letters.new_rows().values() for letter in rows if letter.reason]
    named = {(letter.queue, letter.message_id) for letter in letters}
    lost = collections.Counter()
    for kind, queue, marker, _, _ in messages:
        if (queue, marker) not in named:
            lost[queue, kind] += not any(l.queue == queue and l.is_of(marker) for l in letters)
    return {key: n for key, n in lost.items() if n}


def assert_nothing_else_died(dead_letters, messages):
    """Each bad message died once. A bad OrderCreatedEvent also makes a failure event of an order that nobody knows."""
    letters = [letter for rows in dead_letters.new_rows().values() for letter in rows]
    for kind, queue, marker, _, _ in messages:
        mine = [letter for letter in letters if letter.is_of(marker) and letter.queue == queue]
        assert len(mine) == 1, (kind, queue, mine)
        letters.remove(mine[0])
    assert all(letter.queue == "order.stock.fail" and "no order" in letter.reason for letter in letters), letters[:5]


def test_300_poison_messages(system, stocks, dead_letters, same_processes):
    initial = {stocks.create(1_000_000): 1_000_000 for _ in range(5)}
    messages = poison.storm(COUNT)
    assert len(messages) >= COUNT
    with SteadyLoad(system.api("order"), list(initial), clients=4, pause_s=0.05) as load:
        with Broker(system.amqp_url) as broker:
            for _, queue, _, body, properties in messages:
                broker.to_queue(queue, body, properties)
        def all_recorded():
            lost = missing(dead_letters, messages)
            assert not lost, f"{sum(lost.values())} of {sorted(set(lost))}"
            return True
        eventually(all_recorded, "every bad message in the dead letters with a reason", PATIENCE_S)
        history = load.stop()
    assert set(history.counts()) == {ACCEPTED}, history.details("unknown")
    states = check_all(system, history, initial)
    assert set(states.values()) == {CONFIRMED}
    assert_nothing_else_died(dead_letters, messages)
    with Broker(system.amqp_url) as broker:
        broker.wait_dead_letters_recorded()


def test_odd_properties_around_a_good_event_are_no_crime(broker, stocks, dead_letters, same_processes):
    """Header tables of any shape come with an event that is fine: it takes effect, or is dead-lettered; no crash."""
    for build in poison.PROPERTIES.values():
        product = stocks.create(5)
        event = poison.good_event("OrderCreatedEvent")
        event["Data"]["Items"] = [{"ProductId": product, "Quantity": 1}]
        broker.to_queue("stock.ordercreated", json.dumps(event), build(event["EventId"]))

        eventually(lambda p=product, e=event: stocks.quantity(p) == 4 or dead_letters.of(e["Data"]["OrderId"]),
                   "the event to take effect or to be dead-lettered", 60)
