"""The largest lists, asked for by many at once, and one order read meanwhile."""

import http.client
import subprocess
import time
import uuid

from .. import exact
from ..figures import Bar, Result
from ..load import list_orders
from ..meter import PeakMemory

NAME = "lists"
TITLE = "Lists: 400 connections ask for pages of 100 orders of 100 items, beside a GET of one order every 20 ms"
CLIENTS = 400
PAGE = "/api/orders?limit=100"
ORDERS = 101  # a page, and one to know of the next
ITEMS = 100
SECONDS = 12  # beyond the 10 s after which a request expires
EVERY_SECONDS = 0.02
SINGLE_P99 = Bar(most=100)
MEMORY = Bar(most=48)

FILL = """
with made as (
  insert into orders (id, customer_id, status, total, currency, created_at, updated_at)
  select id, gen_random_uuid(), 2, 999999999999.9999, 'EUR', now(), now() from unnest(%s::uuid[]) as id returning id)
insert into order_items (order_id, product_id, quantity, unit_price)
select id, gen_random_uuid(), 1000000, 9999999.9999 from made cross join generate_series(1, %s) order by id
"""


def steps(plan):
    return 1 + rounds(plan)


def rounds(plan):
    return 1 if plan.quick else plan.rounds


def run(rig):
    result = Result()
    rig.step("lists, orders to list")
    ids = fill(rig)
    api = rig.address("order-api")
    page_bytes = len(get(http.client.HTTPConnection(api, timeout=10), PAGE, rig.headers))
    lists, singles, memory, alone = [], [], [], []
    for number in range(rounds(rig.plan)):
        rig.step(f"lists, round {number + 1}")
        rig.stop("order-api")
        rig.start("order-api")
        alone.append(list_orders(rig, api, PAGE, 1, rig.plan.warm_up))
        with PeakMemory({"order-api": rig.pid("order-api")}, 0.02) as peak:
            beside = Singles(api, ids, rig.headers)
            lists.append(list_orders(rig, api, PAGE, CLIENTS, SECONDS, meanwhile=beside.run))
        singles.append(beside)
        memory.append(peak.mib["order-api"])
    report(result, lists, singles, memory, alone, page_bytes)
    rig.empty()
    return result


def report(result, lists, singles, memory, alone, page_bytes):
    exact.no_refusals(result, "lists", lists)
    failed = sum(one.failed for one in singles)
    result.check(f"lists: {failed} of {sum(len(one.times) for one in singles)} GETs of one order failed", failed == 0)
    result.add("lists/s by one client", "1/s", [one.rate for one in alone])
    result.add("lists/s", "1/s", [one.rate for one in lists])
    result.add("list p99", "ms", [one.p99_ms for one in lists])
    result.add("one order p50", "ms", [one.quantile(0.5) for one in singles])
    result.add("one order p99", "ms", [one.quantile(0.99) for one in singles], SINGLE_P99)
    result.add("order-api's memory at most", "MiB", memory, MEMORY)
    result.notes.append(f"a list is {page_bytes / 1e6:.2f} MB of JSON; one order is timed from when it was meant to be asked for")


def fill(rig):
    """Orders as large as can be, newest first."""
    rig.empty()
    ids = sorted((str(uuid.uuid4()) for _ in range(ORDERS)), reverse=True)
    rig.sql("order", FILL, ids, ITEMS)
    return ids


def get(connection, path, headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    return body if answer.status == 200 else None


class Singles:
    """A GET of one order at a constant rate, while a process runs."""

    def __init__(self, api, ids, headers):
        self._api = api
        self._ids = ids
        self._headers = headers
        self.times = []
        self.failed = 0

    def run(self, process):
        connection = http.client.HTTPConnection(self._api, timeout=20)
        due = time.monotonic()
        while True:
            try:
                process.wait(max(0.0, due - time.monotonic()))
                break
            except subprocess.TimeoutExpired:
                pass
            self.failed += get(connection, f"/api/orders/{self._ids[len(self.times) % ORDERS]}", self._headers) is None
            self.times.append((time.monotonic() - due) * 1000)
            due += EVERY_SECONDS
        connection.close()

    def quantile(self, part):
        times = sorted(self.times)
        return times[min(len(times) - 1, int(part * len(times)))]
