"""A certified provider in place of an issuer of ours: its description and keys, and what it signs."""

import base64
import concurrent.futures
import contextlib
import json
import subprocess
import threading
import time

import pytest
import requests
from launcher.certificates import Authority
from launcher.issuer import Issuer

from support.api import assert_problem, items_of, new_id
from support.broker import Broker
from support.child import Child, instead
from support.events import envelope, publish
from support.fakes import FakeHttp
from support.names import ORDER_CONFIRMED
from support.npm import folder_of, modules
from support.system import ROOT, free_port
from support.waits import SLOWNESS, eventually

SCRIPT = ROOT / "tests" / "oidc" / "provider.mjs"
RESOURCE = "urn:cartwheel:apis"  # what clients name; tokens then are for the audience "cartwheel"
SHOP = {"id": "shop", "secret": "shop-secret", "roles": ["shop"], "scope": "orders:read"}
MACHINE = {"id": "notification worker", "secret": "a secret: of/its own", "roles": [], "scope": "customers:read"}
TOKEN_SECONDS = 600
CLIENTS_AT_ONCE = 4


class Provider:
    """The provider of provider.mjs; may be stopped and started at its address."""

    def __init__(self, folder):
        authority = Authority(folder)
        authority.create()
        self.ca = str(authority.file)
        certificate, key = authority.issue("provider")
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.keys = {"publish": ["first"], "sign": "first"}
        self._settings = {
            "modules": str(folder_of("oidc")), "folder": str(folder), "issuer": self.url, "port": self.port, "certificate": str(certificate),
            "key": str(key), "audience": "cartwheel", "scopes": ["orders:read", "customers:read"],
            "seconds": TOKEN_SECONDS, "clients": [SHOP, MACHINE],
        }  # fmt: skip
        self._process = None

    def start(self):
        modules("oidc")
        settings = json.dumps({**self._settings, "keys": self.keys})
        self._process = subprocess.Popen(["node", SCRIPT, settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._is_ready()

    def _is_ready(self):
        """It warns of what is meant for trials alone, and then is ready."""
        for line in self._process.stdout:
            if line.strip() == "ready":
                return
        raise AssertionError(f"the provider ended: {self._process.wait()}")

    def stop(self):
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    @contextlib.contextmanager
    def away(self):
        self.stop()
        try:
            yield
        finally:
            self.start()

    def use(self, *published, sign):
        """From now on these keys are published, and @sign signs."""
        self.keys = {"publish": published, "sign": sign}
        self._process.stdin.write(json.dumps(self.keys) + "\n")
        self._process.stdin.flush()
        self._is_ready()

    def post(self, path, client, **form):
        answer = requests.post(self.url + path, data=form, auth=(client["id"], client["secret"]), verify=self.ca, timeout=15)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def token(self, **form):
        """A new access token of the shop for our APIs."""
        return self.post("/token", SHOP, grant_type="client_credentials", resource=RESOURCE, **form)["access_token"]


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    found = Provider(tmp_path_factory.mktemp("provider"))
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def api(system, provider):
    """An order-api that knows the provider by its name and its CA alone."""
    process = Child(system, "order-api", {"AUTH": "on", "AUTH_ISSUER": provider.url, "AUTH_JWKS_FILE": None,
                                          "AUTH_CA_FILE": provider.ca})  # fmt: skip
    try:
        yield process.wait_ready()
        assert process.stop() == 0
    finally:
        process.discard()


def ask(api, token, session=requests):
    return session.get(f"{api.base}/api/orders?limit=1", headers={"Authorization": f"Bearer {token}"}, timeout=15)


def part(token, number):
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_tokens_of_the_provider_are_taken(provider, api):
    token = provider.token()
    assert part(token, 0)["typ"] == "at+jwt" and part(token, 1)["aud"] == "cartwheel"
    assert ask(api, token).status_code == 200
    placed = requests.post(f"{api.base}/api/orders", headers={"Authorization": f"Bearer {token}"}, timeout=15,
                           json={"customerId": new_id(), "items": items_of((new_id(), 1))})
    assert placed.status_code == 201, placed.text
    refused = requests.put(f"{api.base}/api/prices/{new_id()}", headers={"Authorization": f"Bearer {token}"}, timeout=15, json={})
    assert_problem(refused, 403)


def test_other_tokens_of_it_are_not(provider, api):
    """One that is no JWT, and one of its form that somebody else signed."""
    opaque = provider.post("/token", SHOP, grant_type="client_credentials")["access_token"]
    assert "." not in opaque
    assert_problem(ask(api, opaque), 401)
    head, _, signature = provider.token().split(".")
    claims = base64.urlsafe_b64encode(b'{"sub":"x","roles":["admin"]}').decode().rstrip("=")
    assert_problem(ask(api, f"{head}.{claims}.{signature}"), 401)


class Requests:
    """Clients that go on asking with the newest token, while the block runs."""

    def __init__(self, api, token):
        self.token = token
        self.answers = {}
        self._api, self._ends, self._lock = api, threading.Event(), threading.Lock()
        self._pool = concurrent.futures.ThreadPoolExecutor(CLIENTS_AT_ONCE)

    def _go_on(self):
        with requests.Session() as session:
            while not self._ends.is_set():
                status = ask(self._api, self.token, session).status_code
                with self._lock:
                    self.answers[status] = self.answers.get(status, 0) + 1

    def __enter__(self):
        self._running = [self._pool.submit(self._go_on) for _ in range(CLIENTS_AT_ONCE)]
        return self

    def __exit__(self, *_):
        self._ends.set()
        for running in self._running:
            running.result(timeout=30)
        self._pool.shutdown()

    def wait_for_more(self):
        before = sum(self.answers.values())
        eventually(lambda: sum(self.answers.values()) >= before + 20, "20 more requests")


def test_keys_change_while_requests_run(provider, api):
    """As docs/security.md says: the new key is published, known, and only then signs; the old one goes last."""
    with Requests(api, provider.token()) as running:
        running.wait_for_more()
        provider.use("first", "second", sign="second")  # but nobody else has a token of it yet
        early = provider.token()
        eventually(lambda: ask(api, early).status_code == 200, "the new key to be known", 30)
        running.token = provider.token()
        assert part(running.token, 0)["kid"] == "second"
        running.wait_for_more()
        provider.use("second", sign="second")
        running.token = provider.token()
        running.wait_for_more()
    assert set(running.answers) == {200}, running.answers


def test_a_provider_that_is_away_takes_nobody_with_it(provider, api, tmp_path):
    stranger = Issuer(tmp_path, provider.url)
    stranger.create()
    fresh = [provider.token() for _ in range(3)]  # which the API has not seen
    logged = api.log.count("the issuer gives no keys")
    with Requests(api, provider.token()) as running:
        with provider.away():
            assert ask(api, fresh[0]).status_code == 200
            assert_problem(ask(api, stranger.token("x", ["admin"])), 401)  # has the API look for keys
            eventually(lambda: api.log.count("the issuer gives no keys") > logged, "the outage in the log", 30)
            assert ask(api, fresh[1]).status_code == 200 and api.is_ready()
            running.wait_for_more()
        eventually(lambda: "the issuer works again" in api.log, "the end of the outage", 30)
        assert ask(api, fresh[2]).status_code == 200
    assert set(running.answers) == {200}, running.answers


def test_the_customer_service_is_asked_with_a_token_of_the_provider(system, provider, notifications):
    shown = []

    def person(method, path, body):
        def answer(handler):
            shown.append(handler.headers.get("Authorization"))
            data = json.dumps({"customerId": path.rsplit("/", 1)[1], "fullName": "Ada Lovelace", "email": "ada@example.org",
                               "phone": "+491701234567", "language": "en"}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        return 200, answer

    with FakeHttp(person) as service:
        settings = {
            "NOTIFICATION_SENDERS": "1", "CUSTOMER_SERVICE_URL": service.url, "CUSTOMER_SERVICE_CA_FILE": provider.ca,
            "CUSTOMER_SERVICE_TOKEN_URL": f"{provider.url}/token", "CUSTOMER_SERVICE_CLIENT_ID": MACHINE["id"],
            "CUSTOMER_SERVICE_CLIENT_SECRET": MACHINE["secret"], "CUSTOMER_SERVICE_SCOPE": MACHINE["scope"],
        }  # fmt: skip
        with instead(system, "notification-worker", settings), Broker(system.amqp_url) as broker:
            for _ in range(2):
                order_id = new_id()
                publish(broker, envelope(ORDER_CONFIRMED, {"OrderId": order_id, "CustomerId": new_id(),
                                                           "OrderTotal": 12.5, "Currency": "USD"}))
                row, = notifications.wait(order_id, status="Sent", timeout=20 * SLOWNESS)
                assert (row["destination"], row["customerSource"]) == ("ada@example.org", "service")
    first, = set(shown)
    scheme, _, token = first.partition(" ")
    told = provider.post("/token/introspection", MACHINE, token=token)
    assert scheme == "Bearer" and told["active"] and told["client_id"] == MACHINE["id"]
    assert told["scope"] == MACHINE["scope"] and told["exp"] - time.time() <= TOKEN_SECONDS
