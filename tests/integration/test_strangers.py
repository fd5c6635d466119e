"""What whoever reached a port could once do to others: refused without a token, and with that of another customer."""

import pytest

from support import tokens
from support.api import assert_problem, exact, items_of, new_id

TEMPLATES = "/api/notificationtemplates"
PRICE = 12.5


@pytest.fixture(scope="module")
def victim(orders, stocks, notifications):
    """A customer with a confirmed order, and a mail about it: what strangers are after."""
    product, customer = stocks.create(10), new_id()
    order = orders.place(items_of((product, 1), price=PRICE), customer).json()["id"]
    orders.wait(order, "Confirmed")
    notifications.wait(order)
    return {"customer": customer, "order": order, "product": product, "stranger": new_id(),
            "template": exact(notifications.get(TEMPLATES))["items"][0]["id"]}


def items(price=None):
    return lambda ids: {"customerId": ids["stranger"], "items": items_of((ids["product"], 1), price=price)}


STOCK = "/api/stocks/{product}"
ACTS = {  # service, method, path, body, what another customer is answered
    "read an order": ("order", "GET", "/api/orders/{order}", None, 404),
    "read its history": ("order", "GET", "/api/orders/{order}/history", None, 404),
    "read its timeline": ("order", "GET", "/api/orders/{order}/timeline", None, 404),
    "read mails": ("notification", "GET", "/api/notifications?orderId={order}", None, 403),
    "read everybody's mails": ("notification", "GET", "/api/notifications", None, 403),
    "order at a price of his own": ("order", "POST", "/api/orders", items(0.01), 400),
    "order in another's name": ("order", "POST", "/api/orders", lambda ids: {**items()(ids), "customerId": ids["customer"]}, 403),
    "change a price": ("order", "PUT", "/api/prices/{product}", lambda ids: {"unitPrice": 0.01}, 403),
    "cancel an order": ("order", "POST", "/api/orders/{order}/cancel", lambda ids: {}, 404),
    "set stock": ("stock", "PUT", STOCK, lambda ids: {"quantity": 1_000_000}, 403),
    "add stock": ("stock", "POST", STOCK + "/adjustments", lambda ids: {"delta": 1_000_000}, 403),
    "delete stock": ("stock", "DELETE", STOCK, None, 403),
    "rewrite a mail": ("notification", "PUT", TEMPLATES + "/{template}", lambda ids: {"body": "Pay here."}, 403),
    "delete a mail": ("notification", "DELETE", TEMPLATES + "/{template}", None, 403),
    "have events sent": ("notification", "POST", "/api/subscriptions", lambda ids: {"url": "https://evil.example/"}, 403),
}


def state(apis, ids):
    """All that the acts are about."""
    return [exact(apis[service].get(path)) for service, path in (
        ("order", f"/api/orders/{ids['order']}"), ("order", f"/api/orders?customerId={ids['stranger']}"),
        ("stock", f"/api/stocks/{ids['product']}"), ("notification", f"{TEMPLATES}/{ids['template']}"),
        ("notification", "/api/subscriptions"))]


@pytest.mark.parametrize("name", ACTS)
def test_a_stranger_is_refused(apis, victim, name):
    """Nothing changes, either."""
    service, method, path, body, status = ACTS[name]
    options = {"json": body(victim)} if body else {}
    before = state(apis, victim)

    def act(authorization):
        return apis[service].call(method, path.format(**victim), headers={"Authorization": authorization}, **options)

    another = tokens.issuer().token(victim["stranger"], ["customer"])
    assert_problem(act(None), 401)
    assert_problem(act(f"Bearer {another}"), status, *(["items[0].unitPrice"] if status == 400 else []))
    assert state(apis, victim) == before


def test_the_list_of_all_orders_is_only_ones_own(orders, victim):
    """Of a stranger it is empty, whichever customer he asks for."""
    stranger = {"Authorization": "Bearer " + tokens.issuer().token(victim["stranger"], ["customer"])}
    assert_problem(orders.call("GET", "/api/orders", headers={"Authorization": None}), 401)
    for query in ({}, {"customerId": victim["customer"]}):
        answer = orders.call("GET", "/api/orders", params=query, headers=stranger)
        assert (answer.status_code, answer.json()["items"]) == (200, [])
