"""A second order database that holds orders already, and an order-api of its own on it."""

from .replicas import Replica

DATABASE = "grown_orders"
CUSTOMERS = 300_000

# As they are after a saga: confirmed, with one item and their history. n is a millisecond of time.
FILL = """
set session_replication_role = replica;
create temporary table made as
select (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid as id,
       md5((n %% {customers})::text)::uuid as customer_id,
       md5((n %% 1000)::text)::uuid as product_id,
       to_timestamp(1700000000 + n / 1000.0) as at
  from generate_series(1, {orders}::bigint) as n;
insert into orders (id, customer_id, status, total, currency, created_at, updated_at)
select id, customer_id, 2, 19.99, 'EUR', at, at from made;
insert into order_items (order_id, product_id, quantity, unit_price) select id, product_id, 1, 19.99 from made;
insert into order_history (order_id, status, cause, happened_at) select id, 2, 'stock taken', at from made;
drop table made;
set session_replication_role = origin;
"""


class GrownDatabase:
    """A context manager: made and filled at the beginning, dropped at the end."""

    def __init__(self, rig):
        self._rig = rig
        self._api = None

    @property
    def address(self):
        return self._api.http_url.removeprefix("http://")

    def __enter__(self):
        rig = self._rig
        self._api = Replica(rig, "order-api", "grown", {"DATABASE_URL": rig.create_orders(DATABASE)})
        fill = FILL.format(customers=CUSTOMERS, orders=rig.plan.many_orders).replace("%%", "%")
        for statement in fill.split(";\n"):
            if statement.strip():
                self._sql(statement)
        self._sql("vacuum analyze")
        self._api.start(rig.quiet)
        return self

    def __exit__(self, *unused):
        self._api.stop(self._rig.quiet)
        self._rig.drop_database(DATABASE)

    def counts(self):
        """Orders, items; the outbox is emptied."""
        self._sql("truncate outbox")
        return self._counted()[:2]

    def check_added(self, result, before, answered, open_at_end):
        """What was added since @before is what was answered."""
        orders, items, events = self._counted()
        orders, items = orders - before[0], items - before[1]
        if not (answered <= orders <= answered + open_at_end and orders == items == events):
            result.check(f"growth: {answered} answered, {orders} orders, {items} items, {events} events", False)

    def _counted(self):
        return self._sql(
            "select (select count(*) from orders), (select count(*) from order_items), (select count(*) from outbox)"
        )[0]

    def _sql(self, statement):
        return self._rig.superuser_sql(statement, database=DATABASE)
