"""Who may what: every route, every role, and two customers, by the route table that the programs print."""

import contextlib
import json
import re
import time
from decimal import Decimal

import pytest
import requests
from launcher.issuer import Issuer

from support.api import assert_problem, exact, items_of, new_id
from support.child import child, run_binary
from support.documents import NDJSON
from support.names import APIS, service_of
from support.provider import DESCRIPTION, Provider
from support.system import ROOT
from support.tokens import OFF, issuer
from support.waits import eventually
from test_routes import NOBODY, routes_of

ROLES = ("customer", "shop", "support", "operator", "merchandiser", "auditor", "admin")
CHALLENGE = "WWW-Authenticate"
PUBLIC = {"/openapi.json", "/health/live", "/health/ready"}


class Guarded:
    """The system's APIs, and the issuer that they trust."""

    def __init__(self, apis):
        self.issuer = issuer()
        self._apis = apis

    def call(self, name, method, path, token=None, **options):
        """Without @token none is sent."""
        headers = {**options.pop("headers", {}), "Authorization": None if token is None else f"Bearer {token}"}
        return self._apis[service_of(name)].call(method, path, headers=headers, **options)


@pytest.fixture(scope="module")
def guarded(apis):
    return Guarded(apis)


@pytest.fixture(scope="module")
def tokens(guarded):
    """{role: a token}; "nobody" has no role, the subject of each is a UUID."""
    return {role: guarded.issuer.token(new_id(), [role]) for role in (*ROLES, "nobody")}


def body_of(route):
    if route["ndjson"]:
        return {"headers": {"Content-Type": NDJSON}, "data": b"{}"}
    return {"json": {}} if route["method"] in ("POST", "PUT") else {}


@pytest.mark.parametrize("name", APIS)
def test_each_route_has_a_rule(system, guarded, tokens, name):
    """Without a token 401, with a role that lacks the scope 403, else the handler answers."""
    for route in routes_of(system, name):
        method, path = route["method"], re.sub(r"\{\w+\}", NOBODY, route["pattern"])
        if route["scope"] is None:
            assert route["pattern"] in PUBLIC, f"{method} {path} needs no token"
            assert guarded.call(name, method, path).status_code == 200
            continue
        assert "admin" in route["roles"], route
        refused = guarded.call(name, method, path, **body_of(route))
        assert_problem(refused, 401)
        assert refused.headers[CHALLENGE] == 'Bearer realm="cartwheel"'
        for role, token in tokens.items():
            answer = guarded.call(name, method, path, token, **body_of(route))
            if role in route["roles"]:
                assert answer.status_code not in (401, 403, 500), (method, path, role, answer.text)
            else:
                assert_problem(answer, 403)
                assert f'scope="{route["scope"]}"' in answer.headers[CHALLENGE], (method, path, role)


def test_roles_are_those_of_the_page(system):
    """docs/security.md has each scope with the roles that have it, and no other."""
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = page.partition("| scope | allows |")[2].partition("\n\n")[0]
    heads = [head.strip() for head in table.splitlines()[0].strip("|").split("|")]
    assert tuple(heads) == ROLES
    written = {}
    for row in table.splitlines()[2:]:
        scope, _, *marks = [cell.strip() for cell in row.strip("|").split("|")]
        written[scope.strip("`")] = {role for role, mark in zip(ROLES, marks, strict=True) if mark == "yes"}
    for name in APIS:
        for route in routes_of(system, name):
            if route["scope"] is not None:
                assert written[route["scope"]] == set(route["roles"]), route["scope"]


# --- two customers ----------------------------------------------------------------------------------


@pytest.fixture
def pair(guarded):
    """Two customers: [(id, token)]."""
    ids = new_id(), new_id()
    return [(one, guarded.issuer.token(one, ["customer"])) for one in ids]


def place(guarded, token, customer, key=None, price=None, product=NOBODY):
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"customerId": customer, "items": items_of((product, 1), price=price)}
    return guarded.call("order-api", "POST", "/api/orders", token, json=body, headers=headers)


def test_a_strangers_order_is_not_there(guarded, tokens, pair, orders, stocks):
    (anna, annas), (_, bertas) = pair
    order = place(guarded, tokens["shop"], anna, price=1, product=stocks.create(1)).json()["id"]
    orders.wait(order, "Confirmed")
    for path in (f"/api/orders/{order}", f"/api/orders/{order}/history", f"/api/orders/{order}/timeline",
                 f"/api/orders/{order}?wait=Confirmed"):
        assert guarded.call("order-api", "GET", path, annas).status_code == 200
        assert guarded.call("order-api", "GET", path, tokens["support"]).status_code == 200
        stranger, nothing = (guarded.call("order-api", "GET", each, bertas)
                             for each in (path, path.replace(order, NOBODY)))
        assert_problem(stranger, 404)
        assert stranger.json()["detail"] == nothing.json()["detail"]
    cancel = f"/api/orders/{order}/cancel"
    assert_problem(guarded.call("order-api", "POST", cancel, bertas, json={}), 404)
    assert guarded.call("order-api", "POST", cancel, annas, json={}).status_code == 202


def test_lists_are_narrowed(guarded, tokens, pair):
    (anna, annas), (berta, bertas) = pair
    made = {one: {place(guarded, tokens["shop"], one, price=1).json()["id"] for _ in range(2)} for one in (anna, berta)}

    def listed(token, **query):
        answer = guarded.call("order-api", "GET", "/api/orders", token, params=query)
        assert answer.status_code == 200, answer.text
        return {order["id"] for order in answer.json()["items"]}

    assert listed(annas) == listed(annas, customerId=anna) == made[anna]
    assert listed(bertas) == made[berta]
    assert listed(bertas, customerId=anna) == set()
    assert listed(tokens["support"], customerId=anna) == made[anna]


def test_a_customer_places_for_nobody_else(guarded, pair):
    (anna, annas), (_, bertas) = pair
    assert_problem(place(guarded, bertas, anna), 403)
    assert place(guarded, annas, anna).status_code in (201, 400)  # 400 where the product has no price


def test_a_customer_names_no_price(guarded, pair):
    (anna, annas), _ = pair
    assert_problem(place(guarded, annas, anna, price=0.01), 400, "items[0].unitPrice")


def test_a_customer_pays_what_the_list_says(guarded, tokens, pair):
    (anna, annas), _ = pair
    listed, unlisted = ({"productId": new_id(), "quantity": 3} for _ in range(2))

    def order(token, *items):
        return guarded.call("order-api", "POST", "/api/orders", token, json={"customerId": anna, "items": items})

    def total(answer):
        assert answer.status_code == 201, answer.text
        return exact(guarded.call("order-api", "GET", answer.headers["Location"], annas))["total"]

    price = guarded.call("order-api", "PUT", f"/api/prices/{listed['productId']}", tokens["merchandiser"], json={"unitPrice": 19.99})
    assert price.status_code == 201
    assert total(order(annas, listed)) == Decimal("59.97")
    assert_problem(order(annas, listed, unlisted), 400, "items[1].productId")
    assert total(order(tokens["shop"], listed, unlisted)) == Decimal("59.97"), "what a shop leaves out is free where no list has it"


@pytest.mark.parametrize("subject", ["anna", "00000000-0000-0000-0000-000000000000"])
def test_a_customer_without_an_id_has_nothing(guarded, subject):
    token = guarded.issuer.token(subject, ["customer"])
    assert_problem(guarded.call("order-api", "GET", "/api/orders", token), 403)
    assert_problem(guarded.call("order-api", "GET", f"/api/orders/{NOBODY}", token), 403)


def test_an_idempotency_key_is_its_callers_own(guarded, pair):
    (anna, _), _ = pair
    shops = [guarded.issuer.token(f"shop {number}", ["shop"]) for number in (1, 2)]
    key = new_id()
    first, second = (place(guarded, shop, anna, key, price=1) for shop in shops)
    again = place(guarded, shops[0], anna, key, price=1)
    assert first.status_code == second.status_code == again.status_code == 201
    assert "Idempotent-Replayed" not in second.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json()["id"] == again.json()["id"] != second.json()["id"]


# --- tokens and keys --------------------------------------------------------------------------------


def orders(guarded, token):
    return guarded.call("order-api", "GET", "/api/orders", token)


@pytest.mark.parametrize("claims, says", [
    ({"exp": int(time.time()) - 31}, "expired"), ({"nbf": int(time.time()) + 600}, "not valid yet"),
    ({"aud": "other"}, "audience"), ({"iss": "urn:other"}, "issuer"),
])
def test_what_is_wrong_with_a_token_is_said(guarded, claims, says):
    answer = orders(guarded, guarded.issuer.token(new_id(), ["admin"], **claims))
    assert_problem(answer, 401)
    assert says in answer.json()["detail"]
    assert 'error="invalid_token"' in answer.headers[CHALLENGE]


def test_a_token_of_another_issuer_is_refused(guarded, tmp_path):
    other = Issuer(tmp_path)
    other.create()
    assert_problem(orders(guarded, other.token(new_id(), ["admin"])), 401)


def stock_status(process, token):
    return requests.get(process.base + "/api/stocks", headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def test_keys_are_read_again_when_they_change(system, tmp_path):
    """An overlap of two keys, then the new one alone; a broken file changes nothing."""
    own = Issuer(tmp_path)
    own.create()
    old_key, old = own.jwk(), own.token("shop", ["shop"])
    with child(system, "stock-api", {"AUTH_JWKS_FILE": str(own.jwks_file)}) as process:
        assert stock_status(process, old) == 200
        own.renew()
        new_key, new = own.jwk(), own.token("shop", ["shop"])
        own.jwks_file.write_text(json.dumps({"keys": [old_key, new_key]}))
        eventually(lambda: stock_status(process, new) == 200, "the new key to be known")
        assert stock_status(process, old) == 200
        own.jwks_file.write_text(json.dumps({"keys": [new_key]}))
        eventually(lambda: stock_status(process, old) == 401, "the old key to be forgotten")
        own.jwks_file.write_text("{")
        eventually(lambda: "the new keys are of no use" in process.log, "the broken file to be read")
        assert stock_status(process, new) == 200


# --- an issuer over HTTPS ---------------------------------------------------------------------------


@pytest.fixture
def provider(tmp_path):
    with contextlib.closing(Provider(tmp_path)) as found:
        yield found


def test_keys_of_an_issuer(system, provider):
    """An issuer may come late; a key of which nobody told is found; keys that are known stay while it is away."""
    with contextlib.ExitStack() as stack:
        with provider.away():
            process = stack.enter_context(child(system, "stock-api", provider.settings, ready=False))
            eventually(lambda: "the issuer gives no keys" in process.log, "the issuer to be missed", 40)
        process.wait_ready()
        old = provider.issuer.token("shop", ["shop"])
        assert stock_status(process, old) == 200
        provider.issuer.renew()
        new = provider.issuer.token("shop", ["shop"])
        provider.keys.append(provider.issuer.jwk())
        eventually(lambda: stock_status(process, new) == 200, "the new key to be asked for", 40)
        assert stock_status(process, old) == 200
        with provider.away():
            provider.issuer.renew()
            unknown = provider.issuer.token("shop", ["shop"])
            assert stock_status(process, unknown) == 401
            eventually(lambda: process.log.count("the issuer gives no keys") == 2, "the issuer to be missed", 40)
            assert stock_status(process, new) == stock_status(process, old) == 200
            assert process.is_ready()
        provider.keys.append(provider.issuer.jwk())
        eventually(lambda: stock_status(process, unknown) == 200, "the issuer to be asked again", 40)


def test_an_invented_key_is_asked_for_at_a_limited_rate(system, provider, tmp_path):
    stranger = Issuer(tmp_path / "stranger", provider.url)
    stranger.create()
    with child(system, "stock-api", provider.settings) as process:
        token = stranger.token("eve", ["admin"])
        before = len(provider.asked)
        assert {stock_status(process, token) for _ in range(200)} <= {401, 429}
        assert len(provider.asked) - before <= 2  # a description and a set of keys


@pytest.mark.parametrize("described", [
    {"issuer": "https://other"}, {"jwks_uri": "http://localhost/keys"}, {"jwks_uri": None},
])
def test_without_keys_an_api_is_not_ready(system, provider, described):
    """Whoever asks is told to come again: the token may be good."""
    good = provider.answer
    provider.answer = lambda path: {**good(path), **described} if path == DESCRIPTION else good(path)
    with child(system, "stock-api", provider.settings, ready=False) as process:
        eventually(lambda: "the issuer gives no keys" in process.log, "the issuer to be asked", 40)
        assert process.get("/health/ready").status_code == 503
        assert stock_status(process, provider.issuer.token("shop", ["shop"])) == 503


def test_an_issuer_whom_nobody_vouches_for_is_not_asked(system, provider):
    settings = {**provider.settings, "AUTH_CA_FILE": None}
    with child(system, "stock-api", settings, ready=False) as process:
        eventually(lambda: "the issuer gives no keys" in process.log, "the issuer to be tried", 40)
        assert "certificate" in process.log
        assert not provider.asked


# --- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes, named", [
    ({}, "AUTH_ISSUER"), ({"AUTH": "on"}, "AUTH_ISSUER"), ({"AUTH_JWKS_FILE": "x"}, "AUTH_ISSUER"),
    ({"AUTH": "off", "HTTP_LISTEN": "0.0.0.0:0"}, "off-for-all-networks"), ({"AUTH": "off", "HTTP_LISTEN": "[::]:0"}, "HTTP_LISTEN"),
    ({"AUTH": "off-for-all-networks", "AUTH_ISSUER": "https://issuer"}, "AUTH=on"), ({"AUTH": "maybe"}, "AUTH"),
    ({"AUTH": "on", "AUTH_ISSUER": "http://issuer"}, "AUTH_ISSUER"), ({"AUTH": "off", "AUTH_JWKS_FILE": "x"}, "AUTH_JWKS_FILE"),
    ({"AUTH": "on", "AUTH_ISSUER": "x", "AUTH_JWKS_FILE": "/nowhere"}, "AUTH_JWKS_FILE"),
    ({"AUTH": "on", "AUTH_ISSUER": "x", "AUTH_JWKS_FILE": "y", "AUTH_CA_FILE": "z"}, "AUTH_CA_FILE"),
])
def test_settings_that_do_not_go_together(system, changes, named):
    environment = system.environment("stock-api")
    for name in [name for name in environment if name.startswith("AUTH")]:
        environment.pop(name)
    done = run_binary(system, "stock-api", changes, environment=environment)
    assert done.returncode == 2, done.stdout + done.stderr
    said, = (line for line in (done.stdout + done.stderr).splitlines() if '"level":"info"' not in line)
    assert named in said


@pytest.mark.parametrize("how", ["off", "off-for-all-networks"])
def test_off_is_said_aloud(system, how):
    with child(system, "stock-api", {**OFF, "AUTH": how}) as process:
        assert requests.get(process.base + "/api/stocks", timeout=10).status_code == 200
        assert process.metrics().value("cartwheel_auth_off") == 1
        line, = (json.loads(line) for line in process.log.splitlines() if "authentication is off" in line)
        assert line["level"] == "warning"
        assert "authentication is off" in process.get("/health/ready").json()["warning"]
        assert "warning" not in requests.get(process.base + "/health/ready", timeout=10).json()


def test_on_is_the_default(system):
    """What the launcher starts asks for a token, and says nothing of any of this."""
    assert "AUTH" not in system.environment("stock-api")
    assert_problem(requests.get(system.api("stock") + "/api/stocks", timeout=10), 401)
    assert system.metrics("stock-api").value("cartwheel_auth_off") == 0
    assert "warning" not in requests.get(system.admin("stock-api") + "/health/ready", timeout=10).json()
