"""./cartwheel doctor: each check finds what it is for when that is broken, and nothing when it is whole."""

import contextlib
import json
import os
import shutil
import subprocess
import types

import psycopg
import pytest
from launcher.layout import Layout
from operators.doctor import database, server
from operators.doctor.checks import ERROR, WARNING, ask, ask_and_mend
from operators.doctor.command import CHECKS, chosen
from operators.doctor.patient import Patient

from support.names import SERVICES
from support.pgbouncer import pooled
from support.system import LAUNCHER, ROOT
from support.urls import with_address
from support.waits import eventually

pytestmark = pytest.mark.none_of_ours


@pytest.fixture
def layout(system):
    return Layout({**os.environ, "CARTWHEEL_HOME": str(system.home)})


@pytest.fixture
def answers(layout):
    """What the checks of these names say of the system, or of one that an endpoints file names."""
    def asked(*names, file=None, fix=False, environ=None):
        with Patient(layout, file, os.environ if environ is None else environ) as patient:
            return [ask_and_mend(one, patient) if fix else ask(one, patient) for one in chosen(names)]
    return asked


@pytest.fixture
def problems(answers):
    """[(severity, where, what)] of a check."""
    def found(name, **options):
        answer, = answers(name, **options)
        return [(problem.severity or answer.check.severity, problem.where, problem.what) for problem in answer.problems]
    return found


@pytest.fixture
def elsewhere(system, tmp_path):
    """An endpoints file of a system that somebody else runs."""
    def written(**members):
        path = tmp_path / "elsewhere.json"
        path.write_text(json.dumps(members))
        return path
    return written


@pytest.fixture
def superuser(system):
    with system.databases.superuser() as connection:
        yield connection.execute


@contextlib.contextmanager
def broken(execute, how, undo):
    try:
        execute(how)
        yield
    finally:
        for statement in undo if isinstance(undo, tuple) else (undo,):
            execute(statement)


def doctor(system, *arguments, env=None):
    """(exit code, [lines as JSON], what it says on standard error) of the command."""
    done = subprocess.run([str(LAUNCHER), "doctor", "--json", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=False, env={**os.environ, "CARTWHEEL_HOME": str(system.home), **(env or {})})
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_of_a_system_that_is_well_nothing_is_found(system):
    code, lines, said = doctor(system, "--all")
    assert [line for line in lines if line["outcome"] not in ("ok", "not checked")] == [], said
    assert code == 0, said
    assert {line["check"] for line in lines} == {check.name for check in CHECKS}


def test_the_exit_code_is_that_of_the_worst_problem(system, superuser):
    with broken(superuser, "alter role order_service createdb", "alter role order_service nocreatedb"):
        code, lines, _ = doctor(system, "database.rights")
        assert (code, [line["outcome"] for line in lines]) == (1, ["warning"])
        assert lines[0]["why"] and lines[0]["fix"]
        with broken(superuser, "alter role order_service set synchronous_commit = off", "alter role order_service reset synchronous_commit"):
            assert doctor(system, "database.rights", "server.durability")[0] == 3


def schema_of(layout, version):
    return database.built(layout, "order")[version][1]


def test_schema(layout, databases, problems):
    newest, whole = max(database.built(layout, "order")), schema_of(layout, 1)
    assert problems("database.schema") == []
    for how, undo, words in (
        (f"UPDATE schema_migrations SET version = 999 WHERE version = {newest}", f"UPDATE schema_migrations SET version = {newest} WHERE version = 999",
         [f"migration {newest:04}_", "is missing", "migration 0999_", "newer than this build"]),
        ("UPDATE schema_migrations SET checksum = 'x' WHERE version = 1", f"UPDATE schema_migrations SET checksum = '{whole}' WHERE version = 1",
         ["migration 0001_messaging is not that of this build"]),
    ):
        with broken(lambda statement: databases.execute("order", statement), how, undo):
            found = problems("database.schema")
            assert {(severity, where) for severity, where, _ in found} == {(ERROR, "order")}
            assert all(word in " ".join(what for _, _, what in found) for word in words)
    assert problems("database.schema") == []


def test_a_database_that_nobody_migrated(empty_database, problems, elsewhere):
    file = elsewhere(order_database_url=empty_database("order"))
    assert problems("database.schema", file=file) == [(ERROR, "order", "nothing was ever migrated here")]


@pytest.mark.parametrize("how, undo, severity, words", [
    ("alter role order_service createrole", "alter role order_service nocreaterole", WARNING, "allowed to make roles"),
    ("grant pg_write_all_data to order_service", "revoke pg_write_all_data from order_service", WARNING, "member of pg_write_all_data"),
    ("grant connect on database orders to stock_service", "revoke connect on database orders from stock_service", WARNING,
     "others may connect to its database: stock_service"),
])
def test_rights_of_a_role(superuser, problems, how, undo, severity, words):
    with broken(superuser, how, undo):
        (found, where, what), = problems("database.rights")
    assert (found, where) == (severity, "order") and words in what
    assert problems("database.rights") == []


def test_a_right_that_a_role_lacks(databases, problems):
    with broken(lambda statement: databases.execute("order", statement), "revoke delete on idempotency_keys from order_service",
                "grant delete on idempotency_keys to order_service"):
        assert problems("database.rights") == [(ERROR, "order", "its role may not delete in idempotency_keys")]
    assert problems("database.rights") == []


def test_whom_a_database_is_open_to_can_be_mended(superuser, answers):
    with broken(superuser, "grant connect on database orders to public", "revoke connect on database orders from public"):
        answer, = answers("database.rights", fix=True)
        assert "others may connect" in answer.mended[0].what and answer.problems == ()
        assert answers("database.rights")[0].problems == ()


def test_dead_rows_and_autovacuum(superuser, databases, problems, monkeypatch):
    monkeypatch.setattr(database, "DEAD_ROWS", 1000)
    execute = lambda statement: databases.execute("stock", statement)  # noqa: E731
    with broken(execute, "create table full_of_dead with (autovacuum_enabled = false) as select generate_series(1, 2000) n",
                "drop table full_of_dead"):
        execute("delete from full_of_dead")
        eventually(lambda: len(problems("database.bloat")) == 2, "the statistics to be told")
        assert problems("database.bloat") == [(WARNING, "stock", "autovacuum is off for table full_of_dead"),
                                              (WARNING, "stock", "table full_of_dead has 2,000 dead rows beside 0")]
    assert problems("database.bloat") == []


def test_a_transaction_pooler(databases, problems, elsewhere):
    for mode, found in (("session", []), ("transaction", [(ERROR, "order")])):
        with pooled(databases.url("order"), mode) as url:
            assert [problem[:2] for problem in problems("database.pooler", file=elsewhere(order_database_url=url))] == found


def test_a_limit_of_connections(superuser, problems):
    with broken(superuser, "alter role notification_service connection limit 18", "alter role notification_service connection limit -1"):
        (severity, where, what), = problems("database.limits")
    assert (severity, where) == (WARNING, "notification") and "role notification_service may have 18 connections" in what
    assert problems("database.limits") == []


def test_what_is_not_durable(superuser, problems):
    assert problems("server.durability") == []
    with broken(superuser, "alter system set fsync = off", ("alter system reset fsync", "select pg_reload_conf()")):
        superuser("select pg_reload_conf()")
        eventually(lambda: [found[2] for found in problems("server.durability")] == ["fsync is off"], "the setting to be read")
    eventually(lambda: problems("server.durability") == [], "the setting to be read")


def test_clocks(problems, monkeypatch):
    real = server.time
    monkeypatch.setattr(server, "time", types.SimpleNamespace(time=lambda: real.time() + 5))
    (severity, _, what), = problems("server.clock")
    assert severity == WARNING and "behind" in what
    monkeypatch.setattr(server, "time", types.SimpleNamespace(time=lambda: real.time() - 100))
    (severity, _, what), = problems("server.clock")
    assert severity == ERROR and "ahead of" in what


def test_connections_that_are_in_use(problems, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 0.01)
    (severity, _, what), = problems("server.connections")
    assert severity == WARNING and "connections are in use" in what


def test_an_old_transaction(databases, problems, monkeypatch):
    monkeypatch.setattr(server, "OLD_SECONDS", 0)
    with databases.connect("stock", autocommit=False) as connection:
        pid = connection.execute("select pg_backend_pid()").fetchone()[0]
        assert any(f"session {pid} of stock_service" in what for _, _, what in problems("server.snapshot"))
    assert not any(f"session {pid} " in what for _, _, what in problems("server.snapshot"))


def test_a_slot_that_nobody_reads(superuser, problems):
    with broken(superuser, "select pg_create_physical_replication_slot('forgotten', true)", "select pg_drop_replication_slot('forgotten')"):
        (severity, _, what), = problems("server.wal")
        assert severity == WARNING and "replication slot forgotten" in what
    assert problems("server.wal") == []


def test_a_log_that_grows(problems, monkeypatch):
    monkeypatch.setattr(server, "WAL_TIMES", 0)
    (severity, _, what), = problems("server.wal")
    assert severity == WARNING and "write-ahead log takes" in what


@pytest.mark.parametrize("free, severity", ((3 << 30, WARNING), (1 << 28, ERROR)))
def test_a_full_disk(problems, monkeypatch, free, severity):
    usage = shutil.disk_usage("/")._replace(total=20 << 30, free=free)
    monkeypatch.setattr(server, "shutil", types.SimpleNamespace(disk_usage=lambda _: usage))
    assert [found[0] for found in problems("server.disk")] == [severity]


def test_of_a_system_elsewhere_what_cannot_be_asked_is_named(system, databases, answers, elsewhere):
    urls = {f"{service}_database_url": databases.url(service) for service in SERVICES}
    unasked = {answer.check.name: " ".join(one.why for one in answer.unasked) for answer in answers(file=elsewhere(**urls)) if answer.unasked}
    assert "does not tell how full" in unasked["server.disk"]
    assert "may not look" in unasked["server.wal"] and "other roles" in unasked["server.snapshot"]
    named = answers("database.schema", file=elsewhere(stock_database_url=databases.url("stock")))[0]
    assert {one.where for one in named.unasked} == {"order", "notification"} and not named.problems


def test_a_database_that_is_away(databases, answers, elsewhere):
    file = elsewhere(order_database_url=with_address(databases.url("order"), 1))
    reached, schema = answers("database.reached", "database.schema", file=file)
    assert [(problem.where, reached.severity) for problem in reached.problems] == [("order", ERROR)]
    assert "cannot be reached" in schema.unasked[0].why and schema.problems == ()


def test_passwords_are_not_told(databases, answers, elsewhere):
    url = with_address(databases.url("order"), 1)
    said = str(answers(file=elsewhere(order_database_url=url)))
    assert psycopg.conninfo.conninfo_to_dict(url)["password"] not in said
