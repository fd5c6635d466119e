"""The price list: setting, reading and deleting prices, and the orders that take them."""

import concurrent.futures
import json
from decimal import Decimal

import pytest

from support.api import TIME, assert_problem, exact, new_id
from support.documents import NDJSON

PATH = "/api/prices"
NIL = "00000000-0000-0000-0000-000000000000"


def path_of(product):
    return f"{PATH}/{product}"


def put(orders, product, price, currency=None, **headers):
    body = {"unitPrice": price} | ({} if currency is None else {"currency": currency})
    return orders.put(path_of(product), body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def priced(orders, price, currency=None):
    """A product that has this price."""
    product = new_id()
    answer = put(orders, product, price, currency)
    assert answer.status_code == 201, answer.text
    return product


def order_of(orders, answer):
    assert answer.status_code == 201, answer.text
    return orders.order(answer.json()["id"])


def take(orders, *pairs, **options):
    """Places an order that names no prices."""
    return orders.place([{"productId": product, "quantity": quantity} for product, quantity in pairs], **options)


def versions(orders, product, limit=100):
    return orders.all_pages(f"{path_of(product)}/versions", limit)


# ---- the list ----

def test_the_first_price_is_created_and_the_next_replaces_it(orders):
    product = new_id()
    first = put(orders, product, 19.99)
    assert (first.status_code, first.headers["ETag"], first.headers["Location"]) == (201, '"1"', path_of(product))
    price = exact(first)
    assert TIME.match(price.pop("changedAt"))
    assert price == {"productId": product, "unitPrice": Decimal("19.99"), "currency": "USD", "version": 1}
    second = put(orders, product, 24, "EUR")
    assert (second.status_code, second.headers["ETag"]) == (200, '"2"')
    assert "Location" not in second.headers
    shown = orders.get(path_of(product.upper()))
    assert (exact(shown), shown.headers["ETag"]) == (exact(second), '"2"')


def test_the_price_that_is_there_is_no_new_version(orders):
    product = priced(orders, 5)
    answer = put(orders, product, 5.0000, "USD")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert len(versions(orders, product)) == 1


def test_a_deleted_price_is_gone_and_its_versions_go_on(orders):
    product = priced(orders, 5)
    assert orders.delete(path_of(product)).status_code == 204
    assert_problem(orders.get(path_of(product)), 404)
    assert_problem(orders.delete(path_of(product)), 404)
    again = put(orders, product, 5)
    assert (again.status_code, again.headers["ETag"]) == (201, '"3"')
    found = versions(orders, product, limit=2)
    assert orders.all_pages(f"{path_of(product)}/versions", 2, sort="oldest") == found[::-1]
    second = found[1]["changedAt"]
    assert orders.all_pages(f"{path_of(product)}/versions", 1, createdAfter=second) == found[:2]
    assert [(v["version"], v.get("unitPrice"), v.get("currency")) for v in found] == \
        [(3, 5, "USD"), (2, None, None), (1, 5, "USD")]


def test_a_product_without_a_price_is_404(orders):
    for product in (new_id(), "no-uuid", NIL):
        assert_problem(orders.get(path_of(product)), 404)
        assert_problem(orders.delete(path_of(product)), 404)
        assert_problem(orders.get(f"{path_of(product)}/versions"), 404)
    for product in ("no-uuid", NIL):
        assert_problem(put(orders, product, 1), 404)


@pytest.mark.parametrize("body, path", [
    ({}, "unitPrice"), ({"unitPrice": None}, "unitPrice"), ({"unitPrice": -0.0001}, "unitPrice"),
    ({"unitPrice": 10_000_000}, "unitPrice"), ({"unitPrice": 1.00001}, "unitPrice"), ({"unitPrice": "1"}, "unitPrice"),
    ({"unitPrice": 1, "currency": "ZZZ"}, "currency"), ({"unitPrice": 1, "currency": "eur"}, "currency"),
])
def test_a_bad_price_is_400_and_changes_nothing(orders, body, path):
    product = priced(orders, 5)
    assert_problem(orders.put(path_of(product), body), 400, path)
    assert exact(orders.get(path_of(product)))["version"] == 1


def test_no_change_is_lost(orders):
    product = priced(orders, 5)
    assert put(orders, product, 6, If_Match='"1"').status_code == 200
    assert_problem(put(orders, product, 7, If_Match='"1"'), 412)
    assert_problem(orders.call("DELETE", path_of(product), headers={"If-Match": '"1"'}), 412)
    assert put(orders, product, 7, If_Match='"1", "2"').status_code == 200
    assert orders.call("DELETE", path_of(product), headers={"If-Match": "*"}).status_code == 204
    for tag in ("*", '"3"', '"4"'):
        assert_problem(put(orders, product, 8, If_Match=tag), 412)
    assert_problem(orders.get(path_of(product)), 404)


def test_of_concurrent_changes_each_is_a_version(orders):
    product = new_id()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: put(orders, product, n).status_code, range(1, 41)))
    assert (answers.count(201), answers.count(200)) == (1, 39)
    found = versions(orders, product, limit=7)
    assert [v["version"] for v in found] == list(range(40, 0, -1))
    assert {v["unitPrice"] for v in found} == set(range(1, 41))


def test_the_list_has_pages_by_product_without_deleted_ones(orders):
    products = sorted(priced(orders, n) for n in range(5))
    gone = priced(orders, 9)
    assert orders.delete(path_of(gone)).status_code == 204
    found = orders.all_pages(PATH, 3)
    listed = [price["productId"] for price in found]
    assert listed == sorted(set(listed))
    assert [product for product in listed if product in products] == products
    assert gone not in listed


# ---- imports ----

def send(orders, lines, content_type=NDJSON):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return orders.call("POST", f"{PATH}/import", data=text.encode(), headers={"Content-Type": content_type})


def imported(orders, *lines):
    """[(outcome, version)]; each line is answered with its number."""
    answer = send(orders, lines)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, NDJSON), answer.text
    told = [json.loads(one) for one in answer.text.splitlines()]
    assert [one["line"] for one in told] == list(range(1, len(lines) + 1))
    return [(one["outcome"], one.get("version")) for one in told]


def line(product, price, **members):
    return {"productId": product, "unitPrice": price, **members}


def test_each_line_of_an_import_has_its_outcome(orders):
    here, there, new, nobody = priced(orders, 10), priced(orders, 20), new_id(), new_id()
    assert imported(
        orders, line(new, 5), line(here, 10), line(here, 11, currency="EUR"), line(there, 21, expected=1),
        line(there, 22, expected=1), line(nobody, 1, expected=1), "", "{", "[]", line("x", 1), line(NIL, 1), line(new_id(), -1),
        line(new_id(), 1, currency="usd"), line(new_id(), 1, expected=0), line(new.upper(), 6, note="x")) == [
        ("created", 1), ("unchanged", 1), ("set", 2), ("set", 2), ("stale", 2), ("unknown", None),
        *[("invalid", None)] * 8, ("set", 2)]
    prices = {p: exact(orders.get(path_of(p))) for p in (new, here, there)}
    assert [(prices[p]["unitPrice"], prices[p]["currency"]) for p in (new, here, there)] == [(6, "USD"), (11, "EUR"), (21, "USD")]
    assert_problem(orders.get(path_of(nobody)), 404)
    assert [v["unitPrice"] for v in versions(orders, new)] == [6, 5]


def test_a_thousand_prices_are_taken_and_no_more(orders):
    most = [line(new_id(), n) for n in range(1000)]
    assert set(imported(orders, *most)) == {("created", 1)}
    assert set(imported(orders, *most)) == {("unchanged", 1)}
    assert_problem(send(orders, [*most, "{}"]), 400, "")
    assert order_of(orders, take(orders, (most[999]["productId"], 1), (most[1]["productId"], 1)))["total"] == 1000


@pytest.mark.parametrize("text, content_type, status", [
    ("", NDJSON, 400), ("{}", "application/json", 415), ("x" * (128 * 1024 + 1), NDJSON, 413)], ids=("empty", "json", "long"))
def test_an_import_that_is_none_is_refused(orders, text, content_type, status):
    assert_problem(send(orders, [text], content_type), status)


# ---- orders ----

def test_an_order_takes_the_price_of_the_moment_and_keeps_it(orders, tap):
    product, other = priced(orders, 19.99), priced(orders, 0.0001)
    placed = order_of(orders, take(orders, (product, 3), (other, 7)))
    put(orders, product, 25)
    after = order_of(orders, take(orders, (product, 3)))
    assert {item["productId"]: item["unitPrice"] for item in placed["items"]} == \
        {product: Decimal("19.99"), other: Decimal("0.0001")}
    assert (placed["total"], after["total"]) == (Decimal("59.9707"), 75)
    assert orders.order(placed["id"])["total"] == Decimal("59.9707")
    for order in (placed, after):
        created = tap.wait(order["id"], "OrderCreatedEvent")
        assert created.data["OrderTotal"] == order["total"]


def test_named_prices_and_listed_ones_go_together(orders):
    listed, named, neither = priced(orders, 10), priced(orders, 10), new_id()
    answer = orders.place([{"productId": listed, "quantity": 2},
                           {"productId": named, "quantity": 1, "unitPrice": 0},
                           {"productId": new_id(), "quantity": 1, "unitPrice": 1.5},
                           {"productId": neither, "quantity": 5, "unitPrice": None}])
    order = order_of(orders, answer)
    prices = {item["productId"]: item["unitPrice"] for item in order["items"]}
    assert (prices[listed], prices[named], prices[neither], order["total"]) == (10, 0, 0, Decimal("21.5"))


def test_a_price_in_another_currency_is_a_violation(orders):
    product = priced(orders, 10, "EUR")
    named = {"productId": new_id(), "quantity": 1, "unitPrice": 1}
    answer = orders.place([named, {"productId": product, "quantity": 1}])
    assert "EUR" in assert_problem(answer, 400, "items[1].productId")["errors"]["items[1].productId"][0]
    assert order_of(orders, take(orders, (product, 2), currency="EUR"))["total"] == 20
    assert orders.place([{"productId": product, "quantity": 1, "unitPrice": 1}]).status_code == 201


def test_a_total_of_listed_prices_is_exact_to_its_limit(orders):
    product, rest = priced(orders, 9_999_999.9999), priced(orders, 9.9999)
    greatest = take(orders, (product, 100_000), (rest, 1))
    assert order_of(orders, greatest)["total"] == Decimal("999999999999.9999")
    assert_problem(take(orders, (product, 100_000), (rest, 2)), 400, "items")


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "deleted"])
def test_a_repeated_request_gets_its_order_whatever_the_price_is_now(orders, gone):
    product, customer, key = priced(orders, 10), new_id(), new_id()
    first = take(orders, (product, 1), customer=customer, key=key)
    assert (orders.delete(path_of(product)) if gone else put(orders, product, 99, "EUR")).status_code in (200, 204)
    again = take(orders, (product, 1), customer=customer, key=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    assert order_of(orders, again)["total"] == 10


def test_a_refused_order_leaves_its_key_free(orders):
    product, customer, key = priced(orders, 10, "EUR"), new_id(), new_id()
    assert_problem(take(orders, (product, 1), customer=customer, key=key), 400)
    put(orders, product, 10, "USD")
    assert order_of(orders, take(orders, (product, 1), customer=customer, key=key))["total"] == 10


def test_while_a_price_changes_every_order_has_one_that_there_was(orders):
    product = priced(orders, 1)

    def one(n):
        if n % 4 == 0:
            assert put(orders, product, 1 + n).status_code == 200
            return None
        return take(orders, (product, 2), key=new_id() if n % 2 else None)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        placed = [order_of(orders, answer) for answer in pool.map(one, range(4, 84)) if answer is not None]
    ever = {v["unitPrice"] for v in versions(orders, product)}
    for order in placed:
        assert order["items"][0]["unitPrice"] in ever
        assert order["total"] == 2 * order["items"][0]["unitPrice"]
