"""The oracle: what must hold whatever happened, read from the three databases and held against what clients were told.

I1 an accepted order exists once, an unknown one at most once, a refused one never
I2 each order reaches one final state, and its history agrees
I3 stock is conserved, on hand is never negative, the ledger adds up to the balance
I4 a cancelled order holds nothing; a confirmed one holds all it asked for
I5 one notification for each terminal event
I7 outbox and queues are drained; nothing is dead-lettered but what was meant to be
I8 no transaction is left open

Each check gives a list of violations that name what they are about; none stops the others. @databases are
support.databases.Databases or a snapshot of them; without @ids a check is about all orders there are.
"""

import collections

from support.broker import Broker
from support.history import ACCEPTED, UNKNOWN
from support.load import retry_unknown
from support.names import SERVICES, STATUS_NUMBER
from support.quiet import wait_drained, wait_final
from support.waits import TookTooLong, eventually

CREATED, CONFIRMED, CANCELLED = (STATUS_NUMBER[s] for s in ("Created", "Confirmed", "Cancelled"))
EXAMPLES = 3


def some(items):
    return ", ".join(map(str, sorted(items, key=str)[:EXAMPLES])) + ("" if len(items) <= EXAMPLES else ", ...")


def demand(violations):
    """Fails with all of them."""
    assert not violations, "\n".join(violations)


def _about(column):
    return f"(%(ids)s::uuid[] IS NULL OR {column} = ANY(%(ids)s::uuid[]))"


def orders_of(databases, history):
    """{customer: [order ids]} of every attempt, as the order database has them."""
    found = collections.defaultdict(list)
    for customer, order in databases.rows(
            "order", "SELECT customer_id::text, id::text FROM orders WHERE customer_id = ANY(%s::uuid[])",
            ([a.customer for a in history.attempts],)):
        found[customer].append(order)
    return found


def check_clients(databases, history, others=None):
    """I1; with @others there are no more orders than the clients' and so many."""
    found = orders_of(databases, history)
    wrong = []
    for attempt in history.attempts:
        ids = found.get(attempt.customer, [])
        if len(attempt.ids) > 1:
            wrong.append(f"I1: key {attempt.key} was told of {len(attempt.ids)} orders: {some(attempt.ids)}")
        elif attempt.outcome == ACCEPTED and ids != list(attempt.ids):
            wrong.append(f"I1: accepted {attempt.order_id}, found {ids or 'nothing'}")
        elif attempt.outcome != ACCEPTED and len(ids) > (1 if attempt.outcome == UNKNOWN else 0):
            wrong.append(f"I1: key {attempt.key} made {len(ids)} orders: {attempt.placed}")
        wrong += [f"I1: {text}" for text in attempt.missing]
    if others is not None:
        more = databases.value("order", "SELECT count(*) FROM orders") - sum(map(len, found.values())) - others
        wrong += [f"I1: {more} orders that no client asked for"] if more else []
    return wrong


def states_of(databases, ids=None):
    """{order: status number}"""
    return dict(databases.rows("order", f"SELECT id::text, status FROM orders WHERE {_about('id')}", {"ids": ids}))


def check_order_states(databases, ids=None):
    """I2. The history holds every change after the creation."""
    history = collections.defaultdict(list)
    for order, status in databases.rows(
            "order", f"SELECT order_id::text, status FROM order_history WHERE {_about('order_id')} ORDER BY status",
            {"ids": ids}):
        history[order].append(status)
    wrong = []
    for order, status in states_of(databases, ids).items():
        seen = history[order]
        if status not in (CONFIRMED, CANCELLED):
            wrong.append(f"I2: order {order} is {status}")
        elif len(seen) != len(set(seen)) or CREATED in seen:
            wrong.append(f"I2: history of {order} is {seen}")
        elif not seen or seen[-1] != status:
            wrong.append(f"I2: {order} is {status}, history {seen}")
    return wrong


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
    wrong = []
    for product in products:
        if product not in on_hand:
            wrong.append(f"I3: {product} is gone")
        elif on_hand[product] < 0:
            wrong.append(f"I3: {product} is below zero")
        elif initial[product] != on_hand[product] + held[product]:
            wrong.append(f"I3: {product}: {initial[product]} != {on_hand[product]} on hand + {held[product]} held")
    return wrong + check_ledger(databases, products, on_hand) + check_reservations(databases, states)


def check_ledger(databases, products, on_hand):
    """I3: the ledger adds up, and has at most one row of each kind for an order and product."""
    balance = dict(databases.rows(
        "stock", "SELECT product_id::text, sum(delta)::bigint FROM stock_movements"
        " WHERE product_id = ANY(%s::uuid[]) GROUP BY 1", (products,)))
    twice = databases.rows(
        "stock", "SELECT order_id::text, product_id::text, kind, count(*) FROM stock_movements"
        " WHERE order_id IS NOT NULL AND product_id = ANY(%s::uuid[])"
        " GROUP BY 1, 2, 3 HAVING count(*) > 1", (products,))
    wrong = [f"I3: ledger of {product} says {balance.get(product)}, the balance is {on_hand.get(product)}"
             for product in products if balance.get(product, 0) != on_hand.get(product)]
    return wrong + ([f"I3: ledger rows twice: {some(twice)}"] if twice else [])


def check_reservations(databases, states):
    """I4: net movements of a cancelled order are zero, of a confirmed one are not."""
    net = collections.defaultdict(int)
    for order, delta in databases.rows(
            "stock", "SELECT order_id::text, sum(delta)::bigint FROM stock_movements"
            " WHERE order_id = ANY(%s::uuid[]) GROUP BY order_id, product_id", (list(states),)):
        net[order] += delta
    wrong = []
    for order, status in states.items():
        if status == CANCELLED and net[order] != 0:
            wrong.append(f"I4: cancelled order {order} still holds {-net[order]}")
        elif status != CANCELLED and net[order] >= 0:
            wrong.append(f"I4: confirmed order {order} holds nothing")
    return wrong


def check_notifications(databases, ids=None, timeout=60):
    """I5: as many notifications as terminal history rows, of each order; waits for them at the most so long."""
    terminal = f"FROM order_history WHERE {_about('order_id')} AND status > {CREATED}"
    expected = databases.value("order", f"SELECT count(*) {terminal}", {"ids": ids})

    def notified():
        return databases.value(
            "notification", f"SELECT count(*) FROM notifications WHERE {_about('order_id')}", {"ids": ids})

    try:
        eventually(lambda: notified() >= expected, f"{expected} notifications", timeout)
    except TookTooLong as error:
        return [f"I5: {error}"]
    events = dict(databases.rows("order", f"SELECT order_id::text, count(*) {terminal} GROUP BY 1", {"ids": ids}))
    rows = dict(databases.rows(
        "notification", f"SELECT order_id::text, count(*) FROM notifications WHERE {_about('order_id')} GROUP BY 1",
        {"ids": ids}))
    wrong = {order: (events.get(order, 0), rows.get(order, 0)) for order in events.keys() | rows.keys()
             if events.get(order, 0) != rows.get(order, 0)}
    return [f"I5: (terminal events, notifications) by order: {some(wrong.items())}"] if wrong else []


def check_nothing_parked(databases):
    """I7: no row of an outbox was set aside as one that cannot be published."""
    wrong = []
    for service in SERVICES:
        if parked := databases.rows(service, "SELECT message_type, reason FROM outbox_parked"):
            wrong.append(f"I7: {len(parked)} outbox rows of {service} are parked: {some(parked)}")
    return wrong


def check_no_findings(databases, subjects):
    """The auditors, which looked all the while, found nothing wrong with these orders and products."""
    return [f"an auditor found {check} of {subject}: {fault}" for service in SERVICES for check, subject, fault in databases.rows(
        service, "SELECT check_name, subject, fault FROM auditor_findings WHERE subject = ANY(%s)", (list(subjects),))]


def check_no_open_transactions(databases, timeout=15):
    """I8: every transaction that is open now ends by itself."""
    wrong = []
    for server in range(len(databases.superuser_urls)):
        with databases.superuser(server) as connection:
            def opened(connection=connection):
                return set(connection.execute(
                    "SELECT pid, xact_start, datname, application_name, query FROM pg_stat_activity"
                    " WHERE xact_start IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()"))
            now = {row[:2] for row in opened()}
            try:
                eventually(lambda look=opened, open_then=now: not [r for r in look() if r[:2] in open_then] or None,
                           f"{len(now)} open transaction(s) to end", timeout)
            except TookTooLong as error:
                wrong.append(f"I8: {error}")
    return wrong


def check_all(system, history, initial, final_timeout=60):
    """Waits for quiescence, then demands every invariant of the clients' orders; returns {order id: status number}."""
    databases = system.databases
    demand(check_clients(databases, history))
    wait_final(databases, _ids(databases, history), final_timeout)
    wait_drained(system)
    ids = _ids(databases, history)
    states = states_of(databases, ids)
    demand(check_clients(databases, history) + check_order_states(databases, ids) +
           check_notifications(databases, ids) + check_stock(databases, states, initial) +
           check_no_open_transactions(databases) + check_no_findings(databases, [*ids, *initial]))
    return states


def check_recovered(system, history, initial, final_timeout=90):
    """The same after a fault: clients that don't know what became of their order ask again first."""
    demand(check_clients(system.databases, history))
    retry_unknown(system.api("order"), history)
    return check_all(system, history, initial, final_timeout)


def _ids(databases, history):
    return [order for ids in orders_of(databases, history).values() for order in ids]


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
            broker.wait_dead_letters_recorded()
