"""TLS on our own listeners: what it is like, what is refused, and certificates that are renewed meanwhile."""

import concurrent.futures
import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import time
import warnings

import pytest
import requests
from launcher.certificates import Authority

from support import tokens
from support.api import items_of, new_id
from support.child import Child, run_binary
from support.rawhttp import RawConnection, request
from support.system import cpu_shares
from support.waits import SLOWNESS, eventually

NAMES = "DNS:localhost,IP:127.0.0.1"
HALF_HELLO = bytes.fromhex("160301020001")  # a record of a handshake, and none of what it holds but a byte
STRANGERS = 1500  # of the 2,048 places of a listener: fewer than make it crowded
SPIN = 0.3
TOO_SLOW_S = 10  # from the connect to the first request, handshake and all


class Listeners:
    """An API and a worker with one certificate, which can be renewed."""

    def __init__(self, system, folder):
        self._authority = Authority(folder / "ca")
        self._authority.create()
        self.ca = str(self._authority.file)
        self._files = folder / "tls.crt", folder / "tls.key"
        self.issue("first")
        self.settings = dict(zip(("HTTP_TLS_CERT_FILE", "HTTP_TLS_KEY_FILE"), map(str, self._files), strict=True))
        self.children = {name: Child(system, name, self.settings, ca=self.ca) for name in ("order-api", "stock-worker")}
        for child in self.children.values():
            child.wait_ready()
        self.api, self.worker = self.children["order-api"], self.children["stock-worker"]

    def issue(self, name, **how):
        """What the files hold from now on; the key comes last."""
        for made, file in zip(self._authority.issue(name, names=NAMES, **how), self._files, strict=True):
            shutil.copy(made, file)

    def context(self):
        return ssl.create_default_context(cafile=self.ca)

    @contextlib.contextmanager
    def connection(self, context=None):
        """To the API, over TLS."""
        host, port = self.api.http.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=15) as plain, \
                (context or self.context()).wrap_socket(plain, server_hostname="localhost") as secure:
            yield secure

    def plain(self):
        host, port = self.api.http.rsplit(":", 1)
        return RawConnection((host, int(port)))

    def shown(self, address):
        """The name in the certificate that is shown at @address now."""
        host, port = address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=15) as plain, \
                self.context().wrap_socket(plain, server_hostname="localhost") as secure:
            return dict(part for parts in secure.getpeercert()["subject"] for part in parts)["commonName"]


@pytest.fixture(scope="module")
def listeners(system, tmp_path_factory):
    found = Listeners(system, tmp_path_factory.mktemp("listeners"))
    yield found
    codes = {name: child.stop() for name, child in found.children.items()}
    for child in found.children.values():
        child.discard()
    assert set(codes.values()) == {0}, codes


def ask(connection, path="/health/live", headers=()):
    """One request on an open connection; (status, headers, body)."""
    connection.sendall(request("GET", path, headers=headers))
    reader = connection.makefile("rb")
    status = int(reader.readline().split()[1])
    headers = dict(line.decode().rstrip().split(": ", 1) for line in iter(reader.readline, b"\r\n"))
    return status, headers, reader.read(int(headers["Content-Length"]))


def order_of(product=None):
    return {"customerId": new_id(), "items": items_of((product or new_id(), 1))}


# --- what it is like ------------------------------------------------------------------------------


def test_the_api_is_served_over_tls(listeners, stocks, orders):
    product = stocks.create(1)
    placed = requests.post(f"{listeners.api.base}/api/orders", json=order_of(product), headers=tokens.headers(),
                           verify=listeners.ca, timeout=15)
    assert placed.status_code == 201, placed.text
    assert placed.headers["Strict-Transport-Security"] == "max-age=31536000"
    orders.wait(placed.json()["id"], "Confirmed")


def test_operators_are_served_over_tls(listeners):
    for child in listeners.children.values():
        assert child.get("/health/ready").status_code == 200
        ends = child.metrics().value("cartwheel_http_certificate_expires_timestamp_seconds")
        assert ends > time.time()
    refused = requests.get(f"https://{listeners.worker.admin}/dead-letters", verify=listeners.ca, timeout=15)
    assert refused.status_code in (401, 403)


def test_without_a_certificate_browsers_are_told_nothing_of_tls(system):
    answer = requests.get(f"http://{system.address('order')[0]}:{system.address('order')[1]}/health/live", timeout=15)
    assert "Strict-Transport-Security" not in answer.headers


def test_processes_probe_themselves_over_tls(system, listeners):
    for name, child in listeners.children.items():
        done = run_binary(system, name, arguments=("--health",), environment=child.environment)
        assert (done.returncode, done.stderr) == (0, "")
    plain = {**listeners.worker.environment, "HTTP_TLS_CERT_FILE": ""}
    assert run_binary(system, "stock-worker", arguments=("--health",), environment=plain).returncode == 1


def limited(listeners, **limits):
    context = listeners.context()
    context.set_ciphers(limits.get("ciphers", "ALL") + ":@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = context.maximum_version = limits["version"]
    return context


def test_versions_and_ciphers(listeners):
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        with listeners.connection(limited(listeners, version=version)) as connection:
            assert connection.version() == name
            assert ask(connection)[0] == 200
    for refused in ({"version": ssl.TLSVersion.TLSv1_1}, {"version": ssl.TLSVersion.TLSv1},
                    {"version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES128-SHA"}):
        with pytest.raises((ssl.SSLError, ConnectionError)), listeners.connection(limited(listeners, **refused)):
            pass


def test_large_bodies_and_answers(listeners):
    """More than a record of TLS holds, both ways, and a request in pieces."""
    with listeners.connection() as connection:
        body = json.dumps({**order_of(), "note": "x" * 60_000}).encode()
        connection.sendall(request("POST", "/api/orders", body))
        assert connection.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 201", b"HTTP/1.1 503")
    with listeners.connection() as connection:
        status, _, document = ask(connection, "/openapi.json")
        assert status == 200 and len(json.loads(document)["paths"]) > 5 and len(document) > 16 * 1024
        for piece in (b"GET /health", b"/live HTTP/1.1\r\nHo", b"st: x\r\n\r\n"):
            connection.sendall(piece)
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_a_large_head_is_read_at_once(listeners):
    """GnuTLS holds what the buffer of a head has no room for yet, and no event tells of it."""
    with listeners.connection() as connection:
        started = time.monotonic()
        for _ in range(20):
            assert ask(connection, headers=(f"X-Long: {'x' * 7000}",))[0] == 200
        assert time.monotonic() - started < 1 * SLOWNESS


# --- renewed --------------------------------------------------------------------------------------


def test_a_renewed_certificate_is_shown_and_no_connection_is_lost(listeners):
    with listeners.connection() as connection:
        assert ask(connection)[0] == 200
        before = listeners.shown(listeners.api.http)
        listeners.issue("renewed")
        for address in (listeners.api.http, listeners.api.admin, listeners.worker.admin):
            eventually(lambda at=address: listeners.shown(at) == "renewed", f"the new certificate at {address}")
        assert before != "renewed" and ask(connection)[0] == 200
    assert listeners.api.log.count("certificate of the listeners read again") == 1


def test_a_certificate_of_no_use_changes_nothing(listeners):
    shown = listeners.shown(listeners.api.http)
    certificate, key = listeners.settings.values()
    good = open(key, encoding="ascii").read()
    with open(key, "w", encoding="ascii") as file:
        file.write("half a key")
    eventually(lambda: "the new certificate is of no use: the old one stays" in listeners.api.log, "the warning")
    assert listeners.shown(listeners.api.http) == shown
    with open(key, "w", encoding="ascii") as file:
        file.write(good)
    listeners.issue("repaired")
    eventually(lambda: listeners.shown(listeners.api.http) == "repaired", "the good certificate")
    assert listeners.api.log.count("the new certificate is of no use") == 1


# --- refused at the start -------------------------------------------------------------------------


def test_faults_of_the_files_end_the_start(system, tmp_path):
    authority = Authority(tmp_path)
    authority.create()
    certificate, key = authority.issue("one")
    _, stranger = authority.issue("other")
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", "pass:secret"], check=True)
    faults = {
        (certificate, ""): "HTTP_TLS_CERT_FILE and HTTP_TLS_KEY_FILE go together: only HTTP_TLS_CERT_FILE is set",
        ("", key): "HTTP_TLS_CERT_FILE and HTTP_TLS_KEY_FILE go together: only HTTP_TLS_KEY_FILE is set",
        (tmp_path / "none", key): "HTTP_TLS_CERT_FILE: Failed to open file",
        (certificate, tmp_path / "none"): "HTTP_TLS_KEY_FILE: Failed to open file",
        (key, key): "HTTP_TLS_CERT_FILE: ",
        (certificate, certificate): "HTTP_TLS_KEY_FILE: ",
        (certificate, locked): "HTTP_TLS_KEY_FILE: ",
        (certificate, stranger): "HTTP_TLS_KEY_FILE: this is not the key of the certificate in HTTP_TLS_CERT_FILE",
    }
    for name in ("order-api", "stock-worker"):
        for files, fault in faults.items():
            environment = system.environment(name) | dict(zip(
                ("HTTP_TLS_CERT_FILE", "HTTP_TLS_KEY_FILE"), map(str, files), strict=True))
            done = run_binary(system, name, environment=environment)
            assert done.returncode == 2 and done.stderr.startswith(f"{name}: {fault}"), (name, files, done.stderr)
            assert done.stderr.count("\n") == 1, done.stderr


def test_an_expired_certificate_is_a_warning(system, listeners):
    listeners.issue("past", expired=True)
    try:
        eventually(lambda: "the certificate of the listeners has expired" in listeners.api.log, "the warning")
        with pytest.raises(ssl.SSLCertVerificationError):
            listeners.shown(listeners.api.http)
        probe = run_binary(system, "order-api", arguments=("--health",), environment=listeners.api.environment)
        assert probe.returncode == 0, probe.stderr
    finally:
        listeners.issue("present")
    eventually(lambda: listeners.shown(listeners.api.http) == "present", "a good one again",
               forgive=(ssl.SSLCertVerificationError,))


# --- who does not speak TLS -----------------------------------------------------------------------


def test_plain_http_is_hung_up_on(listeners):
    with listeners.plain() as connection:
        connection.send(request("GET", "/health/live"))
        assert connection.is_closed(within=2 * SLOWNESS)


def test_a_client_that_hangs_up_in_its_handshake_leaves_nothing(listeners):
    def places():
        return listeners.api.metrics().value("cartwheel_http_connections")
    before = places()
    for data in (b"", HALF_HELLO, b"\x16"):
        with listeners.plain() as connection:
            connection.send(data)
    eventually(lambda: places() <= before, "the connections to be closed")


def test_a_client_that_leaves_while_it_waits_is_noticed(listeners, orders, stocks):
    """Its farewell comes in bytes, which nobody reads meanwhile."""
    order = orders.placed((stocks.create(1), 1))
    orders.wait(order, "Confirmed")

    def wait_open(n):
        eventually(lambda: listeners.api.metrics().value("cartwheel_http_waits_open") == n, f"{n} requests to wait", 20)
    with listeners.connection() as connection:
        connection.sendall(request("GET", f"/api/orders/{order}?wait=Cancelled&timeout=60s"))
        wait_open(1)
        connection.settimeout(0.2)
        with contextlib.suppress(OSError):
            connection.unwrap()
    wait_open(0)


def crowd(listeners, stack):
    """Who begins a handshake and says no more."""
    host, port = listeners.api.http.rsplit(":", 1)
    for _ in range(STRANGERS):
        stranger = stack.enter_context(socket.create_connection((host, int(port)), timeout=15))
        stranger.sendall(HALF_HELLO)
        yield stranger


def test_handshakes_that_never_end_cost_no_core_and_are_cut(listeners):
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        strangers = list(crowd(listeners, stack))
        share = cpu_shares({"api": listeners.api.process.pid})["api"]
        with listeners.connection() as connection, concurrent.futures.ThreadPoolExecutor(1) as pool:
            served = pool.submit(lambda: [ask(connection)[0] for _ in range(50)])
            assert set(served.result(timeout=5 * SLOWNESS)) == {200}
        assert share < SPIN, share
        for stranger in strangers[:: STRANGERS // 20]:
            stranger.settimeout(TOO_SLOW_S * 3)
            with contextlib.suppress(ConnectionError):
                while stranger.recv(4096):
                    pass
        assert time.monotonic() - started < (TOO_SLOW_S + 5) * SLOWNESS
