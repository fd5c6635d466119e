"""TLS to PostgreSQL and RabbitMQ: the saga's own tests over it, and what is refused.

The whole saga suite runs over TLS with CARTWHEEL_TLS=1 in the environment.
"""

import contextlib
import json
import pathlib
import ssl
import statistics
import time
import warnings
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

import pika
import pika.exceptions
import psycopg
import pytest
from launcher.certificates import Authority
from saga import test_load, test_servers_away, test_unreadable

from support.api import NotificationApi, OrderApi, StockApi
from support.broker import Broker
from support.child import child, instead
from support.fakes import MADE_UP
from support.invariants import DeadLetterMark
from support.listeners import AMQP_HEADER, Listener, tls_context
from support.system import cpu_shares
from support.waits import SLOWNESS, eventually
from test_channels import confirm

SPIN = 0.2


@pytest.fixture(scope="module")
def trusted(tls):
    """The authority that the processes trust."""
    return Authority(pathlib.Path(tls.endpoints["ca_file"]).parent)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody trusts."""
    authority = Authority(tmp_path_factory.mktemp("stranger"))
    authority.create()
    return authority


# --- the saga over TLS ----------------------------------------------------------------------------


def test_2000_orders_over_tls(tls):
    dead_letters, before = DeadLetterMark(tls), tls.pids()
    test_load.test_2000_orders_over_20_products_by_32_clients(tls, StockApi(tls.api("stock")), dead_letters, None)
    assert tls.pids() == before
    with tls.databases.superuser() as database:
        plain, = database.execute("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                                  " WHERE usename IS NOT NULL AND NOT ssl").fetchone()
    assert plain == 0


def test_what_cannot_be_read_is_kept(tls):
    """Its connection is left in order, although nobody sees the broker's last word."""
    since = tls.databases.now("stock")
    with Broker(tls.amqp_url) as broker:
        test_unreadable.assert_kept(tls, broker, since, test_unreadable.send(broker, 3))


def test_kill_9_of_a_worker_and_of_the_broker_over_tls(tls):
    def fault(load):
        tls.restart("stock-worker", kill=True)
        test_servers_away.grow(load, 10, "between the faults")
        tls.restart("rabbitmq", kill=True)

    dead_letters = DeadLetterMark(tls)
    history = test_servers_away.storm(tls, StockApi(tls.api("stock")), fault, "tls")
    dead_letters.assert_none_about(history.order_ids())


def test_nothing_is_left_inside_the_tls_layer(tls):
    """What OpenSSL had read and nobody asked for would wait until the lane's next second."""
    orders, product, seconds = OrderApi(tls.api("order")), StockApi(tls.api("stock")).create(100), []
    for _ in range(20):
        started = time.monotonic()
        orders.wait(orders.placed((product, 1)), "Confirmed")
        seconds.append(time.monotonic() - started)
    assert statistics.median(seconds) < 0.5 * SLOWNESS, seconds


def test_the_servers_of_this_test_have_no_plain_port(tls):
    url = tls.databases.url("order").replace("verify-full", "disable")
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(url).close()
    parts = urlsplit(tls.endpoints["amqp_url"])
    with pytest.raises(pika.exceptions.AMQPError):
        Broker(urlunsplit(parts._replace(scheme="amqp"))).close()


# --- refusals -------------------------------------------------------------------------------------


def amqp_to(tls, host, port=None, **files):
    """The settings of a worker whose broker is there."""
    parts = urlsplit(tls.endpoints["amqp_url"])
    netloc = f"{parts.username}:{parts.password}@{host}:{port or parts.port}"
    return {"AMQP_URL": urlunsplit(parts._replace(netloc=netloc)), **{k: str(v) for k, v in files.items()}}


def database_at(tls, host, port=None, **options):
    """The settings of stock-api whose database is there."""
    parts = urlsplit(tls.databases.url("stock"))
    netloc = f"{parts.username}:{parts.password}@{host}:{port or parts.port}"
    query = {k: v[0] for k, v in parse_qs(parts.query).items()} | {k: str(v) for k, v in options.items()}
    return {"DATABASE_URL": urlunsplit(parts._replace(netloc=netloc, query=urlencode(query, quote_via=quote)))}


@pytest.fixture(scope="module")
def expired(trusted):
    return trusted.issue("expired", expired=True)


@pytest.fixture(scope="module")
def refusing(tls, trusted, stranger, expired):
    """{fault: (process, listener or None)}: all of them at once, each with a server it must not trust."""
    old = tls_context(*trusted.issue("old"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with contextlib.ExitStack() as stack:
        def listen(*context, postgres=False):
            return stack.enter_context(Listener(*context, postgres=postgres))
        faults = {}
        amqp = {"expired": listen(tls_context(*expired)), "plain": listen(), "old": listen(old)}
        postgres = {"expired": listen(tls_context(*expired), postgres=True), "plain": listen(postgres=True)}
        settings = {
            ("amqp", "authority"): amqp_to(tls, "localhost", AMQP_CA_FILE=stranger.file),
            ("amqp", "host"): amqp_to(tls, "127.0.0.1"),
            ("postgres", "authority"): database_at(tls, "localhost", sslrootcert=stranger.file),
            ("postgres", "host"): database_at(tls, "127.0.0.1"),
            **{("amqp", fault): amqp_to(tls, "localhost", listener.port) for fault, listener in amqp.items()},
            **{("postgres", f): database_at(tls, "localhost", listener.port) for f, listener in postgres.items()},
        }
        for (server, fault), changes in settings.items():
            name = "stock-worker" if server == "amqp" else "stock-api"
            process = stack.enter_context(child(tls, name, changes, ready=False))
            faults[server, fault] = process, {"amqp": amqp, "postgres": postgres}[server].get(fault)
        yield faults


REASONS = {
    ("amqp", "authority"): "self-signed certificate in certificate chain",
    ("amqp", "host"): "IP address mismatch",
    ("amqp", "expired"): "certificate has expired",
    ("amqp", "plain"): "wrong version number",
    ("amqp", "old"): "tlsv1 alert protocol version|unsupported protocol|no protocols available",
    ("postgres", "authority"): "certificate verify failed",
    ("postgres", "host"): 'does not match host name "127.0.0.1"',
    ("postgres", "expired"): "certificate verify failed",
    ("postgres", "plain"): "server does not support SSL, but SSL was required",
}


def outages(process):
    """{server: why it is waited for}; a process that says so twice in one outage is an error."""
    found = {}
    for line in map(json.loads, process.log.split("\n")[:-1]):
        if line["message"] == "waiting for a server":
            assert line["server"] not in found, f"said twice: {line}"
            found[line["server"]] = line["error"]
    return found


@pytest.mark.parametrize("server, fault", REASONS, ids=[" ".join(key) for key in REASONS])
def test_a_server_that_cannot_be_trusted_is_refused_with_one_line(refusing, server, fault):
    process, listener = refusing[server, fault]
    reasons = REASONS[server, fault].split("|")

    def seen():
        texts = outages(process).values()
        return texts and any(reason in text for text in texts for reason in reasons) and list(texts)
    texts = eventually(seen, f"the reason {reasons}")
    assert all("\n" not in text for text in texts), texts
    eventually(lambda: any(reason in process.get("/health/ready").json()["dependencies"][
        "rabbitmq" if server == "amqp" else "postgres"]["detail"] for reason in reasons), "the probe to say it")
    assert process.get("/health/live").status_code == 200
    if listener is not None:
        tries = len(listener.outside)
        eventually(lambda: len(listener.outside) > tries + 1, "it to try again")
        listener.assert_told_nothing_in_the_clear()
        assert not any(listener.inside), listener.inside


def test_nobody_who_refuses_spins(refusing):
    for process, _ in refusing.values():
        eventually(lambda p=process: outages(p), f"{process.name} to give up its first try")
    shares = cpu_shares({fault: process.process.pid for fault, (process, _) in refusing.items()})
    assert all(share < SPIN for share in shares.values()), shares


def test_certificates_that_were_put_right_serve_the_next_try(tls, trusted, stranger, tmp_path):
    """A new authority's file needs no restart."""
    authority = tmp_path / "ca.crt"
    authority.write_text(stranger.file.read_text())
    with child(tls, "stock-worker", amqp_to(tls, "localhost", AMQP_CA_FILE=authority), ready=False) as worker, \
            child(tls, "stock-api", database_at(tls, "localhost", sslrootcert=authority), ready=False) as api:
        for process in (worker, api):
            eventually(lambda p=process: outages(p), "the first refusal")
            assert not process.is_ready()
        authority.write_text(trusted.file.read_text())
        worker.wait_ready()
        api.wait_ready()


# --- who we are -----------------------------------------------------------------------------------


def test_a_broker_may_be_named_by_its_address(tls, trusted):
    context = tls_context(*trusted.issue("by-address", names="IP:127.0.0.1"))
    with Listener(context) as broker, child(tls, "stock-worker", amqp_to(tls, "127.0.0.1", broker.port), ready=False):
        eventually(lambda: AMQP_HEADER in broker.inside, "AMQP inside TLS")


def test_a_broker_that_asks_for_our_certificate_gets_it(tls, trusted):
    certificate, key = trusted.issue("stock-worker", kind="client")
    context = tls_context(*trusted.issue("asks"), client_ca=trusted.file)
    with Listener(context) as broker:
        settings = amqp_to(tls, "localhost", broker.port)
        with child(tls, "stock-worker", settings, ready=False) as process:
            eventually(lambda: "SSL" in " ".join(outages(process).values()), "the broker to refuse us")
            assert not any(broker.inside)
        files = {"AMQP_CERT_FILE": str(certificate), "AMQP_KEY_FILE": str(key)}
        with child(tls, "stock-worker", settings | files, ready=False):
            eventually(lambda: AMQP_HEADER in broker.inside, "AMQP inside TLS")


def test_a_database_that_asks_for_our_certificate_gets_it(tls, trusted):
    certificate, key = trusted.issue("stock-api", kind="client")
    context = tls_context(*trusted.issue("asks"), client_ca=trusted.file)
    with Listener(context, postgres=True) as database:
        settings = database_at(tls, "localhost", database.port, sslcert=certificate, sslkey=key)
        with child(tls, "stock-api", settings, ready=False):
            eventually(lambda: any(b"user\0stock_service" in told for told in database.inside), "a login inside TLS")
        database.assert_told_nothing_in_the_clear()


def test_https_is_verified(tls, stranger):
    """libcurl's default, which nothing of ours turns off."""
    with Listener(tls_context(*stranger.issue("mail"))) as channel, Broker(tls.amqp_url) as broker:
        settings = MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": f"https://localhost:{channel.port}/send"}
        with instead(tls, "notification-worker", settings):
            order_id, _, _ = confirm(broker)

            def fault():
                rows = NotificationApi(tls.api("notification")).of_order(order_id)
                return rows and rows[0].get("error")
            assert "certificate" in eventually(fault, "the failed attempt in the log of notifications")
        assert channel.outside and not any(channel.inside)
