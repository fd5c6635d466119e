"""Idempotency-Key: one key, one order, one answer, whatever happens in between."""

import concurrent.futures
import threading

import pytest
import requests

from support import tokens
from support.api import OrderApi, assert_problem, exact, items_of, new_id
from support.child import child
from support.waits import eventually


def count_of(orders, customer):
    return len(exact(orders.get("/api/orders", customerId=customer))["items"])


def test_a_repeat_gets_the_first_answer_again(orders):
    customer, key, items = new_id(), new_id(), items_of((new_id(), 1), price=2)
    first = orders.place(items, customer, key)
    again = orders.place(items, customer, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert count_of(orders, customer) == 1


def test_without_a_key_each_request_is_an_order(orders):
    customer, items = new_id(), items_of((new_id(), 1))
    ids = {orders.place(items, customer).json()["id"] for _ in range(3)}
    assert len(ids) == 3 == count_of(orders, customer)


def test_another_body_under_the_key_is_422(orders):
    customer, key, product = new_id(), new_id(), new_id()
    assert orders.place(items_of((product, 1)), customer, key).status_code == 201
    assert_problem(orders.place(items_of((product, 2)), customer, key), 422)
    assert count_of(orders, customer) == 1


def test_bodies_are_compared_byte_for_byte(orders):
    """The contract says so: the same order written anew is another body."""
    customer, key, product = new_id(), new_id(), new_id()
    body = '{"customerId": "%s", "items": [{"productId": "%s", "quantity": 1, "unitPrice": 2.5}]}' % (customer, product)
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}

    def send(text):
        return orders.call("POST", "/api/orders", data=text, headers=headers)

    assert send(body).status_code == 201
    assert send(body).headers["Idempotent-Replayed"] == "true"
    for anew in (body.replace("2.5", "2.50"), body + " ", body.replace("quantity", "Quantity")):
        assert "byte for byte" in assert_problem(send(anew), 422)["detail"]
    assert count_of(orders, customer) == 1


def test_the_key_is_taken_as_it_is(orders):
    """Case counts, and keys that share a prefix are two keys."""
    customer, key, items = new_id(), "Key-" + new_id(), items_of((new_id(), 1))
    for one in (key, key.lower(), key + "x"):
        assert "Idempotent-Replayed" not in orders.place(items, customer, one).headers
    assert count_of(orders, customer) == 3


@pytest.mark.parametrize("length", [36, 255])
def test_keys_up_to_255_characters_are_accepted(orders, length):
    key = new_id() + "~" * (length - 36)
    assert orders.place(items_of((new_id(), 1)), key=key).status_code == 201


def test_every_visible_character_is_accepted(orders):
    visible = "".join(map(chr, range(0x21, 0x7F)))
    assert orders.place(items_of((new_id(), 1)), key=visible + new_id()).status_code == 201


def test_one_character_is_a_key(orders):
    # An earlier run against the same system may have used it for another body: then it is 422.
    assert orders.place(items_of((new_id(), 1)), key="!").status_code in (201, 422)


@pytest.mark.parametrize("key", ["", "~" * 256, "two words", "caf\u00e9", "tab\there"],
                         ids=["empty", "256", "space", "latin-1", "tab"])
def test_a_bad_key_is_400(orders, key):
    customer = new_id()
    answer = orders.place(items_of((new_id(), 1)), customer, headers={"Idempotency-Key": key.encode("latin-1")})
    assert_problem(answer, 400)
    assert count_of(orders, customer) == 0


def test_a_refused_body_does_not_use_up_the_key_for_ever(orders):
    customer, key, product = new_id(), new_id(), new_id()
    assert_problem(orders.place(items_of((product, 0)), customer, key), 400)
    assert orders.place(items_of((product, 1)), customer, key).status_code in (201, 422)
    assert count_of(orders, customer) <= 1


def test_twenty_threads_with_one_key_make_one_order(orders):
    customer, key, items = new_id(), new_id(), items_of((new_id(), 1))
    gate = threading.Barrier(20)

    def one(_):
        gate.wait(10)
        return requests.post(orders.base + "/api/orders", json={"customerId": customer, "items": items},
                             headers={"Idempotency-Key": key, **tokens.headers()}, timeout=20)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    created = [a for a in answers if a.status_code == 201]
    assert {a.status_code for a in answers} <= {201, 409}, [a.status_code for a in answers]
    assert len({a.json()["id"] for a in created}) == 1
    assert sum("Idempotent-Replayed" not in a.headers for a in created) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409)
    assert orders.place(items, customer, key).json() == created[0].json()
    assert count_of(orders, customer) == 1


def test_409_while_the_first_request_is_in_flight(system, orders, databases):
    """A lock on the orders holds the first request between its arrival and its commit; the second meets another process."""
    customer, key, items = new_id(), new_id(), items_of((new_id(), 1))
    with child(system, "order-api") as other, concurrent.futures.ThreadPoolExecutor(1) as pool:
        second = OrderApi(other.base)
        with databases.connect("order", autocommit=False) as lock:
            lock.execute("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE")
            first = pool.submit(orders.place, items, customer, key)
            eventually(lambda: databases.value(
                "order", "SELECT count(*) FROM pg_locks WHERE NOT granted"), "the first request to wait")
            assert_problem(second.place(items, customer, key), 409)
            lock.rollback()
        assert first.result(timeout=20).status_code == 201
        again = second.place(items, customer, key)
        assert (again.status_code, again.json()) == (201, first.result().json())
    assert count_of(orders, customer) == 1


def test_two_processes_with_one_key_make_one_order(system, orders):
    customer, items = new_id(), items_of((new_id(), 1))
    with child(system, "order-api") as other:
        bases = [orders.base, other.base] * 8
        for _ in range(5):
            key = new_id()
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda base, k=key: OrderApi(base).place(items, customer, k), bases))
            assert {a.status_code for a in answers} <= {201, 409}
            assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
    assert count_of(orders, customer) == 5


def test_the_answer_is_remembered_across_a_crash(orders, system):
    customer, key, items = new_id(), new_id(), items_of((new_id(), 1))
    first = orders.place(items, customer, key)
    assert first.status_code == 201
    system.restart("order-api", kill=True)
    again = eventually(lambda: orders.place(items, customer, key), "the API to answer again",
                       forgive=(requests.ConnectionError,))
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
