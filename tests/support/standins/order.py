"""The order service: POST /api/orders in one transaction, and what stock says in three."""

from support.names import (ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_CREATED, ORDER_EXCHANGE, STOCK_COMPLETED,
                           STOCK_EXCHANGE, STOCK_FAILED)
from support.standins import wire
from support.standins.worker import OutboxPublisher, TrackingConsumer, Worker

CREATED, CONFIRMED, CANCELLED = 1, 2, 3
PREFETCH = 10
BATCH = 5


def place(database, customer, items):
    """What its API does for a request; @items: [(product, quantity)]. Returns the order's id."""
    order = wire.new_id()
    with database.transaction():
        database.execute("insert into orders values (%s, %s, %s, now())", (order, customer, CREATED))
        for product, quantity in items:
            database.execute("insert into order_items (id, product_id, quantity, order_id) values (%s, %s, %s, %s)",
                             (wire.new_id(), product, quantity, order))
        enqueue(database, ORDER_CREATED, {
            "OrderId": order, "Items": [{"ProductId": product, "Quantity": quantity} for product, quantity in items]})
    return order


def enqueue(database, event_type, members):
    event_id, payload = wire.envelope(event_type, members)
    database.execute('insert into outbox_messages ("Id", event_id, occurred_on, type, payload)'
                     " values (%s, %s, clock_timestamp(), %s, %s)", (wire.new_id(), event_id, event_type, payload))


class Results(TrackingConsumer):
    """What the stock service says."""

    table, columns, values = '"ProcessedEvents"', ', "Id"', ", gen_random_uuid()"

    def __init__(self, worker, queue, event_type):
        super().__init__(worker, STOCK_EXCHANGE, queue, event_type, PREFETCH)
        self._confirms = event_type == STOCK_COMPLETED

    def apply(self, found, delivery):
        data = found["Data"]
        with self.database.transaction():
            row = self.database.execute("select customer_id::text from orders where id = %s", (data["OrderId"],)).fetchone()
            if row is None:
                return
            event = {"OrderId": data["OrderId"], "CustomerId": row[0]}
            if self._confirms:
                self._end(CONFIRMED, ORDER_CONFIRMED, {**event, "OrderTotal": 0})
            else:
                self._end(CANCELLED, ORDER_CANCELLED, {**event, "Reason": data.get("ErrorMessage") or "Cancelled"})

    def _end(self, status, event_type, event):
        self.database.execute("update orders set status = %s where id = %s", (status, event["OrderId"]))
        enqueue(self.database, event_type, event)

    def unreadable(self, delivery):
        delivery.requeue()

    def invalid(self, delivery):
        """It is neither acknowledged nor given back."""

    def failed(self, delivery):
        delivery.requeue()


def run(**options):
    worker = Worker(**options)
    outbox = OutboxPublisher(
        worker, ORDER_EXCHANGE,
        'select "Id", type, payload from outbox_messages where processed_on is null order by occurred_on'
        f" limit {BATCH} for update skip locked",
        'update outbox_messages set processed_on = now() where "Id" = any(%s)')
    worker.run(outbox.run, Results(worker, "order.stock.completed", STOCK_COMPLETED).run,
               Results(worker, "order.stock.fail", STOCK_FAILED).run)
