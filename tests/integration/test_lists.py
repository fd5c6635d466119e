"""The largest lists, asked for by many at once: each is answered, one order beside them too, within bounds."""

import concurrent.futures
import contextlib

import pytest

from support.api import Api, OrderApi, items_of, new_id
from support.child import child
from support.rawhttp import RawConnection, post, request
from support.system import memory_kib
from support.waits import eventually

ORDERS = 101  # a page, and one to know of the next
ITEMS = 100
ASKERS = 40
UNREAD = 10
MOST_MIB = 48
WRITERS = 600
BODY_BYTES = 60_000
ABUSED_MIB = 64


@pytest.fixture(scope="module")
def large(orders):
    """The customer of more than a page of the largest orders, and one of them."""
    customer = new_id()
    placed = [orders.placed(*((new_id(), 1) for _ in range(ITEMS)), customer=customer)
              for _ in range(ORDERS)]
    orders.wait(placed[-1], "Cancelled")  # nobody has heard of these products
    return customer, placed[-1]


def expired(api):
    return api.metrics().value("cartwheel_http_expired_total") or 0


def test_many_large_lists_are_answered_beside_one_order(system, large):
    customer, order = large
    with child(system, "order-api") as api, concurrent.futures.ThreadPoolExecutor(ASKERS) as pool:
        asking = Api(api.base)
        lists = [pool.submit(asking.get, "/api/orders", customerId=customer, limit=100) for _ in range(ASKERS)]
        singles = [200]
        while not all(asked.done() for asked in lists):
            singles.append(asking.get(f"/api/orders/{order}").status_code)
        answers = [asked.result() for asked in lists]
        assert [answer.status_code for answer in answers] == [200] * ASKERS
        assert all(len(answer.json()["items"]) == 100 and answer.json()["nextCursor"] for answer in answers[:2])
        assert len({answer.content for answer in answers}) == 1
        assert set(singles) == {200}
        assert expired(api) == 0
        if not system.is_sanitized:
            assert memory_kib(api.process.pid, "VmHWM") < MOST_MIB * 1024


def test_lists_that_nobody_reads_stop_no_others(system, large):
    customer, _ = large
    path = f"/api/orders?customerId={customer}&limit=100"
    with child(system, "order-api") as api:
        host, port = api.http.rsplit(":", 1)
        unread = [RawConnection((host, int(port))) for _ in range(UNREAD)]
        for connection in unread:
            connection.send(request("GET", path))
        assert Api(api.base).get(path).status_code == 200
        for connection in unread:
            connection.close()
        assert expired(api) == 0


def test_slow_readers_and_slow_writers_have_a_budget(system, orders, large):
    """100 lists that nobody reads and 36 MB of bodies that come slowly: some are told to come again, the rest is served."""
    customer, _ = large
    with child(system, "order-api") as api:
        host, port = api.http.rsplit(":", 1)
        with contextlib.ExitStack() as stack:
            def connect():
                return stack.enter_context(RawConnection((host, int(port)), timeout=30))

            for _ in range(100):
                connect().send(request("GET", f"/api/orders?customerId={customer}&limit=100"))
            writers = [connect() for _ in range(WRITERS)]
            for connection in writers:
                connection.send(post("/api/orders", b" " * BODY_BYTES, length=BODY_BYTES + 1))
            for connection in writers:
                connection.send(b"x")
            answers = [connection.answer() for connection in writers]
            assert {answer.status for answer in answers} == {400, 503}
            assert all("retry-after" in answer.headers for answer in answers if answer.status == 503)
            if not system.is_sanitized:
                assert memory_kib(api.process.pid, "VmHWM") < ABUSED_MIB * 1024
        eventually(lambda: OrderApi(api.base).place(items_of((new_id(), 1))).status_code == 201, "an order to be taken again")
