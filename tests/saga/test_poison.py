"""300 bad messages over all queues while good orders flow."""

import collections
import json

from support import poison
from support.broker import Broker
from support.invariants import CONFIRMED, check_all
from support.load import ACCEPTED, SteadyLoad
from support.names import QUEUES
from support.waits import eventually

COUNT = 300
PATIENCE_S = 150  # three attempts with growing delays, for those that are tried again


def missing(dead_letters, messages):
    """{(queue, kind): count} of the messages that are not in the dead letters with a reason."""
    rows = [row for found in dead_letters.new_rows().values() for row in found]
    named = {(row[1], row[2]) for row in rows if row[3]}
    nameless = collections.Counter(row[1] for row in rows if row[3] and not row[2])
    lost = collections.Counter()
    for kind, queue, message_id, _, _ in messages:
        if message_id is None:
            nameless[queue] -= 1
            lost[queue, kind] += nameless[queue] < 0
        else:
            lost[queue, kind] += (queue, message_id) not in named
    return {key: n for key, n in lost.items() if n}


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
            assert not lost, lost
            return True
        eventually(all_recorded, "every bad message in the dead letters with a reason", PATIENCE_S)
        history = load.stop()
    assert set(history.counts()) == {ACCEPTED}, history.details("unknown")
    states = check_all(system, history, initial)
    assert set(states.values()) == {CONFIRMED}
    rows = [row for found in dead_letters.new_rows().values() for row in found]
    assert len(rows) == len(messages), "more or fewer dead letters than bad messages"
    for row in rows:
        assert row[1] in QUEUES and row[3], row
    with Broker(system.amqp_url) as broker:
        eventually(lambda: not any(broker.dead_letter_depth().values()), "the dead letter queues to be recorded")


def test_odd_properties_around_a_good_event_are_no_crime(system, broker, stocks, tap, same_processes):
    """Header tables of any shape come with an event that is fine: it takes effect, or is dead-lettered; no crash."""
    for build in poison.PROPERTIES.values():
        product = stocks.create(5)
        event = poison.good_event("OrderCreatedEvent")
        event["Data"]["Items"] = [{"ProductId": product, "Quantity": 1}]
        broker.to_queue("stock.ordercreated", json.dumps(event), build(event["EventId"]))

        def settled(order=event["Data"]["OrderId"], product=product):
            return stocks.quantity(product) == 4 or databases_have(system, order)
        eventually(settled, "the event to take effect or to be dead-lettered", 60)


def databases_have(system, order_id):
    return system.databases.value("stock", "SELECT count(*) FROM dead_letters WHERE position(%s in body) > 0",
                                  (order_id.encode(),))
