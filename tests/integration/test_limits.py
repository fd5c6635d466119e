"""How often callers may ask: rates for each subject or address, and tokens that are none."""

import pytest
import requests
from launcher.issuer import Issuer

from support.api import OrderApi, assert_problem, new_id
from support.child import child
from support.names import service_of
from support.tokens import OFF
from support.waits import eventually
from test_routes import NOBODY

READ = f"/api/orders/{NOBODY}"
CANCEL = READ + "/cancel"
RATES = {"LIMIT_READS_PER_SECOND": "1", "LIMIT_READS_BURST": "3", "LIMIT_WRITES_PER_SECOND": "1", "LIMIT_WRITES_BURST": "2"}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    made = Issuer(tmp_path_factory.mktemp("issuer"))
    made.create()
    return made


@pytest.fixture(scope="module")
def guarded(system, issuer):
    settings = {"AUTH": "on", "AUTH_ISSUER": issuer.name, "AUTH_JWKS_FILE": str(issuer.jwks_file), **RATES}
    with child(system, "order-api", settings) as process:
        yield process


def call(process, method, path, token=None, **headers):
    api = OrderApi(process.base)
    api.service = service_of("order-api")
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return api.call(method, path, headers=headers)


def statuses(process, method, path, times, *arguments, **headers):
    return [call(process, method, path, *arguments, **headers).status_code for _ in range(times)]


def test_a_customer_is_held_to_a_rate(guarded, issuer):
    """Reads and writes each on their own; a second token is the same caller; others have their own."""
    anna = new_id()
    first, second = (issuer.token(anna, ["customer"]) for _ in range(2))
    answer = call(guarded, "GET", READ, first)
    assert answer.status_code == 404
    assert answer.headers["RateLimit-Policy"] == '"reads";q=3;w=3'
    assert answer.headers["RateLimit"] == '"reads";r=2;t=1'
    assert 429 in statuses(guarded, "GET", READ, 5, second)
    refused = call(guarded, "GET", READ, first)
    assert_problem(refused, 429)
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit"].startswith('"reads";r=0;t=')
    assert statuses(guarded, "POST", CANCEL, 2, first) == [404, 404]
    assert_problem(call(guarded, "POST", CANCEL, first), 429)
    assert guarded.metrics().value("cartwheel_http_limited_total", of="writes") == 1
    assert call(guarded, "GET", READ, issuer.token(new_id(), ["customer"])).status_code == 404


def test_backends_are_not(guarded, issuer):
    for role, wanted in (("shop", 404), ("merchandiser", 403), ("admin", 404)):
        token = issuer.token(role, [role])
        assert set(statuses(guarded, "GET", READ, 8, token)) == {wanted}
        assert "RateLimit" not in call(guarded, "GET", READ, token).headers
    for role in ("support", "operator"):
        assert 429 in statuses(guarded, "GET", READ, 8, issuer.token(role, [role]))


def test_an_address_that_brings_wrong_tokens_is_heard_with_known_ones_alone(system, issuer, tmp_path):
    """Others are not affected: the client is the one that the proxy names."""
    stranger = Issuer(tmp_path)
    stranger.create()
    settings = {"AUTH": "on", "AUTH_ISSUER": issuer.name, "AUTH_JWKS_FILE": str(issuer.jwks_file), "TRUSTED_PROXIES": "127.0.0.1"}
    known, unknown, wrong = (one.token("shop", ["shop"]) for one in (issuer, issuer, stranger))
    with child(system, "order-api", settings) as process:
        storm = {"X-Forwarded-For": "203.0.113.7"}
        assert call(process, "GET", READ, known, **storm).status_code == 404
        found = statuses(process, "GET", READ, 300, wrong, **storm)
        assert found[:100] == [401] * 100
        assert 429 in found
        refused = call(process, "GET", READ, wrong, **storm)
        assert refused.status_code == 429 and refused.headers["Retry-After"] == "1"
        assert call(process, "GET", READ, known, **storm).status_code == 404
        assert call(process, "GET", READ, unknown, **{"X-Forwarded-For": "203.0.113.8"}).status_code == 404


@pytest.mark.parametrize("by_address", ["on", "off"])
def test_without_authentication_addresses_are_held_when_wanted(system, by_address):
    settings = {**OFF, **RATES, "LIMIT_BY_ADDRESS": by_address, "TRUSTED_PROXIES": "127.0.0.1"}
    with child(system, "order-api", settings) as process:
        for client in ("203.0.113.7", "2001:db8::1"):
            found = statuses(process, "GET", READ, 8, **{"X-Forwarded-For": client})
            assert found[:3] == [404] * 3
            assert (429 in found) == (by_address == "on")


def test_open_orders_of_a_customer_are_bounded(system, issuer, orders):
    """Those that are not final; a repetition gets its answer; a backend may place any number."""
    settings = {"AUTH": "on", "AUTH_ISSUER": issuer.name, "AUTH_JWKS_FILE": str(issuer.jwks_file), "ORDER_OPEN_MAX": "2"}
    customer, product = new_id(), new_id()
    token, shop = issuer.token(customer, ["customer"]), issuer.token("shop", ["shop"])
    body = {"customerId": customer, "items": [{"productId": product, "quantity": 1}]}

    def place(process, token, key=None):
        headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
        api = OrderApi(process.base)
        api.service = service_of("order-api")
        return api.call("POST", "/api/orders", json=body, headers=headers)

    def all_final():
        return place(process, token).status_code == 201

    with child(system, "order-api", settings) as process:
        price = requests.put(f"{process.base}/api/prices/{product}", json={"unitPrice": 1}, timeout=10,
                             headers={"Authorization": f"Bearer {issuer.token('m', ['merchandiser'])}"})
        assert price.status_code == 201
        with system.without("order-worker"):
            assert [place(process, token, key).status_code for key in "ab"] == [201, 201]
            refused = place(process, token, "c")
            assert_problem(refused, 409)
            assert refused.json()["type"].endswith(":too-many-open-orders")
            assert place(process, token, "a").headers["Idempotent-Replayed"] == "true"
            assert place(process, shop).status_code == 201
        eventually(all_final, "the orders to be final", 40)


def test_no_limit(system, issuer):
    settings = {"AUTH": "on", "AUTH_ISSUER": issuer.name, "AUTH_JWKS_FILE": str(issuer.jwks_file),
                "LIMIT_READS_PER_SECOND": "0", "LIMIT_WRITES_PER_SECOND": "0"}
    with child(system, "order-api", settings) as process:
        token = issuer.token(new_id(), ["customer"])
        assert set(statuses(process, "GET", READ, 150, token)) == {404}
        assert "RateLimit" not in requests.get(process.base + READ, headers={"Authorization": f"Bearer {token}"}, timeout=10).headers
