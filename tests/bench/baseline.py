"""pgbench, doing what order-api does: in a fresh database of the same cluster, with the same tables."""

import contextlib
import math

from .load import pgbench

DATABASE = "pgbench_orders"
EMPTY = "truncate orders, order_items, outbox cascade"
WARM_UP_TRANSACTIONS = 10  # of each client
EXAMPLE_BODY = (
    '{"EventId":"01900000-0000-7000-8000-000000000000","EventType":"OrderCreatedEvent",'
    '"OccurredOn":"2026-11-22T10:47:00.123456Z","Data":{"Id":"01900000-0000-7000-8000-000000000000",'
    '"OccurredOn":"2026-11-22T10:47:00.123456Z","OrderId":"01900000-0000-7000-8000-000000000000",'
    '"CustomerId":"01900000-0000-7000-8000-000000000000","OrderTotal":19.9900,"Currency":"EUR",'
    '"Items":[{"ProductId":"01900000-0000-7000-8000-000000000000","Quantity":1}]}}'
)


class Database:
    """As order-migrator makes it."""

    def __init__(self, rig):
        self._rig = rig
        self._url = rig.create_orders(DATABASE)

    def measure(self, clients):
        """Orders a second on empty tables."""
        self._run(EMPTY)
        warm = self._pgbench(clients, "-t", WARM_UP_TRANSACTIONS)
        self._run(EMPTY)
        self._rig.checkpoint()
        run = self._pgbench(clients, "-T", self._rig.plan.seconds + math.ceil(warm.connecting * 1.5))
        rows = self._run("select count(*) from outbox")[0][0]
        if run.failed or not run.done <= rows <= run.done + clients:
            raise TimeoutError(f"pgbench says {run.done} orders and {run.failed} failures, there are {rows}")
        return run.rate

    def _pgbench(self, clients, option, value):
        return pgbench(self._rig, self._url, clients, (option, str(value)), EXAMPLE_BODY)

    def _run(self, statement):
        return self._rig.superuser_sql(statement, database=DATABASE)

    def drop(self):
        self._rig.drop_database(DATABASE)


@contextlib.contextmanager
def database(rig):
    made = Database(rig)
    try:
        yield made
    finally:
        made.drop()

