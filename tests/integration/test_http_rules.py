"""What holds on every API: 404, 405, 413, 415, 431 and the problem document."""

import json
import time

import pytest
import requests

from support import rawhttp, tokens
from support.api import assert_problem, new_id
from support.child import child

POSTS = [("order", "/api/orders"), ("stock", "/api/stocks"), ("notification", "/api/notificationtemplates")]
LIMIT = 64 * 1024
TEMPLATE_LIMIT = 128 * 1024
NOBODY = "5f1c2b0e-3d57-4a86-9c1e-2f6a7d8b9c01"  # always the same: a test keeps its name


@pytest.mark.parametrize("service", ["order", "stock", "notification"])
@pytest.mark.parametrize("path", ["/", "/api", "/api/nothing", "/api/orders/1/2/3/4"])
def test_an_unknown_path_is_404(apis, service, path):
    answer = apis[service].get(path)
    assert_problem(answer, 404)


@pytest.mark.parametrize("service", ["order", "stock", "notification"])
def test_two_slashes_are_not_one(system, service):
    """By hand: requests makes them one since version 2.32.5."""
    answer, = rawhttp.exchange(system.address(service), b"GET //api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["/%2e%2e/etc", "/api/../etc", "/api/orders/%2e%2e/%2e%2e", "/api/%6frders%00"])
def test_a_path_that_climbs_is_a_client_error(system, path):
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    assert [a.status for a in rawhttp.exchange(system.address("order"), request)] in ([400], [404])


@pytest.mark.parametrize("service, method, path, allowed", [
    ("order", "DELETE", "/api/orders", {"GET", "POST"}),
    ("order", "PUT", f"/api/orders/{NOBODY}", {"GET"}),
    ("order", "GET", f"/api/orders/{NOBODY}/cancel", {"POST"}),
    ("order", "POST", f"/api/orders/{NOBODY}/history", {"GET"}),
    ("stock", "PATCH", "/api/stocks", {"GET", "POST"}),
    ("stock", "POST", f"/api/stocks/{NOBODY}", {"GET", "PUT", "DELETE"}),
    ("stock", "GET", f"/api/stocks/{NOBODY}/adjustments", {"POST"}),
    ("notification", "POST", "/api/notifications", {"GET"}),
    ("notification", "GET", f"/api/notificationtemplates/{NOBODY}/preview", {"POST"}),
])
def test_a_wrong_method_is_405_with_allow(apis, service, method, path, allowed):
    answer = apis[service].call(method, path, json={})
    assert_problem(answer, 405)
    assert allowed <= {m.strip() for m in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize("service, path", POSTS)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None])
def test_another_content_type_is_415(apis, service, path, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    assert_problem(apis[service].call("POST", path, data=b"{}", headers=headers), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_is_recognised_in_every_spelling(orders, content_type):
    body = b'{"customerId":"%s","items":[{"productId":"%s","quantity":1}]}' % (
        new_id().encode(), new_id().encode())
    answer = orders.call("POST", "/api/orders", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("service, path", POSTS)
def test_the_media_type_is_the_version(apis, service, path):
    second = "application/vnd.cartwheel.2+json"

    def get(accept):
        return apis[service].call("GET", path, params={"limit": 1}, headers={"Accept": accept})

    assert_problem(get(second), 406)
    assert_problem(get(f"text/html, {second}"), 406)
    for accept in (f"{second}, application/json;q=0.5", "text/plain", "nonsense", "application/json"):
        answer = get(accept)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json"), accept
    assert_problem(apis[service].call("POST", path, data=b"{}", headers={"Content-Type": second}), 415)
    assert apis[service].call("GET", "/api/nothing", headers={"Accept": second}).status_code == 404


def padded(size):
    """A good order of exactly @size bytes, by white space."""
    body = b'{"customerId":"%s","items":[{"productId":"%s","quantity":1}]}' % (
        new_id().encode(), new_id().encode())
    return body + b" " * (size - len(body))


def test_a_body_of_64_kib_is_read(orders):
    answer = orders.call("POST", "/api/orders", data=padded(LIMIT), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("service, path", POSTS)
def test_a_body_above_the_limit_is_413(apis, service, path):
    limit = TEMPLATE_LIMIT if service == "notification" else LIMIT
    answer = apis[service].call("POST", path, data=padded(limit + 1), headers={"Content-Type": "application/json"})
    assert_problem(answer, 413)


def test_a_template_of_escaped_text_fits(apis):
    """10,000 characters of 12 bytes each: the largest that the contract allows in the longest way to write it."""
    template = {"templateCode": "ORDER_CANCELLED", "channel": 2, "language": "zz", "subject": "x",
                "body": "\U0001f600" * 10_000, "isActive": False}
    answer = apis["notification"].call("POST", "/api/notificationtemplates", data=json.dumps(template),
                                       headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


def test_a_chunked_body_above_64_kib_is_refused_without_reading_it_all(system):
    """Announced by nothing: the server stops at the limit, by a 413 or by hanging up."""
    with rawhttp.RawConnection(system.address("order")) as connection:
        connection.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(8 * 1024):
            connection.send(b"400\r\n" + b" " * 1024 + b"\r\n")
        connection.send(b"0\r\n\r\n")
        answer = connection.answer()
        assert answer is None or answer.status == 413


def test_a_good_chunked_body_is_read(orders):
    def pieces():
        for byte in padded(300):
            yield bytes([byte])

    answer = orders.call("POST", "/api/orders", data=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


def test_headers_beyond_the_limit_are_431(orders):
    answer = requests.get(orders.base + "/api/orders", headers={"X-Big": "x" * 200_000}, timeout=10)
    assert answer.status_code == 431


def test_a_uri_beyond_the_limit_is_414_or_431(orders):
    answer = requests.get(orders.base + "/api/orders?" + "x" * 200_000, timeout=10)
    assert answer.status_code in (414, 431)


def test_the_problem_names_the_instance_and_the_trace(orders):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    path = f"/api/orders/{new_id()}"
    answer = orders.call("GET", path, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    problem = assert_problem(answer, 404)
    assert problem["instance"] == path
    assert problem["traceId"] == trace


def test_the_trace_of_a_problem_is_in_the_log(system):
    """Of each kind: what the head decides, what a handler decides."""
    with child(system, "order-api") as api:
        problems = [requests.get(api.base + path, headers=tokens.headers(), timeout=10).json()
                    for path in ("/nothing", f"/api/orders/{new_id()}", "/api/orders?limit=x")]
        lines = [json.loads(line) for line in api.log.splitlines() if '"request refused"' in line]
        assert [(line["trace_id"], line["status"], line["path"], line["level"]) for line in lines] == \
            [(p["traceId"], p["status"], p["instance"], "info") for p in problems]


@pytest.mark.parametrize("trusted, headers, client", [
    ("", ["X-Forwarded-For: 203.0.113.7"], "127.0.0.1"),
    ("10.0.0.0/8", ["X-Forwarded-For: 203.0.113.7"], "127.0.0.1"),
    ("127.0.0.0/8", ["X-Forwarded-For: 203.0.113.7"], "203.0.113.7"),
    ("127.0.0.1, 10.0.0.0/8", ["X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.1.2.3"], "203.0.113.7"),
    ("127.0.0.1", ["X-Forwarded-For: 203.0.113.7, nonsense"], "127.0.0.1"),
    ("127.0.0.1", ["X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.7"], "203.0.113.7"),  # the first: his own
    ("127.0.0.1, 10.0.0.0/8", ["X-Forwarded-For: 203.0.113.7", "x-forwarded-for: 10.1.2.3"], "203.0.113.7"),
    ("127.0.0.1", ['Forwarded: for="[2001:db8::1]:4711";proto=https', "X-Forwarded-For: 203.0.113.7"], "2001:db8::1"),
    ("127.0.0.1", ["Forwarded: for=203.0.113.7:80"], "203.0.113.7"),
    ("127.0.0.1", ["Forwarded: for=198.51.100.1", "Forwarded: for=203.0.113.7"], "203.0.113.7"),
    ("127.0.0.1", ["Forwarded: for=_hidden"], "127.0.0.1"),
    ("127.0.0.1", [], "127.0.0.1"),
], ids=range(12))
def test_a_trusted_proxy_says_who_the_client_is(system, trusted, headers, client):
    with child(system, "order-api", {"TRUSTED_PROXIES": trusted}) as api:
        host, port = api.http.split(":")
        answer, = rawhttp.exchange((host, int(port)), rawhttp.request("GET", "/nothing", headers=headers))
        assert answer.status == 404
        line, = (json.loads(line) for line in api.log.splitlines() if '"request refused"' in line)
        assert line["client"] == client


def test_pages_of_named_origins_may_call(system):
    shop, stranger = "https://shop.example", "https://evil.example"
    with child(system, "order-api", {"CORS_ORIGINS": shop}) as api, requests.Session() as session:
        def ask(method, path, origin, **headers):
            headers = {"Origin": origin, **{name.replace("_", "-"): value for name, value in headers.items()}}
            headers |= {} if method == "OPTIONS" else tokens.headers()
            return session.request(method, api.base + path, headers=headers, json={} if method == "POST" else None, timeout=10)

        preflight = ask("OPTIONS", "/api/orders", shop, Access_Control_Request_Method="POST",
                        Access_Control_Request_Headers="authorization,content-type")
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == shop
        assert set(preflight.headers["Access-Control-Allow-Methods"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
        assert {"Authorization", "Content-Type"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))
        for method, path, status in [("GET", "/api/orders", 200), ("POST", "/api/orders", 400), ("GET", "/nothing", 404)]:
            answer = ask(method, path, shop)
            assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, shop)
            assert answer.headers["Vary"] == "Origin"
        for method in ("GET", "OPTIONS"):
            answer = ask(method, "/api/orders", stranger, Access_Control_Request_Method="POST")
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"}, {"Origin": "null"},
])
def test_a_form_of_a_strangers_page_changes_nothing(orders, stocks, headers):
    """It needs no leave to be posted, and cancelling takes no body."""
    product = stocks.create(1)
    order_id = orders.placed((product, 1))
    orders.wait(order_id, "Confirmed")
    path = f"/api/orders/{order_id}"
    assert "CORS_ORIGINS" in assert_problem(orders.call("POST", path + "/cancel", headers=headers), 403)["detail"]
    for method in ("DELETE", "PUT"):
        assert_problem(stocks.call(method, f"/api/stocks/{product}", headers=headers, json={"quantity": 5}), 403)
    assert orders.call("GET", path, headers=headers).json()["status"] == "Confirmed"


def test_a_form_of_our_own_page_does_what_it_says(orders, stocks):
    order_id = orders.placed((stocks.create(1), 1))
    orders.wait(order_id, "Confirmed")
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": orders.base}
    answer = orders.call("POST", f"/api/orders/{order_id}/cancel", headers=headers)
    assert answer.status_code == 202


def test_what_is_read_is_kept_by_nobody(orders):
    for path, kept in [("/api/orders", "no-store"), (f"/api/orders/{NOBODY}", "no-store"), ("/openapi.json", "public, max-age=300")]:
        headers = orders.get(path).headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Cache-Control"] == kept


def test_refusals_do_not_flood_the_log(system):
    with child(system, "order-api") as api:
        with requests.Session() as session:
            for _ in range(300):
                assert session.get(api.base + "/nothing", timeout=10).status_code == 404
        seconds = time.monotonic() - api.started_at
        assert 20 <= api.log.count('"request refused"') <= 20 * (seconds + 1)


@pytest.mark.parametrize("traceparent", ["x", "00-0-0-01", "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
                                         "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
def test_a_bad_traceparent_is_replaced(orders, traceparent):
    answer = orders.call("GET", f"/api/orders/{new_id()}", headers={"traceparent": traceparent})
    problem = assert_problem(answer, 404)
    assert problem["traceId"] != "0" * 32 and problem["traceId"] not in traceparent
