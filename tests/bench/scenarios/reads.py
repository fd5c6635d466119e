"""Reading one order over HTTP, against clients that ask PostgreSQL for one each and do nothing else."""

import http.client
import json

from .. import exact, placing
from ..figures import Bar, Chart, Result, ratios
from ..load import loadgen, pqreads, read_orders
from ..rig import write_ids

NAME = "reads"
TITLE = "Reads: GET of one order by 64 connections, against 64 clients of libpq with a query each"
CLIENTS = 64
LEAST = Bar(least=3)
COMPARED = 20


def steps(plan):
    return 1 + 2 * plan.rounds


def run(rig):
    result = Result()
    rig.step("reads, orders to read")
    ids = orders_to_read(rig)
    ours, theirs = [], []
    for number in range(rig.plan.rounds):
        rig.step(f"reads, round {number + 1}")
        api = rig.address("order-api")
        read_orders(rig, api, ids, CLIENTS, rig.plan.warm_up)
        ours.append(read_orders(rig, api, ids, CLIENTS, rig.plan.seconds))
        rig.step(f"reads, round {number + 1}, libpq")
        url = rig.database_url("order")
        rate, failed = pqreads(rig, url, ids, CLIENTS, rig.plan.warm_up, rig.plan.seconds)
        theirs.append(rate)
        if failed:
            raise TimeoutError(f"{failed} clients of libpq failed")
    exact.no_refusals(result, "reads", ours)
    result.check(f"reads: {COMPARED} orders read over HTTP are those of the database", all_equal(rig, ids))
    rates = [one.rate for one in ours]
    result.add("orders read/s over HTTP", "1/s", rates)
    result.add("orders read/s by libpq", "1/s", theirs)
    result.add("HTTP / libpq", "x", ratios(rates, theirs), LEAST)
    result.add("p99 over HTTP", "ms", [one.p99_ms for one in ours])
    series = {"Cartwheel over HTTP": [rates], "libpq, a query each": [theirs]}
    result.charts.append(Chart("Orders read a second", "1/s", ["64 connections"], series))
    return result


def orders_to_read(rig):
    """Places orders; the file of their ids."""
    rig.empty()
    placed = loadgen(rig, rig.plan.orders // 3, placing.CONNECTIONS, [rig.address("order-api")])
    ids = [order for _, _, status, order in placed.lines() if status == 201]
    placing.notified_at(rig, ids)
    placing.settle(rig)
    return write_ids(rig.folder / "orders", ids)


def all_equal(rig, ids):
    connection = http.client.HTTPConnection(rig.address("order-api"), timeout=10)
    equal = True
    for order in ids.read_text().split()[:COMPARED]:
        connection.request("GET", f"/api/orders/{order}", headers=rig.headers)
        answer = json.loads(connection.getresponse().read(), parse_float=str)
        customer, product, quantity = rig.sql(
            "order",
            "select customer_id::text, product_id::text, quantity from orders o join order_items on order_id = o.id"
            " where o.id = %s",
            order,
        )[0]
        item = answer["items"][0]
        equal = equal and (answer["id"], answer["customerId"], answer["status"]) == (order, customer, "Confirmed")
        equal = equal and (item["productId"], item["quantity"]) == (product, quantity)
    connection.close()
    return equal
