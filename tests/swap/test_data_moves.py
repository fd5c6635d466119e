"""A service takes over from the one that it replaces with what that left behind, and gives back again."""

import psycopg
import pytest

from support import documents, events
from support.api import Api, NotificationApi, OrderApi, new_id
from support.child import child, run_binary
from support.fakes import MADE_UP
from support.moves import Moves, run_sql
from support.names import (EXCHANGE_OF, ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_CREATED, ORDER_EXCHANGE,
                           STOCK_COMPLETED, STOCK_EXCHANGE, STOCK_FAILED)
from support.standins import order as order_standin
from support.standins import wire
from support.standins.process import Standin
from support.tap import Tap
from support.waits import eventually

NEVER = 3600  # seconds until a stand-in looks into its outbox for the second time: its rows stay unpublished
TAKEN, REFUSED, RELEASED = 1, 2, 3
CONFIRMED, CANCELLED = 2, 3
NOT_FOUND = {"ErrorMessage": "StockNotFoundException"}


class Swap:
    """One service, ours and theirs, with a database each."""

    def __init__(self, system, service, ours, theirs):
        self.system, self.service, self.ours, self.theirs = system, service, ours, theirs
        self._moves = Moves(system.databases.superuser_urls[0], ours, theirs)

    def from_dotnet(self):
        self._moves.run(f"{self.service}-from-dotnet.sql")

    def to_dotnet(self):
        self._moves.run(f"{self.service}-to-dotnet.sql")

    def rows(self, sql, *parameters):
        return _rows(self.ours, sql, parameters)

    def value(self, sql, *parameters):
        return self.rows(sql, *parameters)[0][0]

    def their_rows(self, sql, *parameters):
        return _rows(self.theirs, sql, parameters)

    def execute_theirs(self, sql, *parameters):
        with psycopg.connect(self.theirs, autocommit=True) as connection:
            connection.execute(sql, parameters)

    def process(self, kind):
        return child(self.system, f"{self.service}-{kind}", {"DATABASE_URL": self.ours, **MADE_UP})


def _rows(url, sql, parameters):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql, parameters or None).fetchall()


@pytest.fixture(autouse=True)
def held_to_the_documents(held_to_the_documents):
    """But for events that were moved: we publish them in the words of those who wrote them."""
    yield
    documents.deviations[:] = [d for d in documents.deviations if d.partition(":")[0] not in EXCHANGE_OF]


@pytest.fixture
def swap(system, empty_queues, empty_database, their_databases, request):
    """Of the service that the test names."""
    service = request.param
    ours = empty_database(service)
    done = run_binary(system, f"{service}-migrator", {"DATABASE_URL": ours})
    assert done.returncode == 0, done.stderr
    return Swap(system, service, ours, their_databases[service])


@pytest.fixture
def standin(system, swap, sender):
    """Theirs, whose outbox is published once a start."""
    process = Standin(swap.service, swap.theirs, system.amqp_url, sender.url, NEVER)
    yield process
    process.discard()


def publish(broker, event_type, members, exchange=ORDER_EXCHANGE):
    """As theirs does; returns (exchange, key, body), to be published again."""
    message = (exchange, event_type, wire.envelope(event_type, members)[1])
    broker.publish(*message)
    return message


def asks(broker, order, *pairs):
    return publish(broker, ORDER_CREATED, {"OrderId": order, "Items": events.items(*pairs)})


def ledger_is_right(swap):
    wrong = swap.rows("select product_id, sum(delta), max(quantity) from stock_movements left join stock using (product_id)"
                      " group by 1 having sum(delta) <> coalesce(max(quantity), 0)")
    return not wrong


@pytest.mark.parametrize("swap", ["stock"], indirect=True)
def test_stock_and_back(system, swap, standin, broker):
    """It was killed when it had taken an order's stock and said so to nobody: the order was then given to it a thousand
    times, and those behind it waited."""
    product, scarce = new_id(), new_id()
    taken, refused, half, waiting, later = (new_id() for _ in range(5))
    for pair in ((product, 100), (scarce, 1)):
        swap.execute_theirs("insert into stocks values (%s, %s)", *pair)
    standin.start("taken:2")
    eventually(lambda: broker.consumers("stock.ordercreated"), "theirs to consume", 60)
    first = asks(broker, taken, (product, 2))
    asks(broker, refused, (scarce, 5))
    eventually(lambda: broker.depth("stock.ordercreated.dlq") == 1, "the refusal to be dead-lettered", 60)
    third = asks(broker, half, (product, 3))
    standin.wait_killed()
    fourth = asks(broker, waiting, (product, 4))
    standin.start("given back:1000").wait_killed()
    swap.execute_theirs('update outbox_messages set "ProcessedOn" = null where "Type" = %s', STOCK_COMPLETED)
    assert swap.their_rows('select "Quantity" from stocks where "ProductId" = %s', product) == [(95,)]

    # As the page says: the product was changed after what is in progress had begun.
    assert f"{product}|95" in run_sql(swap.theirs, "stock-in-progress.sql").splitlines()
    swap.execute_theirs('update stocks set "Quantity" = "Quantity" + 3 where "ProductId" = %s', product)
    swap.from_dotnet()
    assert ledger_is_right(swap)
    assert dict(swap.rows("select order_id::text, status from stock_reservations")) == {taken: TAKEN, refused: REFUSED}
    assert swap.value("select count(*) from inbox") == 1
    swap.from_dotnet()  # a second time changes nothing
    assert swap.value("select count(*) from outbox") == 1
    assert swap.value("select count(*) from stock_movements where product_id = %s", product) == 2

    with Tap(system.amqp_url) as tap, swap.process("worker") as worker:
        for order in (taken, half, waiting):
            tap.wait(order, STOCK_COMPLETED, 60)
        dead_letter_is_refused(swap, worker, refused)
        for message in (first, third, fourth):
            broker.publish(*message)
        publish(broker, ORDER_CANCELLED, {"OrderId": taken, "CustomerId": new_id(), "Reason": "changed my mind"})
        eventually(lambda: swap.value("select quantity from stock where product_id = %s", product) == 93,
                   "the cancelled order's stock to come back", 60)
        eventually(lambda: not broker.depth("stock.ordercreated"), "the repeated events to be handled")
        asks(broker, later, (product, 1))
        tap.wait(later, STOCK_COMPLETED, 60)
        eventually(lambda: not swap.value("select count(*) from outbox"), "the outbox to be empty")
    assert swap.value("select quantity from stock where product_id = %s", product) == 92
    assert ledger_is_right(swap)

    swap.to_dotnet()
    swap.to_dotnet()
    assert dict(swap.their_rows('select "ProductId"::text, "Quantity" from stocks')) == {product: 92, scarce: 1}
    standin.start()
    for message in (first, third, fourth):
        broker.publish(*message)
    asks(broker, new_id(), (product, 10))
    eventually(lambda: swap.their_rows('select "Quantity" from stocks where "ProductId" = %s', product) == [(82,)],
               "theirs to go on", 60)
    standin.assert_runs()


def dead_letter_is_refused(swap, worker, order):
    """What theirs dead-lettered is kept by us as that order's, and not replayed into a second effect."""
    letter = eventually(lambda: swap.rows("select id::text, subject::text from dead_letters"), "the dead letter", 60)
    assert [row[1] for row in letter] == [order]
    api = Api("http://" + worker.admin)
    headers = {"Authorization": "Bearer " + worker.environment["ADMIN_TOKEN"]}
    answer = api.post(f"/dead-letters/{letter[0][0]}/replay", {"by": "ana@ops", "why": "try it"}, headers=headers)
    assert answer.status_code == 409, answer.text


@pytest.mark.parametrize("swap", ["order"], indirect=True)
def test_orders_and_back(system, swap, standin, broker):
    """It was killed when it had noted an event as in progress: its order stood still."""
    product, customer = new_id(), new_id()
    with psycopg.connect(swap.theirs, autocommit=True) as connection:
        confirmed, cancelled, half, still_open = (
            order_standin.place(connection, customer, [(product, quantity)]) for quantity in (1, 2, 3, 4))
    standin.start("begun:3")
    eventually(lambda: broker.consumers("order.stock.completed") and broker.consumers("order.stock.fail"), "theirs", 60)
    for order, event_type, more in ((confirmed, STOCK_COMPLETED, {}), (cancelled, STOCK_FAILED, NOT_FOUND)):
        publish(broker, event_type, answer_to(order, product, more), STOCK_EXCHANGE)
        eventually(lambda o=order: is_final(swap, o), "the order to end", 60)
    third = publish(broker, STOCK_COMPLETED, answer_to(half, product), STOCK_EXCHANGE)
    standin.wait_killed()
    unpublished = swap.their_rows("select event_id::text from outbox_messages where processed_on is null")
    assert len(unpublished) >= 2

    swap.from_dotnet()
    swap.from_dotnet()
    assert dict(swap.rows("select id::text, status from orders")) == {
        confirmed: CONFIRMED, cancelled: CANCELLED, half: 1, still_open: 1}
    with Tap(system.amqp_url) as tap, swap.process("worker"), swap.process("api") as api:
        tap.wait(half, ORDER_CONFIRMED, 60)
        tap.wait(confirmed, ORDER_CONFIRMED, 60)
        orders = OrderApi(api.base)
        assert orders.order(cancelled)["reason"] == "StockNotFoundException"
        assert [entry["status"] for entry in orders.history(confirmed)] == ["Created", "Confirmed"]
        broker.publish(*third)
        new = orders.placed((product, 5))
        publish(broker, STOCK_FAILED, answer_to(new, product, NOT_FOUND), STOCK_EXCHANGE)
        tap.wait(new, ORDER_CANCELLED, 60)
        eventually(lambda: not swap.value("select count(*) from outbox"), "the outbox to be empty")
        assert {m.event_id for m in tap.seen} >= {row[0] for row in unpublished}
        assert sum(m.routing_key == ORDER_CONFIRMED and m.order_id == half for m in tap.collect()) == 1
    run_sql(swap.ours, "watch-moved-orders.sql")
    assert swap.rows("select order_id::text from stuck_orders") == [(still_open,)]

    swap.to_dotnet()
    swap.to_dotnet()
    states = dict(swap.their_rows("select id::text, status from orders"))
    assert states == {confirmed: CONFIRMED, cancelled: CANCELLED, half: CONFIRMED, still_open: 1, new: CANCELLED}
    assert swap.their_rows("select quantity from order_items where order_id = %s", new) == [(5,)]
    standin.start()
    broker.publish(*third)
    publish(broker, STOCK_COMPLETED, answer_to(still_open, product), STOCK_EXCHANGE)
    eventually(lambda: is_final(swap, still_open), "theirs to go on", 60)
    ends = swap.their_rows("select payload::jsonb -> 'Data' ->> 'OrderId' from outbox_messages where type = %s",
                           ORDER_CONFIRMED)
    assert sorted(ends) == sorted([(confirmed,), (still_open,)])
    standin.assert_runs()


def is_final(swap, order):
    return swap.their_rows("select from orders where id = %s and status > 1", order)


def answer_to(order, product, more=None):
    return {"EventId": new_id(), "OrderId": order, "Items": events.items((product, 1)), **(more or {})}


@pytest.mark.parametrize("swap", ["notification"], indirect=True)
def test_notifications_and_back(system, swap, standin, broker, sender):
    """It was killed before it sent what it had begun."""
    body = "Order {OrderNumber}: {OrderTotal} {Currency} {not a name}"
    swap.execute_theirs('update "NotificationTemplates" set "Body" = %s where "TemplateCode" = \'ORDER_CONFIRMED\'', body)
    sent, half, refused = new_id(), new_id(), new_id()
    standin.start("begun:2")
    eventually(lambda: broker.consumers("order.confirmed.queue"), "theirs to consume", 60)
    first = publish(broker, ORDER_CONFIRMED, {"OrderId": sent, "CustomerId": new_id(), "OrderTotal": 0})
    sender.wait(sent, 60)
    eventually(lambda: swap.their_rows('select from "ProcessedEvents" where "ProcessedOn" is not null'), "its note", 60)
    publish(broker, ORDER_CONFIRMED, {"OrderId": half, "CustomerId": new_id(), "OrderTotal": 0})
    standin.wait_killed()

    swap.from_dotnet()
    swap.from_dotnet()
    assert swap.rows("select order_id::text, status from notifications") == [(sent, 3)]
    with swap.process("worker"), swap.process("api") as process:
        broker.publish(*first)
        api = NotificationApi(process.base)
        api.wait(half, timeout=60)
        template = swap.value("select id::text from notification_templates where template_code = 'ORDER_CONFIRMED'")
        values = {"data": {"OrderNumber": "7", "OrderTotal": "1"}}
        preview = api.post(f"/api/notificationtemplates/{template}/preview", values)
        assert preview.json()["body"] == "Order 7: 1 {Currency} {not a name}"
        publish(broker, ORDER_CANCELLED, {"OrderId": refused, "CustomerId": new_id(), "Reason": "StockNotFoundException"})
        api.wait(refused, timeout=60)
        eventually(lambda: not swap.value("select count(*) from notifications where status < 3"), "all to be sent", 60)
        assert len(api.of_order(sent)) == 1

    swap.to_dotnet()
    swap.to_dotnet()
    assert (body,) in swap.their_rows('select "Body" from "NotificationTemplates"')
    standin.start()
    last = new_id()
    broker.publish(*first)
    publish(broker, ORDER_CONFIRMED, {"OrderId": last, "CustomerId": new_id(), "OrderTotal": 0})
    sender.wait(last, 60)
    assert sender.count(sent) == 1 and not sender.count(half) and not sender.count(refused)
    standin.assert_runs()


@pytest.mark.parametrize("swap", ["stock"], indirect=True)
def test_what_waits_to_be_published_is_not_left_behind(swap):
    swap.rows("insert into outbox (id, exchange, routing_key, body) values (%s, '', 'q', '') returning 1", new_id())
    with pytest.raises(AssertionError, match="let it publish first"):
        swap.to_dotnet()
