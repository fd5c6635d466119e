"""Whole orders through any mix of our services and stand-ins for those that they replace, with kills and duplicates."""

import collections
import itertools
import random
import signal

import psycopg

from support.api import OrderApi, StockApi, new_id
from support.broker import publish_all
from support.fleet import Fleet
from support.invariants import CANCELLED, CONFIRMED, demand, some
from support.load import attempt_order
from support.names import ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_CREATED, SERVICES, WORKERS
from support.standins import order as order_standin
from support.standins.process import Standin
from support.waits import eventually

MIXES = [frozenset(theirs) for n in range(len(SERVICES) + 1) for theirs in itertools.combinations(SERVICES, n)]
PLENTY = 1_000_000
SCARCE = 10
PARTS = 3
# Where stand-ins are killed, one after the other: between two messages, or when an event was published and its row not
# yet marked. Elsewhere they lose or double what they had in hand: tests/swap/test_left_behind.py.
CRASHES = {"order": ("published:7", "settled:12"), "stock": ("published:7", "settled:12"),
           "notification": ("settled:7", "settled:7")}


class Mix:
    """Starts a worker of each service, ours or @theirs (names of services); a context manager."""

    def __init__(self, system, database_urls, sender, theirs, idle_s=1, crashes=None):
        self.system, self.sender, self.theirs = system, sender, theirs
        self.fleet = Fleet(system)
        self.standins = {service: Standin(service, database_urls[service], system.amqp_url, sender.url, idle_s)
                         for service in theirs}
        self._crashes = {service: list((CRASHES if crashes is None else crashes).get(service, ())) for service in theirs}
        self.plentiful, self.scarce = [new_id() for _ in range(4)], [new_id() for _ in range(2)]
        self.initial = {**dict.fromkeys(self.plentiful, PLENTY), **dict.fromkeys(self.scarce, SCARCE)}
        self.ordered = {}  # order: [(product, quantity)]
        self._random = random.Random("+".join(sorted(theirs)))

    @property
    def ours(self):
        return [name for name in WORKERS if name.split("-")[0] not in self.theirs]

    def __enter__(self):
        self._fill_stock()
        for service in self.theirs:
            self._start_next(service)
        for name in self.ours:
            self.fleet.start(name, wait=False)
        self.fleet.wait_ready()
        return self

    def __exit__(self, *_):
        for standin in self.standins.values():
            standin.discard()
        self.fleet.discard()

    def stop(self):
        """In peace; what ours complained of fails."""
        self.fleet.stop_all()
        demand(self.fleet.complaints)

    # --- kills --------------------------------------------------------------------------------

    def _start_next(self, service):
        crashes = self._crashes[service]
        self.standins[service].start(crashes.pop(0) if crashes else "")

    def keep_running(self):
        """Starts the stand-ins that were killed again."""
        for service, standin in self.standins.items():
            code = standin.process.poll()
            if code is not None:
                assert code == -signal.SIGKILL, f"the {service} stand-in ended with {code}: {standin.log_end}"
                self._start_next(service)

    def kill_ours(self):
        for name in self.ours:
            self.fleet.kill(name)
            self.fleet.start(name, wait=False)

    def assert_all_were_killed(self):
        left = {service: crashes for service, crashes in self._crashes.items() if crashes}
        assert not left, f"stand-ins were not killed where they had to be: {left}"

    # --- orders -------------------------------------------------------------------------------

    def _fill_stock(self):
        if "stock" in self.theirs:
            with psycopg.connect(self.standins["stock"].database_url, autocommit=True) as connection:
                connection.cursor().executemany("insert into stocks values (%s, %s)", list(self.initial.items()))
            return
        stocks = StockApi(self.system.api("stock"))
        for product, quantity in self.initial.items():
            stocks.create(quantity, product)

    def run(self, count):
        """@count orders; the first third has enough of everything. In between all of ours are killed."""
        for part in range(PARTS):
            for _ in range(count // PARTS):
                self.place(self._lines(self.plentiful if part == 0 else self.plentiful + self.scarce))
                self.keep_running()
            if part < PARTS - 1:
                self.kill_ours()
        self.wait_final()

    def _lines(self, products):
        return [(p, self._random.randint(1, 3)) for p in self._random.sample(products, self._random.randint(1, 3))]

    def place(self, lines):
        if "order" in self.theirs:
            with psycopg.connect(self.standins["order"].database_url, autocommit=True) as connection:
                order = order_standin.place(connection, new_id(), lines)
        else:
            order = attempt_order(OrderApi(self.system.api("order")), lines).order_id
            assert order, "an order was not accepted"
        self.ordered[order] = lines
        return order

    def rows(self, service, ours, theirs):
        """The two statements' rows, of our database or theirs; they are told the orders."""
        if service in self.theirs:
            return self.standins[service].rows(theirs, {"ids": list(self.ordered)})
        return self.system.databases.rows(service, ours, {"ids": list(self.ordered)})

    def states(self):
        sql = "select id::text, status from orders where id = any(%(ids)s::uuid[])"
        return dict(self.rows("order", sql, sql))

    def on_hand(self):
        return dict(self.rows("stock", "select product_id::text, quantity from stock",
                              'select "ProductId"::text, "Quantity" from stocks'))

    def notifications(self):
        """{order: [event type]}"""
        found = collections.defaultdict(list)
        for order, event_type in self.rows(
                "notification",
                f"select order_id::text, case template_code when 'ORDER_CONFIRMED' then '{ORDER_CONFIRMED}'"
                f" else '{ORDER_CANCELLED}' end from notifications where order_id = any(%(ids)s::uuid[])",
                'select o."Payload"::jsonb -> \'Data\' ->> \'OrderId\', l."EventType" from "NotificationLogs" l'
                ' join "OutboxMessages" o on o."EventId" = l."EventId"'):
            if order in self.ordered:
                found[order].append(event_type)
        return found

    def wait_final(self, timeout=120):
        """Until every order ended and its customer was told."""
        def ended():
            self.keep_running()
            states, told = self.states(), self.notifications()
            late = [order for order in self.ordered if states[order] not in (CONFIRMED, CANCELLED) or not told[order]]
            assert not late, f"{len(late)} of {len(self.ordered)}: {some(late)}"
            return True
        eventually(ended, "all orders to end", timeout)

    # --- what must hold -----------------------------------------------------------------------

    def repeat(self, tap):
        """Publishes what was seen once more; then orders that come behind it show that all of it was handled.

        Not the orders that the stand-in for stock refused: it would refuse each again, with another event.
        """
        states = self.states()
        seen = [m for m in tap.collect() if m.order_id in self.ordered]
        again = [m for m in seen if not ("stock" in self.theirs and m.routing_key == ORDER_CREATED
                                         and states[m.order_id] == CANCELLED)]
        publish_all(self.system.amqp_url, [(m.exchange, m.routing_key, m.body, m.properties) for m in again])
        self.place([(self.plentiful[0], 1)])
        self.place([(new_id(), 1)])
        self.wait_final()
        return len(again)

    def violations(self):
        """Stock that is not exact, orders that did not end, customers that were not told once."""
        states, on_hand, told = self.states(), self.on_hand(), self.notifications()
        held = collections.Counter()
        for order, lines in self.ordered.items():
            for product, quantity in lines if states[order] == CONFIRMED else ():
                held[product] += quantity
        wrong = [f"{product}: {quantity} != {on_hand.get(product)} on hand + {held[product]} held"
                 for product, quantity in self.initial.items() if quantity != on_hand.get(product, 0) + held[product]]
        for order in self.ordered:
            event_type = {CONFIRMED: ORDER_CONFIRMED, CANCELLED: ORDER_CANCELLED}.get(states[order])
            if told[order] != [event_type]:
                wrong.append(f"order {order} is {states[order]}, its customer was told {told[order]}")
            if "notification" in self.theirs and (sent := self.sender.count(order)) != 1:
                wrong.append(f"{sent} mails were sent about order {order}")
        return wrong

    def refused(self):
        return sum(status == CANCELLED for status in self.states().values())
