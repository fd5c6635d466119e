#!/usr/bin/python3
"""Records what lies in the databases of a version while orders are at every stage: tests/upgrade/recorded/<commit>.

record.py COMMIT        once for each release, before its successor changes an event or a table

The version's own programs write it. Every event is held in its outbox, and let go as far as a stage takes.
"""

import json
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent / "tools")]

import former  # noqa: E402
from support.api import OrderApi, StockApi  # noqa: E402
from support.dead_letters import broken  # noqa: E402
from support.names import (ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_CREATED, PROCESSES, SERVICES,  # noqa: E402
                           STOCK_COMPLETED, STOCK_FAILED, STOCK_RELEASED)
from support.system import private_system  # noqa: E402
from support.waits import eventually  # noqa: E402

RECORDED = pathlib.Path(__file__).parent / "recorded"
MESSAGES = ("outbox", "outbox_parked", "dead_letters")  # whose bodies are bytes, and here text
ON_HAND, TOO_MANY = 100, 1000
FAILURES = 3
STEP_S = 60
ABOUT = "convert_from(body, 'UTF8') LIKE '%%' || %s || '%%'"


class Stages:
    """Brings orders to a stage; their ids by its name."""

    def __init__(self, system):
        self._databases = system.databases
        self._orders, self._stocks = OrderApi(system.api("order")), StockApi(system.api("stock"))
        self._product = self._stocks.create(ON_HAND)
        self.made = {}
        for service in SERVICES:
            self._databases.execute(service, "ALTER TABLE outbox ALTER COLUMN not_before SET DEFAULT 'infinity'")

    def _held(self, service, order, event, failed=0):
        """Until the event about the order is in the service's outbox."""
        eventually(lambda: self._databases.value(
            service, f"SELECT count(*) FROM outbox WHERE {ABOUT} AND message_type = %s AND retry_count = %s"
            " AND not_before = 'infinity'", (order, event, failed)), f"{event} of {order} in the outbox of {service}", STEP_S)

    def _let_go(self, service, order):
        assert self._databases.execute(service, f"UPDATE outbox SET not_before = '-infinity' WHERE {ABOUT}", (order,)) == 1

    def created(self, name, quantity=1):
        order = self.made[name] = self._orders.placed((self._product, quantity))
        self._held("order", order, ORDER_CREATED)
        return order

    def taken(self, name):
        order = self.created(name)
        self._let_go("order", order)
        self._held("stock", order, STOCK_COMPLETED)
        return order

    def confirmed(self, name):
        order = self.taken(name)
        self._let_go("stock", order)
        self._held("order", order, ORDER_CONFIRMED)
        return order

    def cancelled(self, name):
        """After it was confirmed and its customer told."""
        order = self.confirmed(name)
        self._let_go("order", order)
        eventually(lambda: self._databases.value("notification", "SELECT count(*) FROM notifications WHERE order_id = %s"
                                                 " AND sent_at IS NOT NULL", (order,)), "the notification", STEP_S)
        self._cancel(order)
        return order

    def _cancel(self, order):
        answer = self._orders.cancel(order, "changed my mind")
        assert answer.status_code == 202, answer.text
        self._held("order", order, ORDER_CANCELLED)

    def all(self):
        self.created("created")
        self._cancel(self.created("cancelled at once"))
        self.taken("taken")
        self._let_go("order", refused := self.created("refused", TOO_MANY))
        self._held("stock", refused, STOCK_FAILED)
        self.confirmed("confirmed")
        self.cancelled("cancelled")
        self._let_go("order", returned := self.cancelled("returned"))
        self._held("stock", returned, STOCK_RELEASED)
        self._failed_once(self.created("tried once"))
        self._given_up(self.taken("given up"), self.taken("given up, and not published"))

    def _failed_once(self, order):
        with broken(self._databases, "stock", "stock_reservations", f"order_id = '{order}'"):
            self._let_go("order", order)
            self._held("stock", order, ORDER_CREATED, failed=1)

    def _given_up(self, *orders):
        both = ", ".join(f"'{order}'" for order in orders)
        with broken(self._databases, "order", "orders", f"id IN ({both}) AND status = 2"):
            for order in orders:
                self._let_go("stock", order)
            for failed in range(1, FAILURES + 1):
                for order in orders:
                    self._held("order", order, STOCK_COMPLETED, failed)
                    if failed < FAILURES:
                        self._let_go("order", order)
        self._let_go("order", orders[0])
        eventually(lambda: self._databases.value("order", "SELECT count(*) FROM dead_letters"), "the dead letter", STEP_S)


def tables(databases, service):
    """{table: [its rows]} of all that have any."""
    found = {}
    for name, in databases.rows(service, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"):
        rows = [row for row, in databases.rows(service, f"SELECT to_jsonb(t) FROM {name} t ORDER BY t")]
        if name in MESSAGES:
            for row in rows:
                row["body"] = bytes.fromhex(row["body"].removeprefix("\\x")).decode()
        if name == "outbox":
            for row in rows:
                row["not_before"] = "-infinity"
        if rows:
            found[name] = rows
    return found


def write(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def record(version):
    with private_system({"CARTWHEEL_BUILD": str(former.build_of(version))}) as system:
        stages = Stages(system)
        stages.all()
        for name in PROCESSES:
            system.stop(name)
        folder = RECORDED / version
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "orders.json", stages.made)
        for service in SERVICES:
            write(folder / f"{service}.json", tables(system.databases, service))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    record(sys.argv[1])
