"""What strangers do to a listener: bytes that no decent client sends, and places, memory and time that they take."""

import concurrent.futures
import contextlib
import json
import resource
import socket
import struct
import time

from support import rawhttp
from support.rawhttp import post

GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
REFUSALS = (400, 404, 405, 408, 411, 413, 414, 431, 501, 503, 505)
SLOW_HEAD = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
LATE_BODY = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
LARGE_BYTES = 60_000  # of a body that is still allowed
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close throws away what is under way


def _get(*lines, path=b"/health/live"):
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: x", *lines, b"", b""])


INPUTS = (
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
    b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/orders/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/%2e%2e/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    _get(b"X: a\x00b"), _get(b"X: a\nY: b"), _get(b"X: a", b" b"), _get(b": empty"),
    _get(b"Idempotency-Key: a", b"Idempotency-Key: b"),
    b"GET /health/live HTTP/1.1\r\nHost: x y\r\n\r\n",
    _get(b"Cookie: " + b"; ".join(b"c%d=v" % n for n in range(300)), path=b"/" + b"x" * 3000),
    _get(path=b"/api/orders?" + b"a&" * 4000),
    _get(*(b"h%d:" % n for n in range(900))),
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    GET * 1000,
    post("/api/orders", b"[" * 30_000),
    post("/api/orders", b'{"a":' * 10_000),
    post("/api/orders", b"{}," * 20_000),
    post("/api/orders", json.dumps({"customerId": "\x00", "items": []}).encode()),
)


def more_files(wanted):
    """Lets this process open that many files; returns how many it may."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return max(soft, allowed)


def send_inputs(address):
    """Each of them on a connection of its own; every answer is a refusal, or that of a harmless request."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for data, answers in zip(INPUTS, pool.map(lambda data: rawhttp.exchange(address, data, timeout=5), INPUTS)):
            assert all(a.status in REFUSALS or a.status == 200 for a in answers), (data[:80], answers)


@contextlib.contextmanager
def connections(address, count, data, source="127.0.0.1"):
    """That many open connections which have sent @data, as far as the listener takes them."""
    made = []
    try:
        for _ in range(count):
            connection = socket.socket()
            made.append(connection)
            connection.bind((source, 0))
            connection.setblocking(False)
            with contextlib.suppress(OSError):
                connection.connect(address)
        for connection in made:
            with contextlib.suppress(OSError):
                connection.send(data)
        yield made
    finally:
        for connection in made:
            connection.close()


def leave_half_heads(address, count):
    """Half a head and a close, without a pause."""
    for _ in range(count):
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5) as connection:
            connection.send(SLOW_HEAD)


def leave_by_reset(address, count):
    """Gone while the request waits or its answer goes out."""
    for _ in range(count):
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.send(post("/api/orders", b"{}") + GET)


def hold(address, count, data, seconds, source="127.0.0.1"):
    """Takes places, or memory, for that long."""
    with connections(address, count, data, source):
        time.sleep(seconds)
