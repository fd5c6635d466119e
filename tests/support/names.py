"""Every name the tests share with the product: processes, queues, events, tables, columns.

Names that cross a border come from docs/contract.md. Table and column names are the ones that
operators read; they are written here and nowhere else in the tests.
"""

import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "services"
SERVICES = tuple((FOLDER / "services.list").read_text().split())
FACTS = {service: json.loads((FOLDER / service / "service.json").read_text()) for service in SERVICES}
APIS = tuple(f"{service}-api" for service in SERVICES)
WORKERS = tuple(f"{service}-worker" for service in SERVICES)
MIGRATORS = tuple(f"{service}-migrator" for service in SERVICES)
PROCESSES = APIS + WORKERS

ORDER_EXCHANGE = "order.events.topic"
STOCK_EXCHANGE = "stock.events.topic"

ORDER_CREATED = "OrderCreatedEvent"
ORDER_CONFIRMED = "OrderConfirmedEvent"
ORDER_CANCELLED = "OrderCancelledEvent"
STOCK_COMPLETED = "OrderStockProcessCompletedDomainEvent"
STOCK_FAILED = "OrderStockProcessFailedDomainEvent"
STOCK_RELEASED = "StockReleasedEvent"
OUTCOMES_DIGEST = "OutcomesDigestEvent"
DIGESTS_QUEUE = "order.digests"  # which it is sent to by its name

EXCHANGE_OF = {
    ORDER_CREATED: ORDER_EXCHANGE,
    ORDER_CONFIRMED: ORDER_EXCHANGE,
    ORDER_CANCELLED: ORDER_EXCHANGE,
    STOCK_COMPLETED: STOCK_EXCHANGE,
    STOCK_FAILED: STOCK_EXCHANGE,
    STOCK_RELEASED: STOCK_EXCHANGE,
}

APP_ID_OF_EXCHANGE = {FACTS[service]["publishes"]: service for service in SERVICES if "publishes" in FACTS[service]}

# queue: (exchange, routing key, consuming service, dead letter exchange)
QUEUES = {
    queue: (exchange, event, service, f"{service}.dlq")
    for service in SERVICES for queue, (exchange, event) in FACTS[service]["queues"].items()
}

DATA_FIELDS = {
    ORDER_CREATED: {"Id", "OccurredOn", "OrderId", "Items", "CustomerId", "OrderTotal", "Currency"},
    ORDER_CONFIRMED: {"Id", "OccurredOn", "OrderId", "CustomerId", "OrderTotal", "Currency"},
    ORDER_CANCELLED: {"Id", "OccurredOn", "OrderId", "CustomerId", "Reason"},
    STOCK_COMPLETED: {"Id", "OccurredOn", "EventId", "OrderId", "Items"},
    STOCK_FAILED: {"Id", "OccurredOn", "EventId", "OrderId", "Items", "ErrorMessage"},
    STOCK_RELEASED: {"Id", "OccurredOn", "OrderId", "Items"},
}

STATUS_NUMBER = {"Created": 1, "Confirmed": 2, "Cancelled": 3}


def dead_letter_queue(queue):
    return queue + ".dlq"


def unread_queue(queue):
    """Keeps dead letters of @queue that the library cannot read."""
    return queue + ".unread"


def service_of(process):
    return process.split("-", 1)[0]
