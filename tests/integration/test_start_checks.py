"""What a process finds at its start that is not as it has to be: a warning with what, why and how to put it right, and it starts."""

import contextlib
import json
import pathlib
import re
import subprocess
import time
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import requests

from support.child import child, run_binary
from support.pgbouncer import pooled
from support.system import ROOT
from support.waits import eventually, remains

SUMMARY = "something is not as it has to be"
NAME = "order-api"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def warnings(process, check=None):
    """What the process has warned of: [what] of one check, or [(check, what)] of all."""
    found = []
    for line in process.log.splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry.get("message") == SUMMARY:
                assert entry["level"].lower() == "warning" and entry["why"] and entry["fix"], entry
                found.append((entry["check"], entry["what"]))
    return [what for name, what in found if name == check] if check else found


def warned(process, check, words):
    eventually(lambda: any(words in what for what in warnings(process, check)), f"{check} to tell of {words}: {warnings(process)}")


@pytest.fixture
def fake_clock(system):
    """The environment of a process whose clock is another."""
    if system.is_sanitized:
        pytest.skip("a sanitizer has to be the first library that is loaded, and faketime would be")
    return {"LD_PRELOAD": FAKETIME}


@pytest.fixture
def superuser(system):
    with system.databases.superuser() as connection:
        connection.autocommit = True
        yield connection.execute


@contextlib.contextmanager
def broken(execute, how, undo):
    execute(how)
    try:
        yield
    finally:
        for statement in [undo] if isinstance(undo, str) else undo:
            execute(statement)


@pytest.mark.parametrize("name", ["order-api", "stock-worker", "notification-api"])
def test_where_all_is_well_nothing_is_warned_of(system, name):
    """What a test system may be set to for speed is all."""
    with child(system, name) as process:
        eventually(lambda: "the database was looked at" in process.log, "it to have looked")
        assert [one for one in warnings(process) if one[0] != "server.durability"] == []


@pytest.mark.parametrize("how, undo, check, words", [
    ("alter role order_service createdb", "alter role order_service nocreatedb", "database.rights", "allowed to make databases"),
    ("grant pg_read_all_data to order_service", "revoke pg_read_all_data from order_service", "database.rights", "pg_read_all_data"),
    ("alter role order_service set synchronous_commit = off", "alter role order_service reset synchronous_commit", "server.durability",
     "synchronous_commit is off"),
    ("alter system set full_page_writes = off", ("alter system reset full_page_writes", "select pg_reload_conf()"), "server.durability",
     "full_page_writes is off"),
])
def test_the_database(system, superuser, how, undo, check, words):
    with broken(superuser, how, undo):
        superuser("select pg_reload_conf()")
        with child(system, NAME) as process:
            warned(process, check, words)


def test_a_worker_looks_too(system, superuser):
    with broken(superuser, "alter role order_service createrole", "alter role order_service nocreaterole"), \
            child(system, "order-worker") as process:
        warned(process, "database.rights", "allowed to make roles")


@pytest.mark.parametrize("right, table", [("delete", "prices"), ("select", "schema_migrations")])
def test_a_right_that_its_role_lacks(system, empty_database, right, table):
    url = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"revoke {right} on {table} from current_user")
    with child(system, NAME, {"DATABASE_URL": url}, ready=False) as process:
        warned(process, "database.rights", f"{right} in {table}")


def test_a_schema_that_is_newer(system, empty_database):
    url = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("insert into schema_migrations (version, name, checksum) values (999, 'newer', 'x')")
    with child(system, NAME, {"DATABASE_URL": url}, ready=False) as process:
        warned(process, "database.schema", "the schema has version 999")


def waits_for_its_schema(process):
    return "schema" in process.get("/health/ready").text


@pytest.mark.parametrize("migrated", [False, True])
def test_a_schema_that_is_on_its_way(system, superuser, empty_database, migrated):
    """As in a rollout: the new build is up before its migrator. Rights are looked at when it has come."""
    url = empty_database("order")
    if migrated:
        assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
        newest, = execute(url, "update schema_migrations set version = -version where version ="
                               " (select max(version) from schema_migrations) returning -version")
    with broken(superuser, "alter role order_service createdb", "alter role order_service nocreatedb"), \
            child(system, NAME, {"DATABASE_URL": url}, ready=False) as process:
        eventually(lambda: waits_for_its_schema(process), "it to wait", forgive=(requests.RequestException,))
        remains(lambda: "the database was looked at" not in process.log, "its patience", 3)
        if migrated:
            execute(url, f"update schema_migrations set version = {newest} where version = -{newest} returning 1")
        else:
            assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
        eventually(lambda: "the database was looked at" in process.log, "it to have looked")
        assert warnings(process, "database.schema") == []
        warned(process, "database.rights", "allowed to make databases")


def execute(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement).fetchone()


def test_a_schema_that_does_not_come(system, empty_database, fake_clock):
    """Is told once, after a minute: of a clock that runs thirty times as fast."""
    fast = {**fake_clock, "FAKETIME": "+0 x30", "DATABASE_URL": empty_database("order"), "SHUTDOWN_TIMEOUT": "10m"}
    with child(system, NAME, fast, ready=False) as process:
        warned(process, "database.schema", "nothing was ever migrated")
        assert len(warnings(process, "database.schema")) == 1


def test_a_transaction_pooler(system, empty_database):
    url = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
    with pooled(url, "transaction") as lent, child(system, NAME, {"DATABASE_URL": lent}, ready=False) as process:
        warned(process, "database.pooler", "pooler")


def test_few_connections_that_are_left(system, superuser):
    used, = superuser("select count(*) from pg_stat_activity where usename = 'order_service'").fetchone()
    with contextlib.ExitStack() as held:
        for _ in range(30):
            held.enter_context(system.databases.connect("order"))
        held.enter_context(broken(superuser, f"alter role order_service connection limit {used + 35}",
                                  "alter role order_service connection limit -1"))
        with child(system, NAME, ready=False) as process:
            warned(process, "server.connections", "of role order_service are in use")


def test_a_clock_that_is_off(system, fake_clock):
    process_clock = {**fake_clock, "FAKETIME": "-90s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with child(system, NAME, process_clock, ready=False) as process:
        warned(process, "server.clock", "90")


def test_passwords_and_plain_text(system):
    here = urlsplit(system.environment("order-worker")["AMQP_URL"])
    changes = {"AMQP_URL": urlunsplit((here.scheme, f"guest:guest@{here.hostname}:{here.port}", here.path, "", ""))}
    with child(system, "order-worker", changes, ready=False) as process:
        warned(process, "settings.passwords", "AMQP_URL")
        assert warnings(process, "settings.plain_text") == []
    away = {"AMQP_URL": "amqp://a:b@broker.invalid:5672/x", "DATABASE_URL": "postgresql://a:b@db.invalid/x?sslmode=prefer"}
    with child(system, "order-worker", away, ready=False) as process:
        warned(process, "settings.plain_text", "AMQP_URL leads to another machine by amqp://")
        warned(process, "settings.plain_text", "DATABASE_URL leads to another machine")
    safe = {"AMQP_URL": "amqps://a:b@broker.invalid:5671/x", "DATABASE_URL": "postgresql://a:b@db.invalid/x?sslmode=verify-full"}
    with child(system, "order-worker", safe, ready=False) as process:
        eventually(lambda: "broker.invalid" in process.log or "database" in process.log, "it to run")
        assert warnings(process, "settings.plain_text") == []


@pytest.mark.parametrize("changes, told", [
    ({"PGSSLMODE": "verify-full"}, ["SMTP_URL"]),
    ({"SMTP_USERNAME": "cartwheel", "SMTP_PASSWORD": "x"}, ["DATABASE_URL"]),
    ({"PGSSLMODE": "require", "SMTP_URL": "smtp://a:b@mail.invalid"}, []),
])
def test_what_a_variable_beside_a_url_makes_safe(system, changes, told):
    """libpq's own applies where the URL says nothing; mail with a login goes over TLS or not at all."""
    urls = {"DATABASE_URL": "postgresql://a:b@db.invalid/x", "SMTP_URL": "smtp://mail.invalid"}
    with child(system, "notification-worker", {**urls, **changes}, ready=False) as process:
        eventually(lambda: "db.invalid" in process.log, "it to miss its database")
        assert [what.split()[0] for what in warnings(process, "settings.plain_text")] == sorted(told)


def test_every_shipped_password_is_known(system):
    """What .env.example has, with the services' names."""
    source = (ROOT / "chassis" / "runtime" / "start_settings.c").read_text(encoding="ascii")
    shipped = re.findall(r"^\w+_PASSWORD=(\S+)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert shipped and all(f'"{password}"' in source for password in shipped)


def certificate(folder, days):
    files = {name: str(folder / f"{name}.pem") for name in ("key", "cert")}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
                    "-subj", "/CN=localhost", "-keyout", files["key"], "-out", files["cert"]], check=True, capture_output=True)
    return files


@pytest.mark.parametrize("days, told", [(10, True), (400, False)])
def test_a_certificate_that_ends_soon(system, tmp_path, days, told):
    files = certificate(tmp_path, days)
    changes = {"HTTP_TLS_CERT_FILE": files["cert"], "HTTP_TLS_KEY_FILE": files["key"]}
    with child(system, NAME, changes, ready=False) as process:
        eventually(lambda: '"message"' in process.log and "HTTP_TLS_CERT_FILE" in process.log, "it to have read its settings")
        if told:
            warned(process, "expiry.files", "HTTP_TLS_CERT_FILE")
        else:
            eventually(lambda: "the database was looked at" in process.log, "it to go on")
            assert warnings(process, "expiry.files") == []


def test_whom_it_trusts_and_whose_certificate_ends_soon(system, tmp_path):
    changes = {"AMQP_URL": "amqps://a:b@broker.invalid:5671/x", "AMQP_CA_FILE": certificate(tmp_path, 10)["cert"]}
    with child(system, "order-worker", changes, ready=False) as process:
        warned(process, "expiry.files", "AMQP_CA_FILE")


def test_a_key_of_the_issuer_that_ends_soon(system, tmp_path):
    keys = json.loads((pathlib.Path(system.environment(NAME)["AUTH_JWKS_FILE"])).read_text(encoding="utf-8"))
    soon = time.time() + 86400
    keys["keys"] = [{**key, "exp": int(soon)} for key in keys["keys"]]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(keys))
    with child(system, NAME, {"AUTH_JWKS_FILE": str(file)}) as process:
        warned(process, "expiry.keys", "the issuer's key")


def test_a_misspelt_setting(system):
    with child(system, NAME, {"OUTBOX_MAX_PENDNG": "3"}) as process:
        eventually(lambda: "nearly one" in process.log, "the misspelling to be told")


def test_a_database_that_is_away_is_looked_at_when_it_comes(system, superuser):
    """It starts without it, warns of nothing that it could not see, and looks later."""
    url = urlsplit(system.environment(NAME)["DATABASE_URL"])
    absent = urlunsplit((url.scheme, url.netloc, "/absent_at_first", "", ""))
    with child(system, NAME, {"DATABASE_URL": absent}, ready=False) as process:
        eventually(lambda: "absent_at_first" in process.log, "it to miss its database")
        superuser("create database absent_at_first owner order_service")
        try:
            assert run_binary(system, "order-migrator", {"DATABASE_URL": absent}).returncode == 0
            eventually(lambda: "the database was looked at" in process.log, "it to have looked")
            assert warnings(process, "database.schema") == []
        finally:
            process.stop()
            superuser("drop database absent_at_first with (force)")
