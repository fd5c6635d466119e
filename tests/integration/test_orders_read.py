"""Reading orders: one, pages, filters, history."""

import threading
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from support.api import TIME, assert_problem, exact, items_of, new_id


def page(orders, **query):
    answer = orders.get("/api/orders", **query)
    assert answer.status_code == 200, answer.text
    return exact(answer)


def test_an_order_has_all_its_members(orders, stocks):
    customer, first, second = new_id(), stocks.create(5), stocks.create(5)
    items = [{"productId": first, "quantity": 2, "unitPrice": 1.5},
             {"productId": second, "quantity": 1, "unitPrice": 0.0001}]
    order_id = orders.place(items, customer, currency="EUR").json()["id"]
    order = orders.wait(order_id, "Confirmed")
    assert set(order) - {"reason"} == {"id", "customerId", "status", "items", "total", "currency",
                                       "createdAt", "updatedAt"}
    assert (order["id"], order["customerId"], order["currency"]) == (order_id, customer, "EUR")
    assert order["total"] == Decimal("3.0001")
    assert order.get("reason") is None
    assert TIME.match(order["createdAt"]) and TIME.match(order["updatedAt"])
    assert order["updatedAt"] >= order["createdAt"]
    assert sorted((i["productId"], i["quantity"], Decimal(i["unitPrice"])) for i in order["items"]) == \
        sorted([(first, 2, Decimal("1.5")), (second, 1, Decimal("0.0001"))])


def test_an_unknown_order_is_404(orders):
    assert_problem(orders.get(f"/api/orders/{new_id()}"), 404)
    assert_problem(orders.get(f"/api/orders/{new_id()}/history"), 404)


@pytest.mark.parametrize("bad", ["x", "123", "00000000-0000-0000-0000-00000000000g", "%00", "..%2f.."])
def test_an_id_that_is_none_is_a_client_error(orders, bad):
    answer = orders.get(f"/api/orders/{bad}")
    assert answer.status_code in (400, 404)
    assert_problem(answer, answer.status_code)


def test_pages_are_newest_first_and_complete(orders):
    customer = new_id()
    placed = [orders.placed((new_id(), 1), customer=customer) for _ in range(23)]
    for limit in (1, 5, 23, 24, 100):
        listed = orders.all_pages("/api/orders", limit, customerId=customer)
        assert [o["id"] for o in listed] == placed[::-1], f"limit {limit}"


def test_the_last_page_has_no_cursor(orders):
    customer = new_id()
    orders.placed((new_id(), 1), customer=customer)
    assert not page(orders, customerId=customer, limit=2).get("nextCursor")
    assert page(orders, customerId=new_id()) in ({"items": []}, {"items": [], "nextCursor": None})


def test_pages_neither_skip_nor_repeat_under_concurrent_inserts(orders):
    customer = new_id()
    placed = [orders.placed((new_id(), 1), customer=customer) for _ in range(40)]
    stop, added = threading.Event(), []

    def insert():
        while not stop.is_set():
            added.append(orders.placed((new_id(), 1), customer=customer))

    writers = [threading.Thread(target=insert) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(5):
            seen = [o["id"] for o in orders.all_pages("/api/orders", 7, customerId=customer)]
            assert len(seen) == len(set(seen))
            assert [i for i in seen if i in set(placed)] == placed[::-1]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    everything = [o["id"] for o in orders.all_pages("/api/orders", 50, customerId=customer)]
    assert sorted(everything) == sorted(placed + added)


def test_the_status_filter(orders, stocks):
    customer, product = new_id(), stocks.create(1)
    confirmed = orders.placed((product, 1), customer=customer)
    orders.wait(confirmed, "Confirmed")
    cancelled = orders.placed((product, 1), customer=customer)
    orders.wait(cancelled, "Cancelled")
    for status, ids in (("Confirmed", [confirmed]), ("Cancelled", [cancelled]), ("Created", [])):
        listed = page(orders, customerId=customer, status=status)["items"]
        assert [o["id"] for o in listed] == ids
        assert all(o["status"] == status for o in listed)
    by_status = orders.all_pages("/api/orders", 1, customerId=customer, status="Confirmed")
    assert [o["id"] for o in by_status] == [confirmed]


def test_the_whole_list_needs_no_filter(orders):
    order_id = orders.placed((new_id(), 1))
    assert order_id in [o["id"] for o in page(orders, limit=100)["items"]]


def shifted(time, microseconds):
    moved = datetime.fromisoformat(time.replace("Z", "+00:00")) + timedelta(microseconds=microseconds)
    return moved.isoformat().replace("+00:00", "Z")


def test_the_time_filters(orders):
    customer = new_id()
    placed = [orders.placed((new_id(), 1), customer=customer) for _ in range(3)]
    times = [orders.order(order_id)["createdAt"] for order_id in placed]

    def listed(**query):
        return [o["id"] for o in orders.all_pages("/api/orders", 2, customerId=customer, **query)][::-1]

    assert times == sorted(set(times))
    assert listed(createdAfter=times[1]) == placed[1:], "that time or later"
    assert listed(createdAfter=shifted(times[1], 1)) == placed[2:]
    assert listed(createdBefore=times[1]) == placed[:1], "earlier than that time"
    assert listed(createdBefore=shifted(times[1], 1)) == placed[:2]
    assert listed(createdAfter=times[1], createdBefore=times[2]) == placed[1:2]
    assert listed(createdAfter="2026-01-01T00:00:00+02:00") == placed
    assert listed(createdAfter="2125-01-01T00:00:00Z") == [] == listed(createdBefore="2025-01-01T00:00:00Z")
    assert listed(createdAfter="1970-01-01T00:00:00Z", createdBefore="9999-12-31T23:59:59Z") == placed
    assert listed(sort="newest") == placed == listed(sort="oldest")[::-1]
    assert listed(sort="oldest", createdAfter=times[1]) == placed[:0:-1]


def test_the_link_leads_through_all_pages(orders):
    customer = new_id()
    placed = [orders.placed((new_id(), 1), customer=customer) for _ in range(5)]
    path, seen = f"/api/orders?customerId={customer}&sort=oldest&limit=2", []
    while path:
        answer = orders.get(path)
        assert answer.status_code == 200, answer.text
        assert ("next" in answer.links) == ("nextCursor" in answer.json())
        seen += [o["id"] for o in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url")
    assert seen == placed


def test_an_unknown_parameter_is_400_and_the_known_ones_are_named(orders):
    problem = assert_problem(orders.get("/api/orders", createdSince="2027-01-01T00:00:00Z"), 400, "createdSince")
    for known in ("createdAfter", "createdBefore", "cursor", "customerId", "limit", "sort", "status"):
        assert known in problem["errors"]["createdSince"][0]
    assert_problem(orders.get(f"/api/orders/{new_id()}", verbose="1"), 400, "verbose")
    assert_problem(orders.post("/api/orders?dryRun=true", {}), 400, "dryRun")


def test_a_cursor_of_another_query_is_400(orders):
    customer, other = new_id(), new_id()
    for _ in range(2):
        orders.placed((new_id(), 1), customer=customer)
    cursor = page(orders, customerId=customer, limit=1)["nextCursor"]
    assert len(page(orders, customerId=customer.upper(), limit=5, cursor=cursor)["items"]) == 1
    for query in ({"customerId": other}, {}, {"customerId": customer, "status": "Created"}):
        assert_problem(orders.get("/api/orders", cursor=cursor, **query), 400, "cursor")


@pytest.mark.parametrize("query", [
    {"createdAfter": "2027"}, {"sort": "up"}, {"sort": ""}, {"createdBefore": "yesterday"}, {"createdAfter": ""},
    {"limit": 0}, {"limit": -1}, {"limit": "x"}, {"limit": "1.5"}, {"limit": 2**63}, {"status": "Shipped"},
    {"customerId": "x"}, {"customerId": "00000000-0000-0000-0000-000000000000"}, {"cursor": "garbage"}, {"cursor": "AAAA"}, {"cursor": "%ff%00"},
], ids=str)
def test_a_bad_query_is_400(orders, query):
    assert_problem(orders.get("/api/orders", **query), 400, *query)


def test_several_bad_parameters_are_named_at_once(orders):
    assert_problem(orders.get("/api/orders", limit=0, status="x", customerId="y"), 400,
                   "limit", "status", "customerId")


def test_the_history_tells_each_status_with_time_and_cause(orders, stocks):
    product = stocks.create(1)
    order_id = orders.placed((product, 1))
    orders.wait(order_id, "Confirmed")
    assert orders.cancel(order_id, "changed my mind").status_code == 202
    history = orders.history(order_id)
    assert [h["status"] for h in history] == ["Created", "Confirmed", "Cancelled"]
    for entry in history:
        assert any(isinstance(v, str) and TIME.match(v) for v in entry.values()), entry
        assert set(entry) > {"status"} and "cause" in entry, entry
    assert "customer" in history[-1]["cause"]


def test_the_history_of_a_refused_order_names_the_cause(orders):
    order_id = orders.placed((new_id(), 1))
    orders.wait(order_id, "Cancelled")
    history = orders.history(order_id)
    assert [h["status"] for h in history] == ["Created", "Cancelled"]
    assert "StockNotFoundException" in str(history[-1])


def test_reading_tolerates_a_reader_at_every_moment(orders, stocks):
    """From its 201 on, an order can be read at once, in every state it passes."""
    product = stocks.create(50)
    for _ in range(20):
        order_id = orders.place(items_of((product, 1))).json()["id"]
        assert orders.status(order_id) in ("Created", "Confirmed")
