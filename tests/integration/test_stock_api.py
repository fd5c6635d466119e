"""The stock API: every call, the ledger behind it, exactness under concurrency."""

import concurrent.futures
import re

import pytest

from support.api import TIME, assert_problem, new_id


def test_create_answers_201_with_location(stocks):
    product = new_id()
    answer = stocks.post("/api/stocks", {"productId": product, "quantity": 5})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/stocks/{product}"
    assert stocks.get(f"/api/stocks/{product}").json() == {"productId": product, "quantity": 5}


def test_creating_it_again_is_409_and_changes_nothing(stocks):
    product = stocks.create(5)
    assert_problem(stocks.post("/api/stocks", {"productId": product, "quantity": 9}), 409)
    assert_problem(stocks.post("/api/stocks", {"productId": product.upper(), "quantity": 9}), 409)
    assert stocks.quantity(product) == 5


def test_members_match_in_any_case(stocks):
    product = new_id()
    assert stocks.post("/api/stocks", {"PRODUCTID": product.upper(), "Quantity": 1}).status_code == 201
    assert stocks.put(f"/api/stocks/{product.upper()}", {"QUANTITY": 2}).status_code == 204
    assert stocks.post(f"/api/stocks/{product}/adjustments", {"Delta": 1}).status_code == 200
    assert stocks.quantity(product) == 3


@pytest.mark.parametrize("body, paths", [
    ({}, ["productId", "quantity"]),
    ({"productId": "x", "quantity": -1}, ["productId", "quantity"]),
    ({"productId": new_id()}, ["quantity"]),
    ({"productId": new_id(), "quantity": "5"}, ["quantity"]),
    ({"productId": new_id(), "quantity": 1.5}, ["quantity"]),
    ({"productId": new_id(), "quantity": None}, ["quantity"]),
    ({"productId": 5, "quantity": 5}, ["productId"]),
])
def test_a_bad_product_is_400(stocks, body, paths):
    assert_problem(stocks.post("/api/stocks", body), 400, *paths)


def test_zero_is_a_quantity(stocks):
    assert stocks.quantity(stocks.create(0)) == 0


def test_an_unknown_product_is_404_everywhere(stocks):
    path = f"/api/stocks/{new_id()}"
    assert_problem(stocks.get(path), 404)
    assert_problem(stocks.put(path, {"quantity": 1}), 404)
    assert_problem(stocks.delete(path), 404)
    assert_problem(stocks.post(path + "/adjustments", {"delta": 1}), 404)
    assert_problem(stocks.get(path + "/movements"), 404)


def test_put_sets_the_quantity(stocks):
    product = stocks.create(5)
    answer = stocks.put(f"/api/stocks/{product}", {"quantity": 12})
    assert (answer.status_code, answer.content) == (204, b"")
    assert stocks.quantity(product) == 12
    assert stocks.put(f"/api/stocks/{product}", {"quantity": 0}).status_code == 204
    assert stocks.quantity(product) == 0


@pytest.mark.parametrize("body", [{}, {"quantity": -1}, {"quantity": "1"}, {"quantity": 0.5}, {"quantity": 2**63 - 1}])
def test_a_bad_put_is_400(stocks, body):
    product = stocks.create(5)
    assert_problem(stocks.put(f"/api/stocks/{product}", body), 400, "quantity")
    assert stocks.quantity(product) == 5


def test_delete_answers_204_and_then_404(stocks):
    product = stocks.create(5)
    assert stocks.delete(f"/api/stocks/{product}").status_code == 204
    assert_problem(stocks.get(f"/api/stocks/{product}"), 404)
    assert_problem(stocks.delete(f"/api/stocks/{product}"), 404)


def test_adjustments_add_and_take(stocks):
    product = stocks.create(5)
    answer = stocks.adjust(product, 10, reason="delivery")
    assert (answer.status_code, answer.json()) == (200, {"productId": product, "quantity": 15})
    assert stocks.adjust(product, -15).json() == {"productId": product, "quantity": 0}


def test_an_adjustment_below_zero_is_409_and_changes_nothing(stocks):
    product = stocks.create(5)
    assert_problem(stocks.adjust(product, -6), 409)
    assert stocks.quantity(product) == 5
    assert len(stocks.movements(product)) == 1


@pytest.mark.parametrize("delta", [None, "1", 1.5, [], 2**63 - 1, -2**63])
def test_a_bad_adjustment_is_400(stocks, delta):
    product = stocks.create(5)
    assert_problem(stocks.adjust(product, delta), 400, "delta")
    assert stocks.quantity(product) == 5


def test_the_ledger_tells_every_change_newest_first(orders, stocks):
    product = stocks.create(10)
    stocks.adjust(product, 5, reason="delivery 4711")
    stocks.put(f"/api/stocks/{product}", {"quantity": 20})
    order_id = orders.placed((product, 4))
    orders.wait(order_id, "Confirmed")
    orders.cancel(order_id)
    stocks.wait(product, 20)
    movements = stocks.movements(product)
    assert [m["delta"] for m in movements] == [4, -4, 5, 5, 10]
    assert [m.get("orderId") for m in movements[:2]] == [order_id, order_id]
    assert not any(m.get("orderId") for m in movements[2:])
    assert "delivery 4711" in str(movements[3])
    for movement in movements:
        assert any(isinstance(v, str) and TIME.match(v) for v in movement.values()), movement
        assert movement["kind"]


def test_the_ledger_has_pages(stocks):
    product = stocks.create(100)
    for _ in range(24):
        assert stocks.adjust(product, -1).status_code == 200
    for limit in (1, 6, 25, 100):
        deltas = [m["delta"] for m in stocks.movements(product, limit)]
        assert deltas == [-1] * 24 + [100], f"limit {limit}"


def test_the_ledger_goes_by_time(stocks):
    product = stocks.create(100)
    for delta in (1, 2, 3):
        assert stocks.adjust(product, delta).status_code == 200
    path = f"/api/stocks/{product}/movements"
    whole = stocks.all_pages(path, 3, sort="oldest")
    assert [m["delta"] for m in whole] == [100, 1, 2, 3]
    second = whole[1]["at"]

    def listed(**query):
        return [m["delta"] for m in stocks.all_pages(path, 2, **query)]

    assert listed(createdAfter=second) == [3, 2, 1]
    assert listed(createdBefore=second, sort="oldest") == [100]
    assert listed(createdAfter="2125-01-01T00:00:00Z") == []


def test_concurrent_adjustments_are_exact(stocks):
    """400 takers of one unit over 300 units: 300 get one, 100 get 409."""
    product = stocks.create(300)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: stocks.adjust(product, -1).status_code, range(400)))
    assert (answers.count(200), answers.count(409)) == (300, 100)
    assert stocks.quantity(product) == 0
    assert sum(m["delta"] for m in stocks.movements(product)) == 0


def test_concurrent_adjustments_of_several_products_both_ways(stocks):
    products = [stocks.create(0) for _ in range(5)]
    work = [(products[n % 5], 3) for n in range(200)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda w: stocks.adjust(*w).status_code, work)) == {200}
        assert set(pool.map(lambda w: stocks.adjust(w[0], -2).status_code, work)) == {200}
    assert [stocks.quantity(p) for p in products] == [40] * 5


def test_the_list_without_limit_is_a_plain_array(stocks):
    product = stocks.create(5)
    answer = stocks.get("/api/stocks")
    assert answer.status_code == 200
    rows = answer.json()
    assert isinstance(rows, list) and 0 < len(rows) <= 1000
    assert set(rows[0]) == {"productId", "quantity"}
    if len(rows) < 1000:
        assert {"productId": product, "quantity": 5} in rows
        assert "Link" not in answer.headers


def test_the_plain_array_ends_at_1000_rows_and_links_to_the_next(stocks):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: stocks.create(1), range(1010)))
    answer = stocks.get("/api/stocks")
    assert len(answer.json()) == 1000
    seen = [row["productId"] for row in answer.json()]
    link = re.fullmatch(r'<([^>]+)>; ?rel="next"', answer.headers["Link"])
    assert link, answer.headers["Link"]
    following = stocks.call("GET", link[1].removeprefix(stocks.base))
    while True:
        assert following.status_code == 200, following.text
        seen += [row["productId"] for row in following.json()["items"]]
        cursor = following.json().get("nextCursor")
        if not cursor:
            break
        following = stocks.get("/api/stocks", limit=1000, cursor=cursor)
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_pages_by_limit_and_cursor_are_complete(stocks):
    made = {stocks.create(n): n for n in range(10)}
    rows = stocks.all_pages("/api/stocks", 100)
    listed = {row["productId"]: row["quantity"] for row in rows}
    assert len(listed) == len(rows)
    assert made.items() <= listed.items()


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": "x"}, {"limit": -5}, {"cursor": "garbage"}], ids=str)
def test_a_bad_page_is_400(stocks, query):
    assert_problem(stocks.get("/api/stocks", **query), 400, *query)


def test_a_cursor_belongs_to_its_list(stocks):
    product, other = stocks.create(1), stocks.create(1)
    for one in (product, other):
        assert stocks.put(f"/api/stocks/{one}", {"quantity": 5}).status_code == 204
    cursor = stocks.get(f"/api/stocks/{product}/movements", limit=1).json()["nextCursor"]
    assert len(stocks.get(f"/api/stocks/{product}/movements", limit=1, cursor=cursor).json()["items"]) == 1
    assert_problem(stocks.get(f"/api/stocks/{other}/movements", cursor=cursor), 400, "cursor")
    assert_problem(stocks.get("/api/stocks", cursor=cursor), 400, "cursor")


def test_an_unknown_parameter_is_400(stocks):
    assert_problem(stocks.get("/api/stocks", productId=new_id()), 400, "productId")


def test_if_match_names_the_quantity(stocks):
    product = stocks.create(5)
    path = f"/api/stocks/{product}"
    etag = stocks.get(path).headers["ETag"]
    assert stocks.put(path, {"quantity": 6}, headers={"If-Match": etag}).status_code == 204
    now = stocks.get(path).headers["ETag"]
    assert stocks.call("GET", path, headers={"If-None-Match": now}).status_code == 304
    assert stocks.call("GET", path, headers={"If-None-Match": etag}).status_code == 200
    for stale in (etag, '"nope"', f"W/{now}", "nope", '""'):
        headers = {"If-Match": stale}
        assert_problem(stocks.put(path, {"quantity": 9}, headers=headers), 412)
        assert_problem(stocks.post(path + "/adjustments", {"delta": 1}, headers=headers), 412)
        assert_problem(stocks.call("DELETE", path, headers=headers), 412)
    assert stocks.quantity(product) == 6
    answer = stocks.put(path, {"quantity": 7}, headers={"If-Match": f'"1", {now}'})
    assert (answer.status_code, answer.headers["ETag"]) == (204, stocks.get(path).headers["ETag"])
    assert stocks.put(path, {"quantity": 8}, headers={"If-Match": "*"}).status_code == 204
    assert_problem(stocks.put(f"/api/stocks/{new_id()}", {"quantity": 8}, headers={"If-Match": '"8"'}), 404)


def test_a_recreated_product_can_be_ordered(orders, stocks):
    product = stocks.create(1)
    assert stocks.delete(f"/api/stocks/{product}").status_code == 204
    order_id = orders.placed((product, 1))
    assert orders.wait(order_id, "Cancelled")["reason"] == "StockNotFoundException"
    stocks.create(2, product)
    orders.wait(orders.placed((product, 2)), "Confirmed")
    assert stocks.quantity(product) == 0


def test_what_orders_hold_is_deleted_by_force_alone(orders, stocks):
    product = stocks.create(10)
    order_id = orders.placed((product, 3))
    orders.wait(order_id, "Confirmed")
    path = f"/api/stocks/{product}"
    for query in ("", "?force=false"):
        assert "force=true" in assert_problem(stocks.delete(path + query), 409)["detail"]
    assert_problem(stocks.delete(path + "?force=yes"), 400, "force")
    assert_problem(stocks.delete(path + "?forced=true"), 400, "forced")
    assert stocks.quantity(product) == 7
    assert stocks.delete(path + "?force=true").status_code == 204
    assert_problem(stocks.get(path), 404)


def test_what_nobody_holds_any_more_is_deleted(orders, stocks):
    product = stocks.create(10)
    order_id = orders.placed((product, 3))
    orders.wait(order_id, "Confirmed")
    orders.cancel(order_id)
    stocks.wait(product, 10)
    assert stocks.delete(f"/api/stocks/{product}").status_code == 204


def test_a_cancellation_puts_no_deleted_product_on_sale(orders, stocks):
    """What is given back is written off, and the ledger tells both."""
    product, other = stocks.create(10), stocks.create(10)
    order_id = orders.placed((product, 3), (other, 3))
    orders.wait(order_id, "Confirmed")
    assert stocks.delete(f"/api/stocks/{product}?force=true").status_code == 204
    assert orders.cancel(order_id).status_code == 202
    stocks.wait(other, 10)
    assert_problem(stocks.get(f"/api/stocks/{product}"), 404)
    movements = stocks.movements(product, 100)
    assert sorted((m["kind"], m["delta"]) for m in movements) == [
        ("created", 10), ("deleted", -7), ("deleted", -3), ("released", 3), ("taken", -3)]
    assert "after the product was deleted" in [m["reason"] for m in movements if m["delta"] == -3 and "reason" in m][0]
    late = orders.placed((product, 1))
    assert orders.wait(late, "Cancelled")["reason"] == "StockNotFoundException"
    stocks.create(5, product)
    assert stocks.quantity(product) == 5 == sum(m["delta"] for m in stocks.movements(product, 100))
