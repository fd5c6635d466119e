"""Every name the tests share with the product: processes, queues, events, tables, columns.

Names that cross a border come from docs/contract.md. Table and column names are the ones that
operators read; they are written here and nowhere else in the tests.
"""

SERVICES = ("order", "stock", "notification")
APIS = ("order-api", "stock-api", "notification-api")
WORKERS = ("order-worker", "stock-worker", "notification-worker")
MIGRATORS = ("order-migrator", "stock-migrator", "notification-migrator")
PROCESSES = APIS + WORKERS

ORDER_EXCHANGE = "order.events.topic"
STOCK_EXCHANGE = "stock.events.topic"

ORDER_CREATED = "OrderCreatedEvent"
ORDER_CONFIRMED = "OrderConfirmedEvent"
ORDER_CANCELLED = "OrderCancelledEvent"
STOCK_COMPLETED = "OrderStockProcessCompletedDomainEvent"
STOCK_FAILED = "OrderStockProcessFailedDomainEvent"
STOCK_RELEASED = "StockReleasedEvent"

EXCHANGE_OF = {
    ORDER_CREATED: ORDER_EXCHANGE,
    ORDER_CONFIRMED: ORDER_EXCHANGE,
    ORDER_CANCELLED: ORDER_EXCHANGE,
    STOCK_COMPLETED: STOCK_EXCHANGE,
    STOCK_FAILED: STOCK_EXCHANGE,
    STOCK_RELEASED: STOCK_EXCHANGE,
}

APP_ID_OF_EXCHANGE = {ORDER_EXCHANGE: "order", STOCK_EXCHANGE: "stock"}

# queue: (exchange, routing key, consuming service, dead letter exchange)
QUEUES = {
    "stock.ordercreated": (ORDER_EXCHANGE, ORDER_CREATED, "stock", "stock.dlq"),
    "stock.ordercancelled": (ORDER_EXCHANGE, ORDER_CANCELLED, "stock", "stock.dlq"),
    "order.stock.completed": (STOCK_EXCHANGE, STOCK_COMPLETED, "order", "order.dlq"),
    "order.stock.fail": (STOCK_EXCHANGE, STOCK_FAILED, "order", "order.dlq"),
    "order.confirmed.queue": (ORDER_EXCHANGE, ORDER_CONFIRMED, "notification", "notification.dlq"),
    "order.cancelled.queue": (ORDER_EXCHANGE, ORDER_CANCELLED, "notification", "notification.dlq"),
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


def service_of(process):
    return process.split("-", 1)[0]
