"""POST /api/orders: what is accepted, at every limit, and what is refused, past every limit."""

from decimal import Decimal

import pytest

from support.api import UUID, assert_problem, exact, items_of, new_id

MAX_QUANTITY = 1_000_000
MAX_PRICE = 9_999_999.9999


def item(**changes):
    base = {"productId": new_id(), "quantity": 1, "unitPrice": 1}
    return {k: v for k, v in {**base, **changes}.items() if v is not ...}


def post(orders, **changes):
    body = {"customerId": new_id(), "items": [item()], **changes}
    return orders.post("/api/orders", {k: v for k, v in body.items() if v is not ...})


def test_answers_201_with_location_id_and_status(orders):
    answer = orders.place(items_of((new_id(), 1)))
    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith("application/json")
    body = answer.json()
    assert UUID.match(body["id"])
    assert body["status"] == "Created"
    assert answer.headers["Location"] == f"/api/orders/{body['id']}"
    assert "Idempotent-Replayed" not in answer.headers


def test_a_placed_order_is_confirmed_and_its_stock_taken(orders, stocks, notifications):
    product = stocks.create(10)
    order_id = orders.placed((product, 3))
    orders.wait(order_id, "Confirmed")
    assert stocks.quantity(product) == 7
    assert len(notifications.wait(order_id)) == 1


@pytest.mark.parametrize("quantity, reason", [(None, "StockNotFoundException"),
                                              (2, "InsufficientStockException")])
def test_an_order_that_stock_refuses_is_cancelled_with_the_reason(orders, stocks, notifications, quantity, reason):
    product = new_id() if quantity is None else stocks.create(quantity)
    order_id = orders.placed((product, 3))
    order = orders.wait(order_id, "Cancelled")
    assert order["reason"] == reason
    if quantity is not None:
        assert stocks.quantity(product) == quantity
    assert len(notifications.wait(order_id)) == 1


def test_an_order_takes_all_its_items_or_none(orders, stocks):
    plenty, scarce = stocks.create(100), stocks.create(1)
    order_id = orders.placed((plenty, 5), (scarce, 2))
    orders.wait(order_id, "Cancelled")
    assert (stocks.quantity(plenty), stocks.quantity(scarce)) == (100, 1)


@pytest.mark.parametrize("rename", [str.upper, str.lower, str.title], ids=["upper", "lower", "title"])
def test_member_names_match_in_any_case(orders, rename):
    line = {rename("productId"): new_id(), rename("quantity"): 2, rename("unitPrice"): 2.5}
    body = {rename("customerId"): new_id(), rename("items"): [line], rename("currency"): "EUR"}
    answer = orders.post("/api/orders", body)
    assert answer.status_code == 201, answer.text
    order = orders.order(answer.json()["id"])
    assert (order["total"], order["currency"]) == (5, "EUR")


def test_unknown_members_are_ignored(orders):
    assert post(orders, colour="red", items=[item(note="x")]).status_code == 201


def test_ids_are_read_in_any_case_and_written_in_lower_case(orders):
    customer, product = new_id(), new_id()
    order_id = orders.placed((product.upper(), 1), customer=customer.upper())
    order = orders.order(order_id)
    assert order["customerId"] == customer
    assert order["items"][0]["productId"] == product


@pytest.mark.parametrize("changes", [
    {"items": [item() for _ in range(100)]},
    {"items": [item(quantity=1)]},
    {"items": [item(quantity=MAX_QUANTITY)]},
    {"items": [item(unitPrice=0)]},
    {"items": [item(unitPrice=MAX_PRICE)]},
    {"items": [item(unitPrice=0.0001)]},
    {"items": [item(unitPrice=1e2)]},
    {"items": [item(unitPrice=...)]},
    {"currency": "USD"},
    {"currency": "JPY"},
    # 100,000 * 9,999,999.9999 + 9.9999 = 999,999,999,999.9999
    {"items": [item(quantity=100_000, unitPrice=MAX_PRICE), item(unitPrice=9.9999)]},
], ids=lambda c: str(sorted(c))[:20])
def test_the_edge_of_each_limit_is_accepted(orders, changes):
    answer = post(orders, **changes)
    assert answer.status_code == 201, answer.text


def test_the_greatest_total_is_kept_to_the_last_decimal(orders):
    answer = post(orders, items=[item(quantity=100_000, unitPrice=MAX_PRICE), item(unitPrice=9.9999)])
    assert orders.order(answer.json()["id"])["total"] == Decimal("999999999999.9999")


@pytest.mark.parametrize("lines, total", [
    ([(3, 0.1)], "0.3"),
    ([(7, 0.0001), (1, 19.99)], "19.9907"),
    ([(1, ...)], "0"),
    ([(MAX_QUANTITY, 0.0001)], "100"),
])
def test_totals_are_exact(orders, lines, total):
    answer = post(orders, items=[item(quantity=q, unitPrice=p) for q, p in lines])
    order = orders.order(answer.json()["id"])
    assert Decimal(order["total"]) == Decimal(total)
    assert order["currency"] == "USD"


@pytest.mark.parametrize("changes, path", [
    ({"customerId": ...}, "customerId"),
    ({"customerId": None}, "customerId"),
    ({"customerId": 7}, "customerId"),
    ({"customerId": ""}, "customerId"),
    ({"customerId": "not-a-uuid"}, "customerId"),
    ({"customerId": new_id() + "0"}, "customerId"),
    ({"customerId": new_id().replace("-", "_")}, "customerId"),
    ({"items": ...}, "items"),
    ({"items": None}, "items"),
    ({"items": {}}, "items"),
    ({"items": []}, "items"),
    ({"items": [item() for _ in range(101)]}, "items"),
    ({"items": [7]}, "items[0]"),
    ({"items": [item(), None]}, "items[1]"),
    ({"items": [item(productId=...)]}, "items[0].productId"),
    ({"items": [item(productId="x")]}, "items[0].productId"),
    ({"items": [item(), item(productId=1)]}, "items[1].productId"),
    ({"items": [item(quantity=...)]}, "items[0].quantity"),
    ({"items": [item(quantity=0)]}, "items[0].quantity"),
    ({"items": [item(quantity=-1)]}, "items[0].quantity"),
    ({"items": [item(quantity=MAX_QUANTITY + 1)]}, "items[0].quantity"),
    ({"items": [item(quantity=1.5)]}, "items[0].quantity"),
    ({"items": [item(quantity="1")]}, "items[0].quantity"),
    ({"items": [item(quantity=True)]}, "items[0].quantity"),
    ({"items": [item(quantity=2**63 - 1)]}, "items[0].quantity"),
    ({"items": [item(unitPrice=-0.0001)]}, "items[0].unitPrice"),
    ({"items": [item(unitPrice=10_000_000)]}, "items[0].unitPrice"),
    ({"items": [item(unitPrice=1.00001)]}, "items[0].unitPrice"),
    ({"items": [item(unitPrice="1")]}, "items[0].unitPrice"),
    ({"items": [item(unitPrice=1e30)]}, "items[0].unitPrice"),
    ({"currency": "US"}, "currency"),
    ({"currency": "DOLLAR"}, "currency"),
    ({"currency": "U$D"}, "currency"),
    ({"currency": "ZZZ"}, "currency"),
    ({"currency": "XAU"}, "currency"),
    ({"currency": "eur"}, "currency"),
    ({"currency": 840}, "currency"),
], ids=lambda v: v if isinstance(v, str) else None)
def test_a_violation_is_named_with_its_path(orders, changes, path):
    assert_problem(post(orders, **changes), 400, path)


def test_every_violation_is_named_at_once(orders):
    answer = post(orders, customerId="x", currency="euro", items=[
        item(quantity=0), item(productId="y", unitPrice=-1), item(quantity=MAX_QUANTITY + 1, unitPrice=1.00001)])
    assert_problem(answer, 400, "customerId", "currency", "items[0].quantity", "items[1].productId",
                   "items[1].unitPrice", "items[2].quantity", "items[2].unitPrice")


def test_all_of_100_bad_items_are_named(orders):
    problem = assert_problem(post(orders, items=[item(quantity=0) for _ in range(100)]), 400)
    assert {f"items[{n}].quantity" for n in range(100)} <= set(problem["errors"])


def test_a_product_is_ordered_once(orders):
    product = new_id()
    answer = post(orders, items=[item(productId=product), item(), item(productId=product.upper())])
    problem = assert_problem(answer, 400)
    assert any(path.startswith("items[2]") for path in problem["errors"]), problem


def test_the_nil_uuid_is_no_customer_and_no_product(orders, stocks):
    nil = "00000000-0000-0000-0000-000000000000"
    assert_problem(post(orders, customerId=nil, items=[item(), item(productId=nil)]), 400, "customerId", "items[1].productId")
    assert_problem(stocks.post("/api/stocks", {"productId": nil, "quantity": 1}), 400, "productId")


@pytest.mark.parametrize("lines", [
    # one ten-thousandth above the greatest total, and sums beyond 64 bits
    [(100_000, MAX_PRICE), (1, 10)],
    [(MAX_QUANTITY, MAX_PRICE)],
    [(MAX_QUANTITY, MAX_PRICE)] * 100,
], ids=["by-0.0001", "tenfold", "beyond-int64"])
def test_a_total_past_the_limit_is_refused(orders, lines):
    problem = assert_problem(post(orders, items=[item(quantity=q, unitPrice=p) for q, p in lines]), 400)
    assert problem["errors"], problem


def test_a_refused_order_leaves_nothing(orders):
    customer = new_id()
    assert_problem(post(orders, customerId=customer, items=[item(), item(quantity=0)]), 400)
    assert exact(orders.get("/api/orders", customerId=customer))["items"] == []
