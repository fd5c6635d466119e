"""Waiting for an order: GET /api/orders/{id}?wait=Confirmed,Cancelled&timeout=20s."""

import resource
import threading
import time

import pytest

from support.api import OrderApi, assert_problem, new_id
from support.child import child
from support.rawhttp import RawConnection, request
from support.system import memory_kib
from support.waits import eventually

FINAL = "Confirmed,Cancelled"
MANY = 2000
BUDGET_KIB = 64 * 1024
FEW = 5


@pytest.fixture(scope="module")
def quiet(system):
    """Its stock service is away: an order stays Created until somebody cancels it."""
    system.stop("stock-worker")
    yield system
    system.start("stock-worker")


@pytest.fixture(scope="module")
def own(quiet):
    """An order-api of this module's own, in which few may wait."""
    with child(quiet, "order-api", {"ORDER_WAITS_MAX": str(FEW)}) as process:
        yield process


def waiting(process, order_id, timeout="60s"):
    """A connection whose request waits."""
    host, port = process.http.split(":")
    connection = RawConnection((host, int(port)), timeout=90)
    connection.send(request("GET", f"/api/orders/{order_id}?wait={FINAL}&timeout={timeout}"))
    return connection


def opened(process, n):
    return eventually(lambda: process.metrics().value("cartwheel_http_waits_open") == n, f"{n} requests to wait")


def wait_for(orders, order_id, wait, timeout="60s"):
    answer = orders.call("GET", f"/api/orders/{order_id}", params={"wait": wait, "timeout": timeout}, timeout=90)
    assert answer.status_code == 200, answer.text
    return answer.json()["status"]


def test_the_answer_comes_with_the_end_of_the_order(orders, stocks):
    product = stocks.create(1)
    taken, refused = orders.placed((product, 1)), orders.placed((new_id(), 1))
    assert wait_for(orders, taken, FINAL) == "Confirmed"
    assert wait_for(orders, refused, FINAL) == "Cancelled"


def test_what_is_so_already_or_can_no_longer_be_is_answered_at_once(orders, stocks):
    order_id = orders.placed((stocks.create(1), 1))
    assert wait_for(orders, order_id, "Confirmed") == "Confirmed"
    started = time.monotonic()
    assert wait_for(orders, order_id, "Created,Confirmed") == "Confirmed"
    assert wait_for(orders, order_id, "Created") == "Confirmed"
    orders.cancel(order_id)
    assert wait_for(orders, order_id, "Confirmed") == "Cancelled"
    assert time.monotonic() - started < 30


def test_an_order_that_is_not_there_is_404_at_once(orders):
    assert_problem(orders.get(f"/api/orders/{new_id()}", wait=FINAL, timeout="60s"), 404)


@pytest.mark.parametrize("query, names", [
    ({"wait": "Shipped"}, ["wait"]), ({"wait": "confirmed"}, ["wait"]), ({"wait": "Confirmed,"}, ["wait"]),
    ({"wait": ""}, ["wait"]), ({"wait": "Created,Created,Created,Created"}, ["wait"]),
    ({"wait": FINAL, "timeout": "61s"}, ["timeout"]), ({"wait": FINAL, "timeout": "0s"}, ["timeout"]),
    ({"wait": FINAL, "timeout": "20"}, ["timeout"]), ({"timeout": "soon", "wait": "x"}, ["timeout", "wait"]),
])
def test_what_cannot_be_waited_for_is_400(orders, query, names):
    answer = orders.get(f"/api/orders/{new_id()}", **query)
    assert set(assert_problem(answer, 400, *names)["errors"]) == set(names)


def test_after_the_time_the_order_is_shown_as_it_is(quiet, orders):
    order_id = orders.placed((new_id(), 1))
    started = time.monotonic()
    assert wait_for(orders, order_id, FINAL, "500ms") == "Created"
    assert time.monotonic() - started >= 0.5


def test_a_wait_ends_while_others_go_on(own, orders):
    first, second = orders.placed((new_id(), 1)), orders.placed((new_id(), 1))
    with waiting(own, first) as one, waiting(own, second) as other:
        opened(own, 2)
        orders.cancel(second)
        answer = other.answer()
        assert (answer.status, b'"Cancelled"' in answer.body) == (200, True)
        opened(own, 1)
        orders.cancel(first)
        assert one.answer().status == 200
    opened(own, 0)


def test_those_that_are_too_many_are_asked_to_come_later(own, orders):
    order_id = orders.placed((new_id(), 1))
    connections = [waiting(own, order_id) for _ in range(FEW)]
    opened(own, FEW)
    with waiting(own, order_id) as refused:
        answer = refused.answer()
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
    assert OrderApi(own.base).order(order_id)["status"] == "Created"  # who does not wait is served
    orders.cancel(order_id)
    for connection in connections:
        assert connection.answer().status == 200
        connection.close()


def test_a_client_that_hangs_up_leaves_its_place(own, orders):
    order_id = orders.placed((new_id(), 1))
    connections = [waiting(own, order_id) for _ in range(FEW)]
    opened(own, FEW)
    for connection in connections:
        connection.close()
    opened(own, 0)
    orders.cancel(order_id)


def test_a_stop_answers_those_that_wait(quiet, orders):
    order_id = orders.placed((new_id(), 1))
    with child(quiet, "order-api") as process, waiting(process, order_id) as connection:
        opened(process, 1)
        started = time.monotonic()
        stopping = threading.Thread(target=process.stop)
        stopping.start()
        answer = connection.answer()
        stopping.join()
        assert (answer.status, b'"Created"' in answer.body, answer.closes) == (200, True, True)
        assert time.monotonic() - started < 10  # and not the 60 s of the wait
    orders.cancel(order_id)


def test_two_thousand_wait_in_little_memory(quiet, orders):
    """All are told of the end at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    order_id = orders.placed((new_id(), 1))
    connections = []
    try:
        with child(quiet, "order-api", {"ORDER_WAITS_MAX": str(MANY)}) as process:
            connections = [waiting(process, order_id) for _ in range(MANY)]
            opened(process, MANY)
            orders.cancel(order_id)
            for connection in connections:
                answer = connection.answer()
                assert (answer.status, b'"Cancelled"' in answer.body) == (200, True)
            if not quiet.is_sanitized:
                assert memory_kib(process.process.pid, "VmHWM") <= BUDGET_KIB
            for connection in connections:
                connection.close()
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
