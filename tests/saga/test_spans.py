"""What a collector of traces sees of an order: each step with its time, what it was part of, and what it points to."""

import re

import pytest

from launcher.spans import roots, tree
from support.api import NotificationApi, OrderApi, StockApi, items_of, new_id
from support.dead_letters import DeadLetterAdmin, broken, letters_about
from support.fakes import FakeHttp, FakeSmtp
from support.load import place_many
from support.names import ORDER_CANCELLED, ORDER_CONFIRMED, ORDER_CREATED, PROCESSES, STOCK_COMPLETED, STOCK_FAILED
from support.otlp import Collector
from support.system import private_system
from support.waits import eventually

CALLER = "00f067aa0ba902b7"
CLOCKS_US = 2000  # the database's clock, and a monotonic one, beside ours
PLACED = ["POST /api/orders", "handle placeOrder", f"outbox {ORDER_CREATED}", f"publish {ORDER_CREATED}",
          "process stock.ordercreated", "settle stock.ordercreated"]


def told(queue):
    return [f"process {queue}", f"settle {queue}", "deliver notification", "GET /api/customers/{id}", "send mail"]


def settled(result, queue, end):
    return [f"outbox {result}", f"publish {result}", f"process {queue}", f"settle {queue}", f"outbox {end}", f"publish {end}"]


CONFIRMED = [*PLACED, *settled(STOCK_COMPLETED, "order.stock.completed", ORDER_CONFIRMED), *told("order.confirmed.queue")]
REFUSED = [*PLACED, *settled(STOCK_FAILED, "order.stock.fail", ORDER_CANCELLED), *told("order.cancelled.queue"),
           "process stock.ordercancelled", "settle stock.ordercancelled"]


def person(_method, path, _body):
    return 200, {"customerId": path.rsplit("/", 1)[1], "fullName": "Ada", "email": "ada@example.org", "language": "en"}


@pytest.fixture(scope="module")
def collector():
    with Collector() as listening:
        yield listening


@pytest.fixture(scope="module")
def traced(collector):
    with FakeHttp(person) as customers, FakeSmtp() as mail, private_system({
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER_ARG": "1",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test%20bed",
            "CUSTOMER_SERVICE_URL": customers.url, "EMAIL_CHANNEL": "smtp", "SMTP_URL": mail.url}) as running:
        yield running


class Shop:
    def __init__(self, system):
        self.system = system
        self.orders, self.stocks = OrderApi(system.api("order")), StockApi(system.api("stock"))
        self.notifications = NotificationApi(system.api("notification"))

    def place(self, product, quantity=1, sampled=True, customer=None):
        """(order id, trace id)"""
        trace = new_id().replace("-", "")
        answer = self.orders.place(items_of((product, quantity)), customer=customer,
                                   headers={"traceparent": f"00-{trace}-{CALLER}-0{int(sampled)}"})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"], trace


@pytest.fixture(scope="module")
def shop(traced):
    return Shop(traced)


def named(spans, name):
    return [span for span in spans if span.name == name]


def assert_story(collector, spans, parent=CALLER):
    """One tree, from what the caller sent; everything within its times; items and batches point to each other."""
    top, = roots(spans)
    assert top.parent == parent and len({span.id for span in spans}) == len(spans), tree(spans)
    by_id = {span.id: span for span in spans}
    for span in spans:
        assert span.start_us <= span.end_us, span
        if span is not top:  # the time in the outbox begins with the transaction
            before = top if span.name.startswith("outbox ") else by_id[span.parent]
            assert span.start_us >= before.start_us - CLOCKS_US, tree(spans)
    for published in (span for span in spans if span.kind == "producer"):
        waited, = (one for one in spans if one.name.startswith("outbox ") and one.parent == published.parent
                   and one.attributes["messaging.message.id"] == published.attributes["messaging.message.id"])
        assert waited.end_us <= published.start_us + CLOCKS_US, tree(spans)
    items = [span for span in spans if span.kind == "consumer" or span.name.startswith(("handle ", "deliver "))]
    assert items
    for item in items:
        assert_batch(collector, item)


def assert_batch(collector, item):
    assert len(item.links) == 1 and item.attributes["cartwheel.batch.size"] >= 1, item
    (trace, batch_id), = item.links
    parts = eventually(lambda: len(found := collector.of(trace)) == 3 and found, f"the batch of {item.name}", 30)
    batch, = (span for span in parts if span.id == batch_id)
    assert batch.name == f"batch {batch.attributes['cartwheel.lane']}" and batch.parent == ""
    assert (item.trace, item.id) in batch.links
    assert batch.attributes["cartwheel.batch.size"] >= len(batch.links)
    transaction, = named(parts, "transaction")
    commit, = named(parts, "commit")
    assert transaction.parent == commit.parent == batch.id
    assert batch.start_us <= transaction.start_us <= transaction.end_us <= commit.start_us <= commit.end_us <= batch.end_us
    assert commit.attributes == {"db.system.name": "postgresql", "db.operation.name": "COMMIT"}


def test_a_confirmed_order_reads_as_a_story_from_the_request_to_the_mail(collector, shop):
    _, trace = shop.place(shop.stocks.create(5))
    spans = collector.wait(trace, *CONFIRMED)
    assert sorted(span.name for span in spans) == sorted(CONFIRMED)
    assert_story(collector, spans)
    assert not any(span.error for span in spans), tree(spans)
    request, = named(spans, "POST /api/orders")
    assert (request.service, request.kind) == ("order-api", "server")
    assert request.attributes == {"http.request.method": "POST", "http.route": "/api/orders", "url.path": "/api/orders",
                                  "http.response.status_code": 201}
    process, = named(spans, "process stock.ordercreated")
    publish, = named(spans, f"publish {ORDER_CREATED}")
    assert (process.service, process.kind, process.parent) == ("stock-worker", "consumer", publish.id)
    assert process.attributes["messaging.system"] == publish.attributes["messaging.system"] == "rabbitmq"
    assert process.attributes["messaging.destination.name"] == "stock.ordercreated"
    assert process.attributes["messaging.message.id"] == publish.attributes["messaging.message.id"]
    settle, = named(spans, "settle stock.ordercreated")
    assert settle.parent == process.id and settle.start_us >= process.end_us
    assert settle.attributes["messaging.operation.type"] == "settle"
    deliver, = named(spans, "deliver notification")
    for name, kind in (("GET /api/customers/{id}", "client"), ("send mail", "client")):
        span, = named(spans, name)
        assert (span.kind, span.parent, span.service) == (kind, deliver.id, "notification-worker")
    asked, = named(spans, "GET /api/customers/{id}")
    assert asked.attributes["http.response.status_code"] == 200 and asked.attributes["server.address"] == "127.0.0.1"


def test_a_refused_order_too(collector, shop):
    _, trace = shop.place(shop.stocks.create(1), quantity=2)
    spans = collector.wait(trace, *REFUSED)
    assert sorted(span.name for span in spans) == sorted(REFUSED)
    assert_story(collector, spans)


def test_a_cancelled_order_has_a_second_trace(collector, shop):
    order_id, trace = shop.place(shop.stocks.create(1))
    collector.wait(trace, *CONFIRMED)
    second = new_id().replace("-", "")
    assert shop.orders.post(f"/api/orders/{order_id}/cancel", {},
                            headers={"traceparent": f"00-{second}-{CALLER}-01"}).status_code == 202
    spans = collector.wait(second, "POST /api/orders/{id}/cancel", f"publish {ORDER_CANCELLED}", "process stock.ordercancelled",
                           "settle stock.ordercancelled", *told("order.cancelled.queue"))
    assert_story(collector, spans)
    top, = roots(spans)
    assert top.attributes["url.path"] == f"/api/orders/{order_id}/cancel"


def test_a_retry_shows_what_failed_and_what_was_tried_again(collector, shop):
    customer, product = new_id(), shop.stocks.create(1)
    with broken(shop.system.databases, "order", "orders", f"customer_id = '{customer}' AND status = 2"):
        _, trace = shop.place(product, customer=customer)
        eventually(lambda: any(trace in line and "will be retried" in line for line in
                               shop.system.log("order-worker").splitlines()), "the first attempt to fail")
    spans = collector.wait(trace, "process order.stock.completed", *CONFIRMED)
    assert_story(collector, spans)
    tries = sorted(named(spans, "process order.stock.completed"), key=lambda one: one.start_us)
    failed = tries[0]
    assert "violates check constraint" in failed.error and not tries[-1].error
    assert [one.attributes.get("cartwheel.retry", 0) for one in tries] == list(range(len(tries)))
    again, = named(spans, "publish order.stock.completed.retry.1")
    assert again.start_us >= failed.start_us and tries[1].parent == again.id
    assert tries[1].start_us - again.start_us >= 900_000, "the wait in the retry queue"


def test_a_dead_letter_that_is_replayed_begins_a_trace_that_points_to_the_old_one(collector, shop):
    customer, product = new_id(), shop.stocks.create(1)
    with broken(shop.system.databases, "order", "orders", f"customer_id = '{customer}' AND status = 2"):
        order_id, trace = shop.place(product, customer=customer)
        letter, = eventually(lambda: letters_about(shop.system.databases, "order", [order_id], 1), "the letter", 60)
    admin = DeadLetterAdmin(shop.system, "order-worker")
    second = new_id().replace("-", "")
    answer = admin.call("POST", f"/dead-letters/{letter}/replay", json={"by": "ana", "why": "repaired"},
                        headers={"traceparent": f"00-{second}-{CALLER}-01"})
    assert answer.status_code == 200, answer.text
    shop.orders.wait(order_id, "Confirmed")
    spans = collector.wait(second, "POST /dead-letters/{id}/replay", "replay order.stock.completed",
                           "publish order.stock.completed", "process order.stock.completed", f"publish {ORDER_CONFIRMED}",
                           *told("order.confirmed.queue"))
    assert_story(collector, spans)
    replay, = named(spans, "replay order.stock.completed")
    (linked, dead), = replay.links
    assert linked == trace
    before = collector.wait(trace, *["process order.stock.completed"] * 3, "publish order.stock.completed")
    assert dead in {span.id for span in before}
    assert all(span.error for span in named(before, "process order.stock.completed"))


def test_what_is_not_sampled_leaves_no_span(collector, shop):
    order_id, trace = shop.place(shop.stocks.create(1), sampled=False)
    shop.notifications.wait(order_id, status="Sent")
    _, later = shop.place(shop.stocks.create(1))
    collector.wait(later, *CONFIRMED)
    assert collector.of(trace) == []


def test_log_lines_name_the_span_that_they_are_of(collector, shop):
    _, trace = shop.place(shop.stocks.create(1))
    ids = {span.id: span.service for span in collector.wait(trace, *CONFIRMED)}
    for process in ("order-api", "stock-worker", "order-worker", "notification-worker"):
        lines = re.findall(rf'"trace_id":"{trace}","span_id":"([0-9a-f]+)"', shop.system.log(process))
        assert lines and {ids[one] for one in lines} == {process}, (process, lines)


ORDERS = 450  # each leaves five spans and more in a worker, so that the 2,048 that may wait there would not do


def test_every_order_is_traced_without_a_span_dropped(traced, shop, collector):
    """As fast as eight clients place them: a full batch leaves at once, not when its time has come."""
    product = shop.stocks.create(ORDERS)
    place_many(shop.orders.base, [[(product, 1)]] * ORDERS, clients=8)
    shop.stocks.wait(product, 0)

    def spans(name):
        return sum(span.name == name for span in list(collector.spans))

    for name in ("POST /api/orders", "settle order.stock.completed"):
        eventually(lambda: spans(name) >= ORDERS, f"the spans {name} of all orders", 60)
    dropped = {name: traced.metrics(name).value("cartwheel_spans_dropped_total") or 0 for name in PROCESSES}
    assert set(dropped.values()) == {0}, dropped
