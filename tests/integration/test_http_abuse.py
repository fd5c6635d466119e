"""Requests that no decent client sends. Each test ends with the same process, still answering."""

import concurrent.futures
import contextlib
import json
import socket
import time

import pytest

from support import rawhttp
from support.api import items_of, new_id
from support.rawhttp import RawConnection, exchange, post

GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def still_answers(system, orders):
    """The API under attack keeps its pid and takes the next order."""
    pid = system.pid("order-api")
    yield
    assert system.pid("order-api") == pid
    assert orders.place(items_of((new_id(), 1))).status_code == 201


@pytest.fixture
def address(system):
    return system.address("order")


def order_bytes(**members):
    return json.dumps({"customerId": new_id(), "items": items_of((new_id(), 1)), **members}).encode()


def smuggled(*header_lines, body=b"{}", host="Host: x"):
    lines = ["POST /api/orders HTTP/1.1", host, "Content-Type: application/json", *header_lines]
    return "\r\n".join(line for line in lines if line).encode() + b"\r\n\r\n" + body + GET


@pytest.mark.parametrize("data", [
    smuggled("Content-Length: 2", "Content-Length: 3"),
    smuggled("Content-Length: 2", "Content-Length: 2"),
    smuggled("Content-Length: 2", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
    smuggled("Transfer-Encoding: chunked", "Content-Length: 14", body=b"2\r\n{}\r\n0\r\n\r\n"),
    smuggled("Transfer-Encoding: gzip"),
    smuggled("Transfer-Encoding: chunked, gzip", body=b"2\r\n{}\r\n0\r\n\r\n"),
    smuggled("Transfer-Encoding: xchunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
    smuggled("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
    smuggled("Content-Length : 2"),
    smuggled("Content-Length\t: 2"),
    smuggled("Content-Length: 2", host=None),
    smuggled("Content-Length: 2", "Host: y"),
    smuggled("Content-Length: -2"),
    smuggled("Content-Length: 2x"),
    smuggled("Content-Length: 99999999999999999999999"),
], ids=["two-cl", "same-cl-twice", "cl-te", "te-cl", "te-gzip", "te-chunked-gzip", "te-xchunked", "te-twice",
        "space-colon", "tab-colon", "no-host", "two-hosts", "cl-negative", "cl-junk", "cl-huge"])
def test_ambiguous_framing_is_refused_and_the_connection_closed(address, data):
    """One 400 (or a bare close); the request hidden behind the body is never answered."""
    answers = exchange(address, data)
    assert len(answers) <= 1, [a.status for a in answers]
    if answers:
        assert answers[0].status in (400, 413, 501), answers[0]


@pytest.mark.parametrize("service", ["order", "stock", "notification"])
def test_every_api_has_the_guard(system, service):
    paths = {"order": "/api/orders", "stock": "/api/stocks", "notification": "/api/notificationtemplates"}
    data = smuggled("Content-Length: 2", "Content-Length: 3").replace(b"/api/orders", paths[service].encode())
    answers = exchange(system.address(service), data)
    assert [a.status for a in answers] in ([400], [])


@pytest.mark.parametrize("lines", [
    b"X: a\x00b\r\n", b"X: a\x00\x00\x00b\r\n", b"X: a\n", b"X: a\r\n b\r\n", b"X: a\r\n\tb\r\n", b": empty\r\n",
    b"Host: y z\r\n", b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n", b"X:\r\n\n",
], ids=["nul", "nuls", "bare-lf", "folded", "folded-tab", "empty-name", "host-with-a-space", "two-keys", "lf-at-the-end"])
def test_a_head_that_is_not_written_as_it_should_be_is_400(address, lines):
    host = b"" if lines.startswith(b"Host") else b"Host: x\r\n"
    answers = exchange(address, b"GET /health/live HTTP/1.1\r\n" + host + lines + b"\r\n" + GET)
    assert [a.status for a in answers] == [400]
    assert answers[0].closes


def test_white_space_around_values_is_legal(address):
    answers = exchange(address, b"GET /health/live HTTP/1.1\r\nHost: \t x \t\r\nX:\r\nY:   \r\nZ: a b\r\n\r\n")
    assert [a.status for a in answers] == [200]


def test_a_head_of_many_cookies_is_431(address):
    cookies = b"; ".join(b"c%d=v" % n for n in range(300))
    answers = exchange(address, b"GET /%s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n" % (b"x" * 3000, cookies))
    assert [a.status for a in answers] == [431]


def test_a_query_of_thousands_of_parameters_is_414(address):
    answers = exchange(address, b"GET /api/orders?%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a&" * 3000))
    assert [a.status for a in answers] == [414]
    assert answers[0].headers["content-type"] == "application/problem+json"


NESTED = b"[" * 3000 + b"]" * 3000
GOOD = order_bytes()


@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b"}", b"[]", b"null", b"7", b'"x"', b"{}{}", GOOD + b"x", GOOD[:-1],
    b"{'customerId': 1}", b'{"items": [1,]}', b"\xef\xbb\xbf" + GOOD,
    b'{"customerId":"a","customerId":"b","items":[]}',
    NESTED, b'{"customerId":' + NESTED + b"}", b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'{"customerId":"\\u0000","items":[]}', b'{"customerId":"a\x00b","items":[]}',
    b'{"customerId":"\\ud800","items":[]}', b'{"customerId":"\\udc00\\ud800","items":[]}',
    b'{"customerId":"\xff\xfe","items":[]}', b'{"customerId":"\xc0\xaf","items":[]}',
    b'{"customerId":1e400,"items":[]}', b'{"customerId":NaN,"items":[]}', b'{"customerId":Infinity,"items":[]}',
    b'{"customerId":-,"items":[]}', b'{"customerId":01,"items":[]}',
    b'{"items":[{"productId":"x","quantity":9223372036854775808}]}',
    b'{"items":[{"productId":"x","quantity":-99999999999999999999999999}]}',
    b'{"items":[{"productId":"x","quantity":1,"unitPrice":1e400}]}',
    b'{"items":[{"productId":"x","quantity":1,"unitPrice":%s}]}' % (b"9" * 4000),
    b'{"items":[' + b"{}," * 20_000 + b"{}]}",
], ids=range(34))
def test_a_bad_body_is_400(address, body):
    answers = exchange(address, post("/api/orders", body))
    assert [a.status for a in answers] == [400]
    assert answers[0].headers["content-type"].startswith("application/problem+json")
    assert json.loads(answers[0].body)["status"] == 400


@pytest.mark.parametrize("unknown", [
    b'{"a":1,"A":2,"a":3}', b'"\\u0000"', b'["\\ud800"]', b"[" * 40 + b"]" * 40, b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"\\u0000":1}', b"1e4000",
], ids=["twice", "nul", "half a pair", "40 arrays", "40 objects", "nul in a name", "large"])
def test_a_member_that_nobody_reads_may_be_anything(address, unknown):
    answers = exchange(address, post("/api/orders", b'{"note":' + unknown + b"," + GOOD[1:]))
    assert [a.status for a in answers] == [201], answers[0].body


@pytest.mark.parametrize("body, path, message", [
    (b"\xef\xbb\xbf" + GOOD, "", "begins with a byte order mark"),
    (b'{"note":' + b"[" * 64 + b"]" * 64 + b"," + GOOD[1:], "", "is nested more than 64 levels deep: line 1, column 72"),
    (GOOD[:-1] + b',"Items":[]}', "items", "must not be there more than once"),
    (GOOD[:-1] + b',"currency":"U\\u0000D"}', "currency", "must not hold \\u0000 or half of a surrogate pair"),
], ids=["byte order mark", "too deep", "twice", "nul"])
def test_what_is_wrong_is_named_for_what_it_is(address, body, path, message):
    answers = exchange(address, post("/api/orders", body))
    assert [a.status for a in answers] == [400]
    assert message in json.loads(answers[0].body)["errors"][path]


def test_a_nul_in_a_text_never_reaches_the_database(address, orders, stocks):
    order_id = orders.placed((stocks.create(1), 1))
    orders.wait(order_id, "Confirmed")
    answers = exchange(address, post(f"/api/orders/{order_id}/cancel", b'{"reason":"a\\u0000b"}'))
    assert [a.status for a in answers] == [400]


def test_fifty_pipelined_requests_are_answered_in_order(address):
    """Reads and writes mixed; each answer belongs to its request."""
    data, expected = b"", []
    for n in range(50):
        if n % 2:
            data += post("/api/orders", order_bytes())
            expected.append(201)
        else:
            data += rawhttp.request("GET", f"/api/orders/{new_id()}")
            expected.append(404)
    with RawConnection(address, timeout=30) as connection:
        connection.send(data)
        answers = [connection.answer() for _ in expected]
    assert [a and a.status for a in answers] == expected


def test_head(address):
    with RawConnection(address) as connection:
        connection.send(b"HEAD /health/live HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
        assert connection.answer(head_only=True).status in (200, 405)
        answer = connection.answer()
        assert answer is None or answer.status == 200


@pytest.mark.parametrize("request_line", [b"TRACE /api/orders", b"CONNECT example.com:443", b"BREW /api/orders",
                                          b"get /api/orders", b"OPTIONS *"])
def test_other_methods_are_refused(address, request_line):
    answers = exchange(address, request_line + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not answers or answers[0].status in (400, 404, 405, 501)


@pytest.mark.parametrize("data", [
    b"\r\n\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, b"\x00" * 4096, b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/orders/%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /api/orders/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/orders?limit=%00&cursor=%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n",
], ids=range(12))
def test_noise_gets_an_error_or_nothing(address, data):
    answers = exchange(address, data, timeout=2)
    assert all(400 <= a.status < 600 and a.status != 500 for a in answers), [a.status for a in answers]


@pytest.mark.parametrize("chunks", [b"zz\r\n{}\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
                                    b"-2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}xx0\r\n\r\n"])
def test_bad_chunks(address, chunks):
    answers = exchange(address, b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                b"Transfer-Encoding: chunked\r\n\r\n" + chunks + GET)
    assert len(answers) <= 1
    assert all(a.status in (400, 413) for a in answers)


def test_expect_100_continue_is_served(address):
    body = order_bytes()
    with RawConnection(address) as connection:
        head, _, _ = post("/api/orders", b"", headers=["Expect: 100-continue"], length=len(body)).partition(b"\r\n\r\n")
        connection.send(head + b"\r\n\r\n")
        connection.send(body)
        assert connection.answer().status == 201


def test_clients_that_go_away_while_they_wait(address, orders, databases):
    """50 requests wait for a locked table, all clients leave, the lane finishes without them."""
    with databases.connect("order", autocommit=False) as lock:
        lock.execute("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE")
        waiting = [RawConnection(address) for _ in range(50)]
        for connection in waiting:
            connection.send(post("/api/orders", order_bytes()))
        for connection in waiting:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.socket.close()
        lock.rollback()
    assert orders.place(items_of((new_id(), 1))).status_code == 201


def test_clients_that_leave_in_the_middle_of_a_body(address):
    for cut in (10, 60, 150, 200):
        with RawConnection(address) as connection:
            connection.send(post("/api/orders", order_bytes())[:cut])


def dripped(address, data, limit_s):
    """Sends one byte of @data at a time; the seconds until the server hangs up (None: it does not)."""
    started = time.monotonic()
    with RawConnection(address, timeout=1.0) as connection:
        for byte in data:
            if time.monotonic() - started > limit_s:
                return None
            try:
                connection.socket.sendall(bytes([byte]))
                connection.socket.settimeout(0.5)
                with contextlib.suppress(socket.timeout):
                    if not connection.socket.recv(65536):
                        return time.monotonic() - started
            except ConnectionError:
                return time.monotonic() - started
    return None


SLOWLORIS_LIMIT_S = 25


def test_slow_senders_are_cut_off(address):
    """One byte each half second, in the headers and in the body: the deadline is of the request, not of a pause."""
    header = b"GET /api/orders HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * 500
    body = post("/api/orders", b" " * 500)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        cut = list(pool.map(lambda data: dripped(address, data, SLOWLORIS_LIMIT_S), (header, body)))
    assert all(seconds is not None for seconds in cut), f"cut off after {cut}"


def test_many_idle_connections_do_not_shut_others_out(address, orders):
    idle = []
    try:
        for _ in range(200):
            idle.append(rawhttp.RawConnection(address))
        assert orders.place(items_of((new_id(), 1))).status_code == 201
    finally:
        for connection in idle:
            connection.socket.close()
