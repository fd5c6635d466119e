"""The stock service: takes an order's items, or says after three attempts why not."""

import psycopg
import pika

from support.names import ORDER_CREATED, ORDER_EXCHANGE, STOCK_COMPLETED, STOCK_EXCHANGE, STOCK_FAILED
from support.standins import wire
from support.standins.worker import RETRY_HEADER, OutboxPublisher, TrackingConsumer, Worker, declare

QUEUE, DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE = "stock.ordercreated", "stock.dlq", "stock.ordercreated.dlq"
PREFETCH = 1
BATCH = 50
MAX_ATTEMPTS = 3


class Refused(Exception):
    """Why an order's items cannot be taken, as the failure event names it."""


class Orders(TrackingConsumer):
    """Accepted orders."""

    table, columns, values = "processed_events", "", ""

    def declare(self, channel):
        super().declare(channel)
        declare(channel, DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE, DEAD_LETTER_QUEUE)

    def apply(self, found, delivery):
        order = wire.data_of(found)
        event = {"EventId": wire.new_id(), "OrderId": order["OrderId"], "Items": order["Items"]}
        try:
            self._take(order["Items"])
            self.worker.steps.reached("taken")
            self._enqueue(STOCK_COMPLETED, event)
        except Refused as refused:
            if delivery.retries + 1 >= MAX_ATTEMPTS:
                self._enqueue(STOCK_FAILED, {**event, "ErrorMessage": str(refused)})
            raise

    def _take(self, items):
        try:
            with self.database.transaction():
                for item in items:
                    self._take_one(item["ProductId"], item["Quantity"])
        except psycopg.Error as error:
            raise Refused("StockUpdateException") from error

    def _take_one(self, product, quantity):
        taken = self.database.execute('update stocks set "Quantity" = "Quantity" - %s where "ProductId" = %s'
                                      ' and "Quantity" >= %s', (quantity, product, quantity)).rowcount
        if not taken:
            known = self.database.execute('select from stocks where "ProductId" = %s', (product,)).fetchone()
            raise Refused("StockNotFoundException" if known is None else "InsufficientStockException")

    def _enqueue(self, event_type, members):
        event_id, payload = wire.envelope(event_type, members)
        self.database.execute('insert into outbox_messages ("Id", "EventId", "OccurredOn", "Type", "Payload")'
                              " values (%s, %s, now(), %s, %s)", (wire.new_id(), event_id, event_type, payload))

    def unreadable(self, delivery):
        """It stays with the consumer, which is given nothing more: its prefetch is 1."""

    def invalid(self, delivery):
        self.failed(delivery)

    def failed(self, delivery):
        """Back to the exchange at once, or to the dead letter queue after the last attempt."""
        attempts = delivery.retries + 1
        given = delivery.properties
        properties = pika.BasicProperties(
            content_type=given.content_type, correlation_id=given.correlation_id, delivery_mode=given.delivery_mode,
            headers={**(given.headers or {}), RETRY_HEADER: attempts})
        exchange, key = ((DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE) if attempts >= MAX_ATTEMPTS
                         else (ORDER_EXCHANGE, ORDER_CREATED))
        delivery.channel.basic_publish(exchange, key, delivery.body, properties)
        delivery.ack()


def run(**options):
    worker = Worker(**options)
    outbox = OutboxPublisher(
        worker, STOCK_EXCHANGE,
        'select "Id", "Type", "Payload" from outbox_messages where "ProcessedOn" is null order by "OccurredOn"'
        f" limit {BATCH} for update skip locked",
        'update outbox_messages set "ProcessedOn" = now() where "Id" = any(%s)')
    worker.run(outbox.run, Orders(worker, ORDER_EXCHANGE, QUEUE, ORDER_CREATED, PREFETCH).run)
