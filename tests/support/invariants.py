"""What must hold after every storm, checked over the three databases, the broker and the clients' history.

I1 an accepted order exists once, an unknown one at most once, a refused one never
I2 each order reaches one final state, and its history agrees
I3 stock is conserved, on hand is never negative, the ledger adds up to the balance
I4 a cancelled order holds nothing; a confirmed one holds all it asked for
I5 one notification for each terminal event
I7 outbox and queues are drained; nothing is dead-lettered but what was meant to be
I8 no transaction is left open
"""

import collections

from support.broker import Broker
from support.load import ACCEPTED, REFUSED, UNKNOWN
from support.names import SERVICES, STATUS_NUMBER
from support.waits import eventually

CREATED, CONFIRMED, CANCELLED = (STATUS_NUMBER[s] for s in ("Created", "Confirmed", "Cancelled"))


def order_ids(databases, history):
    """{customer: [order ids]} of every attempt, as the order database has them."""
    customers = [a.customer for a in history.attempts]
    found = collections.defaultdict(list)
    for customer, order in databases.rows(
            "order", "SELECT customer_id::text, id::text FROM orders WHERE customer_id = ANY(%s::uuid[])",
            (customers,)):
        found[customer].append(order)
    return found


def check_clients(databases, history):
    """I1; returns the ids of all the orders that exist."""
    found = order_ids(databases, history)
    for attempt in history.attempts:
        ids = found.get(attempt.customer, [])
        if attempt.outcome == ACCEPTED:
            assert ids == [attempt.order_id], f"I1: accepted {attempt.order_id}, found {ids}"
        elif attempt.outcome == UNKNOWN:
            assert len(ids) <= 1, f"I1: an unknown attempt made {ids}"
        elif attempt.outcome == REFUSED:
            assert not ids, f"I1: a refused attempt made {ids}"
    return [order for ids in found.values() for order in ids]


def wait_final(databases, ids, timeout):
    """Waits until no order of @ids is Created any more."""
    eventually(lambda: not databases.value(
        "order", "SELECT count(*) FROM orders WHERE id = ANY(%s::uuid[]) AND status = %s", (ids, CREATED)),
        f"{len(ids)} orders to be final", timeout)


def wait_drained(system, timeout=60):
    """I7, first half: outboxes, queues and retry queues are empty."""
    databases = system.databases
    for service in SERVICES[:2]:
        eventually(lambda s=service: databases.outbox_pending(s) == 0, f"the {service} outbox to drain", timeout)
    with Broker(system.amqp_url) as broker:
        broker.wait_empty(timeout)


def check_order_states(databases, ids):
    """I2; returns {id: status number}. The history holds every change after the creation."""
    states = dict(databases.rows(
        "order", "SELECT id::text, status FROM orders WHERE id = ANY(%s::uuid[])", (ids,)))
    history = collections.defaultdict(list)
    for order, status in databases.rows(
            "order", "SELECT order_id::text, status FROM order_history WHERE order_id = ANY(%s::uuid[])"
            " ORDER BY status", (ids,)):
        history[order].append(status)
    for order, status in states.items():
        assert status in (CONFIRMED, CANCELLED), f"I2: order {order} is {status}"
        seen = history[order]
        assert len(seen) == len(set(seen)) and CREATED not in seen, f"I2: history of {order} is {seen}"
        assert seen and seen[-1] == status, f"I2: {order} is {status}, history {seen}"
    return states


def check_stock(databases, states, initial):
    """I3 and I4 for the products of @initial, whose only takers are the orders of @states."""
    products = list(initial)
    on_hand = dict(databases.rows(
        "stock", "SELECT product_id::text, quantity FROM stock WHERE product_id = ANY(%s::uuid[])", (products,)))
    held = collections.Counter()
    for order, product, quantity in databases.rows(
            "order", "SELECT order_id::text, product_id::text, quantity FROM order_items"
            " WHERE product_id = ANY(%s::uuid[])", (products,)):
        if states.get(order) == CONFIRMED:
            held[product] += quantity
    for product in products:
        assert on_hand[product] >= 0, f"I3: {product} is below zero"
        assert initial[product] == on_hand[product] + held[product], \
            f"I3: {product}: {initial[product]} != {on_hand[product]} on hand + {held[product]} held"
    check_ledger(databases, products, on_hand)


def check_ledger(databases, products, on_hand):
    """I3: the ledger adds up, and has at most one row of each kind for an order and product."""
    balance = dict(databases.rows(
        "stock", "SELECT product_id::text, sum(delta)::bigint FROM stock_movements"
        " WHERE product_id = ANY(%s::uuid[]) GROUP BY 1", (products,)))
    for product in products:
        assert balance.get(product, 0) == on_hand[product], \
            f"I3: ledger of {product} says {balance.get(product)}, the balance is {on_hand[product]}"
    twice = databases.rows(
        "stock", "SELECT order_id, product_id, kind, count(*) FROM stock_movements"
        " WHERE order_id IS NOT NULL AND product_id = ANY(%s::uuid[])"
        " GROUP BY 1, 2, 3 HAVING count(*) > 1", (products,))
    assert not twice, f"I3: ledger rows twice: {twice[:5]}"


def check_reservations(databases, states):
    """I4: net movements of a cancelled order are zero, of a confirmed one are not."""
    net = collections.defaultdict(int)
    for order, delta in databases.rows(
            "stock", "SELECT order_id::text, sum(delta)::bigint FROM stock_movements"
            " WHERE order_id = ANY(%s::uuid[]) GROUP BY order_id, product_id", (list(states),)):
        net[order] += delta
    for order, status in states.items():
        if status == CANCELLED:
            assert net[order] == 0, f"I4: cancelled order {order} still holds {-net[order]}"
        else:
            assert net[order] < 0, f"I4: confirmed order {order} holds nothing"


def check_notifications(databases, ids, timeout=60):
    """I5: as many notifications as terminal history rows, one an event."""
    expected = databases.value(
        "order", "SELECT count(*) FROM order_history WHERE order_id = ANY(%s::uuid[]) AND status > %s",
        (ids, CREATED))

    def notified():
        return databases.value(
            "notification", "SELECT count(*) FROM notifications WHERE order_id = ANY(%s::uuid[])", (ids,))

    eventually(lambda: notified() >= expected, f"{expected} notifications", timeout)
    assert notified() == expected, f"I5: {notified()} notifications for {expected} terminal events"
    terminal = collections.Counter(databases.rows(
        "order", "SELECT order_id::text, status FROM order_history"
        " WHERE order_id = ANY(%s::uuid[]) AND status > %s", (ids, CREATED)))
    per_order = collections.Counter(order for order, _ in terminal)
    rows = dict(databases.rows(
        "notification", "SELECT order_id::text, count(*) FROM notifications"
        " WHERE order_id = ANY(%s::uuid[]) GROUP BY 1", (ids,)))
    wrong = {o: (n, rows.get(o, 0)) for o, n in per_order.items() if rows.get(o, 0) != n}
    assert not wrong, f"I5: (terminal events, notifications) by order: {dict(list(wrong.items())[:5])}"


def check_no_open_transactions(databases, timeout=15):
    """I8: every transaction that is open now ends by itself."""
    for server in range(len(databases.superuser_urls)):
        with databases.superuser(server) as connection:
            def opened(connection=connection):
                return set(connection.execute(
                    "SELECT pid, xact_start, datname, application_name, query FROM pg_stat_activity"
                    " WHERE xact_start IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()"))
            now = {row[:2] for row in opened()}
            eventually(lambda look=opened, open_then=now: not [r for r in look() if r[:2] in open_then] or None,
                       f"{len(now)} open transaction(s) to end", timeout)


class DeadLetterMark:
    """Where the dead letters stood when the test began: queues and tables."""

    def __init__(self, system):
        self._system = system
        self._since = {s: system.databases.now(s) for s in SERVICES}

    def new_rows(self):
        """{service: [DeadLetter]} since then."""
        return {s: self._system.databases.dead_letters(s, since) for s, since in self._since.items()}

    def of(self, marker):
        """The dead letters with that message id, or with that text in the body."""
        return [row for rows in self.new_rows().values() for row in rows if row.is_of(marker)]

    def assert_none_about(self, ids):
        """No event about one of these orders was given up; the dead letter queues hold nothing."""
        letters = [letter for rows in self.new_rows().values() for letter in rows]
        about = [letter for letter in letters if any(i in letter.text for i in ids)]
        assert not about, f"I7: dead letters that nobody meant: {about[:5]}"
        with Broker(self._system.amqp_url) as broker:
            eventually(lambda: not any(broker.dead_letter_depth().values()), "the dead letter queues to be empty")


def check_all(system, history, initial, final_timeout=60):
    """Waits for quiescence, then every invariant; returns {order id: status number}."""
    databases = system.databases
    ids = check_clients(databases, history)
    wait_final(databases, ids, final_timeout)
    wait_drained(system)
    ids = check_clients(databases, history)
    states = check_order_states(databases, ids)
    check_notifications(databases, ids)
    check_stock(databases, states, initial)
    check_reservations(databases, states)
    check_no_open_transactions(databases)
    return states
