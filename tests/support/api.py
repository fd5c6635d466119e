"""The public APIs as a client sees them, over requests."""

import json
import re
import threading
import uuid
from decimal import Decimal

import requests

from support import documents, tokens
from support.waits import eventually

TIMEOUT_S = 30
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")
TRACE_ID = re.compile(r"^[0-9a-f]{32}$")


def new_id():
    return str(uuid.uuid4())


def exact(response_or_text):
    """JSON with decimals kept exact."""
    text = response_or_text if isinstance(response_or_text, (str, bytes)) else response_or_text.content
    return json.loads(text, parse_float=Decimal)


def items_of(*pairs, price=None):
    """[(product, quantity)] as the items of a request."""
    one = {} if price is None else {"unitPrice": price}
    return [{"productId": product, "quantity": quantity, **one} for product, quantity in pairs]


def assert_problem(response, status, *paths):
    """The answer is problem+json of @status and names a violation at each of @paths."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    assert response.headers["Content-Type"].startswith("application/problem+json")
    problem = response.json()
    for member in ("type", "title", "status", "detail", "instance", "traceId"):
        assert member in problem, f"problem without {member}: {problem}"
    assert problem["status"] == status
    assert TRACE_ID.match(problem["traceId"]), problem
    assert problem["instance"].startswith("/"), problem
    if paths:
        assert set(paths) <= set(problem.get("errors", {})), problem
        for messages in problem["errors"].values():
            assert messages and all(isinstance(m, str) and m for m in messages), problem
    return problem


class Api:
    """One API; a requests session for each thread that uses it, with the run's token unless another is named. What is
    said to it and by it is held to its document."""

    service = None

    def __init__(self, base, token=None):
        self.base = base
        self._token = token
        self._local = threading.local()

    @property
    def session(self):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers.update(tokens.headers(self._token))
        return self._local.session

    def call(self, method, path, **options):
        options.setdefault("timeout", TIMEOUT_S)
        answer = self.session.request(method, self.base + path, **options)
        if self.service is not None:
            documents.check_exchange(self.service, answer)
        return answer

    def get(self, path, **query):
        return self.call("GET", path, params={k: v for k, v in query.items() if v is not None})

    def post(self, path, body=None, **options):
        return self.call("POST", path, json=body, **options)

    def put(self, path, body, **options):
        return self.call("PUT", path, json=body, **options)

    def delete(self, path):
        return self.call("DELETE", path)

    def all_pages(self, path, limit, **query):
        """Every item of a paginated collection, page by page, in the order given."""
        items, cursor = [], None
        while True:
            answer = self.get(path, limit=limit, cursor=cursor, **query)
            assert answer.status_code == 200, answer.text
            page = exact(answer)
            assert len(page["items"]) <= limit
            items += page["items"]
            cursor = page.get("nextCursor")
            if not cursor:
                return items
            assert page["items"], "a page without items promises another page"


class OrderApi(Api):
    service = "order"

    def place(self, items, customer=None, key=None, headers=None, **members):
        headers = dict(headers or {})
        if key is not None:
            headers["Idempotency-Key"] = key
        body = {"customerId": customer or new_id(), "items": items, **members}
        return self.post("/api/orders", body, headers=headers)

    def placed(self, *pairs, **options):
        """Places an order that must be accepted; returns its id."""
        answer = self.place(items_of(*pairs), **options)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def order(self, order_id):
        answer = self.get(f"/api/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        return exact(answer)

    def status(self, order_id):
        return self.order(order_id)["status"]

    def wait(self, order_id, status, timeout=20):
        def probe():
            order = self.order(order_id)
            return order if order["status"] == status else None
        return eventually(probe, f"order {order_id} to be {status}", timeout)

    def history(self, order_id):
        """[{status, ...}] of the order, oldest first."""
        answer = self.get(f"/api/orders/{order_id}/history")
        assert answer.status_code == 200, answer.text
        body = exact(answer)
        return body["items"] if isinstance(body, dict) else body

    def cancel(self, order_id, reason=None):
        return self.post(f"/api/orders/{order_id}/cancel", {} if reason is None else {"reason": reason})


class StockApi(Api):
    service = "stock"

    def create(self, quantity, product=None):
        """A new product with that many on hand; returns its id."""
        product = product or new_id()
        answer = self.post("/api/stocks", {"productId": product, "quantity": quantity})
        assert answer.status_code == 201, answer.text
        return product

    def quantity(self, product):
        answer = self.get(f"/api/stocks/{product}")
        assert answer.status_code == 200, answer.text
        return answer.json()["quantity"]

    def wait(self, product, quantity, timeout=20):
        return eventually(lambda: self.quantity(product) == quantity,
                          f"product {product} to have {quantity} on hand", timeout)

    def adjust(self, product, delta, **members):
        return self.post(f"/api/stocks/{product}/adjustments", {"delta": delta, **members})

    def movements(self, product, limit=100):
        return self.all_pages(f"/api/stocks/{product}/movements", limit)


class NotificationApi(Api):
    service = "notification"

    def of_order(self, order_id, **query):
        """The rows of the log about one order."""
        answer = self.get("/api/notifications", orderId=order_id, **query)
        assert answer.status_code == 200, answer.text
        return exact(answer)["items"]

    def wait(self, order_id, count=1, status=None, timeout=20):
        """Waits until the order has at least @count rows (all of @status when given)."""
        def probe():
            rows = self.of_order(order_id)
            done = [r for r in rows if status is None or r["status"] == status]
            return rows if len(done) >= count else None
        return eventually(probe, f"{count} notification(s) of order {order_id} ({status or 'any'})", timeout)
