"""The migrators, and processes that meet a schema they were not built for."""

import contextlib
import signal
import socket
import subprocess
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from support.api import OrderApi, new_id
from support.child import child, run_binary
from support.names import MIGRATORS, SERVICES, service_of
from support.urls import with_address
from support.waits import eventually

SCHEMA = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, ordinal_position
"""
LEDGERS = """
SELECT table_schema, table_name FROM information_schema.columns
WHERE column_name = 'checksum' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""


def schema_of(url):
    with psycopg.connect(url) as connection:
        ledger = ledger_of(connection)
        return (connection.execute(SCHEMA).fetchall(),
                connection.execute(sql.SQL("SELECT * FROM {} ORDER BY 1").format(ledger)).fetchall())


def ledger_of(connection):
    """The table in which applied migrations and their checksums are kept."""
    (schema, table), = connection.execute(LEDGERS).fetchall()
    return sql.Identifier(schema, table)


@pytest.mark.parametrize("name", MIGRATORS)
def test_a_second_run_changes_nothing(system, databases, name):
    url = databases.url(service_of(name))
    before = schema_of(url)
    done = run_binary(system, name)
    assert done.returncode == 0, done.stderr + done.stdout
    assert schema_of(url) == before


@pytest.mark.parametrize("name", MIGRATORS)
def test_an_edited_applied_migration_is_refused(system, databases, name):
    url = databases.url(service_of(name))
    with psycopg.connect(url, autocommit=True) as connection:
        ledger = ledger_of(connection)
        kept = connection.execute(sql.SQL("SELECT ctid, checksum FROM {} LIMIT 1").format(ledger)).fetchone()
        wrong = "0" * len(kept[1]) if isinstance(kept[1], str) else type(kept[1])(b"\0" * len(bytes(kept[1])))
        # checksum is unique enough here: the row is found again by what was written
        connection.execute(sql.SQL("UPDATE {} SET checksum = %s WHERE checksum = %s").format(ledger), (wrong, kept[1]))
        try:
            done = run_binary(system, name)
        finally:
            connection.execute(sql.SQL("UPDATE {} SET checksum = %s WHERE checksum = %s").format(ledger), (kept[1], wrong))
    assert done.returncode == 1
    assert "migration" in (done.stderr + done.stdout).lower()
    assert run_binary(system, name).returncode == 0


@pytest.mark.parametrize("name", MIGRATORS)
def test_several_at_once_on_an_empty_database(system, databases, empty_database, name):
    url = empty_database(service_of(name))
    environment = {**system.environment(service_of(name) + "-worker"), "DATABASE_URL": url}
    running = [subprocess.Popen([system.binary(name)], env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(3)]
    with contextlib.ExitStack() as stack:
        for process in running:
            stack.callback(process.stdout.close)
            stack.callback(process.wait)
        outputs = [process.communicate(timeout=60)[0].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outputs
    columns, _ = schema_of(url)
    assert columns == schema_of(databases.url(service_of(name)))[0]


@pytest.mark.parametrize("name", MIGRATORS)
def test_without_a_database_it_ends_with_1_and_says_so(system, hopeless_migrators, databases, name):
    """It was started at the beginning of the run: it waits a while before it gives up."""
    output, _ = hopeless_migrators[name].communicate(timeout=120)
    assert hopeless_migrators[name].returncode == 1
    assert "database" in output
    assert urlsplit(databases.url(service_of(name))).password not in output


@contextlib.contextmanager
def migrating(system, changes):
    """A migrator at work, its output in a pipe."""
    environment = {**system.environment("order-worker"), **changes}
    with subprocess.Popen([system.binary("order-migrator")], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def assert_ends_at_sigterm(process):
    """At once, and not as if it had done its work."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 1
    assert "stopped before it was done" in process.stdout.read()


@pytest.mark.parametrize("setting, line", [("DATABASE_URL", "waiting for the database"),
                                           ("AMQP_URL", "waiting for the broker")])
def test_sigterm_ends_one_that_waits_for_a_server(system, setting, line):
    nobody = with_address(system.environment("order-worker")[setting], 1)
    with migrating(system, {setting: nobody}) as process:
        assert any(line in text for text in process.stdout)
        assert_ends_at_sigterm(process)


@pytest.mark.parametrize("setting", ["DATABASE_URL", "AMQP_URL"])
def test_sigterm_ends_one_whose_server_says_nothing(system, setting):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = with_address(system.environment("order-worker")[setting], silent.getsockname()[1])
        with migrating(system, {setting: url}) as process, silent.accept()[0]:
            assert_ends_at_sigterm(process)


def test_sigterm_ends_one_that_waits_for_another_and_its_session_too(system, databases, empty_database):
    url = empty_database("order")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migrator' AND wait_event = 'advisory'"
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(7250171)")
        with migrating(system, {"DATABASE_URL": url}) as process:
            eventually(lambda: other.execute(waiting).fetchone()[0] == 1, "the migrator to wait")
            assert_ends_at_sigterm(process)
        eventually(lambda: other.execute(waiting).fetchone()[0] == 0, "the server to notice")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0


@pytest.mark.parametrize("service", SERVICES)
def test_an_api_that_finds_an_older_schema_waits_and_says_so(system, empty_database, service):
    url = empty_database(service)
    with child(system, f"{service}-api", {"DATABASE_URL": url}, ready=False) as api:
        eventually(lambda: api.get("/health/ready").status_code == 503, "a 503", forgive=(OSError,))
        eventually(lambda: "schema" in api.log or "migrat" in api.log, "the log to name the schema")
        assert api.get("/health/live").status_code == 200
        assert run_binary(system, f"{service}-migrator", {"DATABASE_URL": url}).returncode == 0
        api.wait_ready()


@pytest.mark.parametrize("service", ["stock"])
def test_a_worker_that_finds_an_older_schema_waits_and_says_so(system, empty_database, service):
    """It consumes nothing meanwhile: the launcher's own worker goes on alone."""
    url = empty_database(service)
    with child(system, f"{service}-worker", {"DATABASE_URL": url}, ready=False) as worker:
        eventually(lambda: worker.get("/health/ready").status_code == 503, "a 503", forgive=(OSError,))
        eventually(lambda: "schema" in worker.log or "migrat" in worker.log, "the log to name the schema")
        assert worker.process.poll() is None


def make_newer(url):
    """Gives the database a schema version that no build of now knows."""
    with psycopg.connect(url, autocommit=True) as connection:
        ledger = ledger_of(connection)
        columns = [c.name for c in connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(ledger)).description]
        version = columns[0]
        others = sql.SQL(", ").join(sql.Identifier(c) for c in columns[1:])
        connection.execute(sql.SQL("INSERT INTO {0} ({1}, {2}) SELECT {1} + 1000, {2} FROM {0} ORDER BY {1} LIMIT 1").format(
            ledger, sql.Identifier(version), others))


def wait_for_refusal(api):
    eventually(lambda: api.get("/health/ready").status_code == 503, "a 503", forgive=(OSError,))
    eventually(lambda: "schema" in api.log or "newer" in api.log, "the log to name the schema")


def test_an_api_that_finds_a_newer_schema_waits(system, empty_database):
    url = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
    make_newer(url)
    with child(system, "order-api", {"DATABASE_URL": url}, ready=False) as api:
        wait_for_refusal(api)


def test_an_api_at_work_goes_on_when_a_newer_schema_arrives(system, empty_database):
    """A rollout: old and new are side by side, the old ones over the connections that they have."""
    url = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
    with child(system, "order-api", {"DATABASE_URL": url}) as old:
        make_newer(url)
        with child(system, "order-api", {"DATABASE_URL": url}, ready=False) as late:
            wait_for_refusal(late)
        orders = OrderApi(old.base)
        assert orders.status(orders.placed((new_id(), 1))) == "Created"
        assert old.is_ready()


def test_each_role_reaches_its_own_database_alone(databases):
    for service in SERVICES:
        own = urlsplit(databases.url(service))
        for other in set(SERVICES) - {service}:
            foreign = own._replace(path=urlsplit(databases.url(other)).path).geturl()
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(foreign, connect_timeout=5).close()


@pytest.mark.parametrize("asked", ["url", "environment"])
def test_kerberos_is_tried_where_it_is_asked_for(system, empty_database, asked):
    """By default it is not: that costs memory (decision 0056)."""
    url = empty_database("order")
    environment = {"DATABASE_URL": url, "PGGSSENCMODE": "require"}
    if asked == "url":
        environment = {"DATABASE_URL": f"{url}?gssencmode=require"}
    with migrating(system, environment) as process:
        assert any("GSSAPI" in line for line in process.stdout)
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
