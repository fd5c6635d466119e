"""./cartwheel doctor: each check finds what it is for when that is broken, and nothing when it is whole."""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import time
import types

import psycopg
import pytest
from launcher import broker_users, catalogue
from launcher.layout import Layout
from operators.doctor import database, declared, server
from operators.doctor.checks import ERROR, WARNING, ask_all, ask_and_mend
from operators.doctor.command import CHECKS, chosen
from operators.doctor.patient import Patient

from support.answering import answering
from support.child import run_binary
from support.names import PROCESSES, SERVICES
from support.pgbouncer import pooled
from support.system import LAUNCHER, NO_LIMIT, ROOT
from support.urls import with_address
from support.waits import eventually

pytestmark = pytest.mark.none_of_ours


@pytest.fixture
def layout(system):
    return Layout({**os.environ, "CARTWHEEL_HOME": str(system.home)})


@pytest.fixture
def answers(layout):
    """What the checks of these names say of the system, or of one that an endpoints file names."""
    def asked(*names, file=None, fix=False, environ=os.environ, settings=None):
        with Patient(layout, file, environ, settings) as patient:
            return list((ask_and_mend if fix else ask_all)(chosen(names), patient))
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
        path.chmod(0o644)
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
    names = [check.name for check in CHECKS if check.name != "server.disk"]  # which is as full as it is

    def well():
        code, lines, said = doctor(system, "--all", *names)
        assert ([line for line in lines if line["outcome"] != "ok"], code) == ([], 0), said
        return [line["check"] for line in lines]

    assert eventually(well, "all to be well: what a neighbour stopped may still be on its way", 60) == names


def test_the_exit_code_is_that_of_the_worst_problem(system, superuser):
    with broken(superuser, "alter role order_service createdb", "alter role order_service nocreatedb"):
        code, lines, _ = doctor(system, "database.rights")
        assert (code, [line["outcome"] for line in lines]) == (1, ["warning"])
        assert lines[0]["why"] and lines[0]["fix"]
        with broken(superuser, "alter role order_service set synchronous_commit = off", "alter role order_service reset synchronous_commit"):
            assert doctor(system, "database.rights", "server.durability")[0] == 3


def test_schema(system, layout, empty_database, problems, elsewhere):
    url = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
    file, built = elsewhere(order_database_url=url), database.built(layout, "order")
    newest, whole = max(built), built[1][1]
    assert problems("database.schema", file=file) == []
    for how, undo, words in (
        (f"UPDATE schema_migrations SET version = 999 WHERE version = {newest}", f"UPDATE schema_migrations SET version = {newest} WHERE version = 999",
         [f"migration {newest:04}_", "is missing", "migration 0999_", "newer than this build"]),
        ("UPDATE schema_migrations SET checksum = 'x' WHERE version = 1", f"UPDATE schema_migrations SET checksum = '{whole}' WHERE version = 1",
         ["migration 0001_messaging is not that of this build"]),
    ):
        with psycopg.connect(url, autocommit=True) as connection, broken(connection.execute, how, undo):
            found = problems("database.schema", file=file)
            assert {(severity, where) for severity, where, _ in found} == {(ERROR, "order")}
            assert all(word in " ".join(what for _, _, what in found) for word in words)
    assert problems("database.schema", file=file) == []


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


def test_dead_rows_and_autovacuum(databases, problems, monkeypatch):
    """Of its own table: a neighbour's may have a thousand dead rows, too."""
    monkeypatch.setattr(database, "DEAD_ROWS", 1000)
    execute = lambda statement: databases.execute("stock", statement)  # noqa: E731
    found = lambda: [problem for problem in problems("database.bloat") if "full_of_dead" in problem[2]]  # noqa: E731
    with broken(execute, "create table full_of_dead with (autovacuum_enabled = false) as select generate_series(1, 2000) n",
                "drop table full_of_dead"):
        execute("delete from full_of_dead")
        eventually(lambda: len(found()) == 2, "the statistics to be told", 60)
        assert found() == [(WARNING, "stock", "autovacuum is off for table full_of_dead"),
                           (WARNING, "stock", "table full_of_dead has 2,000 dead rows beside 0")]
    assert found() == []


def test_a_transaction_pooler(databases, problems, elsewhere):
    for mode, found in (("session", []), ("transaction", [(ERROR, "order")])):
        with pooled(databases.url("order"), mode) as url:
            assert [problem[:2] for problem in problems("database.pooler", file=elsewhere(order_database_url=url))] == found


def test_a_limit_of_connections(superuser, problems, monkeypatch):
    greedy = {name: dataclasses.replace(service, connections={"api": 100, "worker": 100}) for name, service in catalogue.read().items()}
    monkeypatch.setattr(database, "catalogue", lambda: greedy)
    with broken(superuser, "alter role notification_service connection limit 150", "alter role notification_service connection limit -1"):
        (severity, where, what), = problems("database.limits")
    assert (severity, where) == (WARNING, "notification") and "role notification_service may have 150 connections" in what
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


# --- the broker ---

def of_ours(system):
    """The rights of the stock service's user, as rabbitmqctl takes them."""
    row, = (row for row in broker_users.permissions({}) if row["user"] == "stock")
    return [row[right] for right in ("configure", "write", "read")]


@contextlib.contextmanager
def broken_broker(system, broker):
    """A queue and a binding are gone, a binding and a right too many are there, and a policy."""
    queue, exchange, channel = "stock.ordercancelled", "order.events.topic", broker.channel
    _, write, read = of_ours(system)
    try:
        channel.queue_delete("order.stock.fail.unread")
        channel.queue_unbind(queue, exchange, "OrderCancelledEvent")
        channel.queue_bind(queue, exchange, "OrderShippedEvent")
        system.launcher("rabbitmqctl", "set_permissions", "-p", "cartwheel", "stock", ".*", write, read)
        with system.limited("stock.ordercreated", NO_LIMIT):
            yield
    finally:
        channel.queue_unbind(queue, exchange, "OrderShippedEvent")
        for migrator in ("order-migrator", "stock-migrator"):
            assert run_binary(system, migrator, {}).returncode == 0


def test_a_broker_that_is_not_as_declared_and_what_can_be_mended(system, broker, answers):
    names = ("broker.queues", "broker.bindings", "broker.policies", "broker.rights")
    with broken_broker(system, broker):
        found = {answer.check.name: answer for answer in answers(*names, fix=True)}
    mended = {name: [(problem.severity, problem.where) for problem in answer.mended] for name, answer in found.items()}
    left = {name: [(problem.where, problem.what) for problem in answer.problems] for name, answer in found.items()}
    assert mended == {"broker.queues": [(ERROR, "order/order.stock.fail.unread")],
                      "broker.bindings": [(ERROR, "stock/stock.ordercancelled")], "broker.policies": [], "broker.rights": [(None, "stock")]}
    assert left == {"broker.queues": [], "broker.rights": [],
                    "broker.bindings": [("stock/stock.ordercancelled", "is bound to order.events.topic by OrderShippedEvent, too")],
                    "broker.policies": [("stock.ordercreated", "policy full sets max-length")]}
    assert all(answer.problems == () and answer.unasked == () for answer in answers(*names))


def test_over_amqp_alone_queues_are_looked_at_and_the_rest_is_named(system, broker, answers, elsewhere, monkeypatch):
    file = elsewhere(amqp_url=system.endpoints["amqp_url"])
    found = {answer.check.name: answer for answer in answers("broker", file=file, environ={})}
    assert found["broker.reached"].problems == found["broker.queues"].problems == found["broker.queues"].unasked == ()
    for name in ("bindings", "policies", "rights", "consumers", "alarms", "clock"):
        assert "RABBITMQ_MANAGEMENT_URL" in found[f"broker.{name}"].unasked[0].why
    other = declared.Queue("stock", "stock.ordercreated", {"quorum": {"x-queue-type": "quorum"}}, frozenset())
    missing = declared.Queue("stock", "stock.of.nobody", {"quorum": {}}, frozenset())
    monkeypatch.setattr(declared, "queues", lambda: [other, missing])
    queues, = answers("broker.queues", file=file, environ={})
    assert [(problem.where, problem.severity) for problem in queues.problems] == [("stock/stock.ordercreated", None), ("stock/stock.of.nobody", ERROR)]
    assert broker.depth("stock.of.nobody") is None
    away, = answers("broker.reached", file=elsewhere(amqp_url="amqp://guest:guest@127.0.0.1:1/x"), environ={})
    assert away.severity == ERROR and "cannot be reached" in away.problems[0].what


def whole_broker():
    """What a broker exports that is as declared."""
    queues = declared.queues()
    return {
        "queues": [{"name": q.name, "vhost": "cartwheel", "durable": True, "auto_delete": False, "arguments": dict(q.arguments["quorum"])} for q in queues],
        "exchanges": [{"name": name, "vhost": "cartwheel", "type": "topic", "durable": True} for name in declared.exchanges()],
        "bindings": [{"source": exchange, "vhost": "cartwheel", "destination": q.name, "destination_type": "queue", "routing_key": key}
                     for q in queues for exchange, key in q.bindings],
        "policies": [], "parameters": [], "permissions": broker_users.permissions({}),
        "users": [{"name": service, "tags": []} for service in SERVICES],
    }  # fmt: skip


def named(rows, **wanted):
    return next(row for row in rows if all(row[name] == value for name, value in wanted.items()))


@pytest.fixture
def managed(answers, elsewhere):
    """What the checks of a name say of a broker with a management API that answers so."""
    def found(name, definitions=None, date=None, **answered):
        paths = {"/api/definitions": (200, definitions or whole_broker()), "/api/overview": (200, {}),
                 **{f"/api/{path}": (200, value) for path, value in answered.items()}}
        with answering(paths, date) as url:
            environ = {"RABBITMQ_MANAGEMENT_URL": url.replace("//", "//operator:secret@")}
            answer, = answers(name, file=elsewhere(amqp_url="amqp://127.0.0.1:1/cartwheel"), environ=environ)
        assert answer.unasked == ()
        return [(problem.severity or answer.check.severity, problem.where, problem.what) for problem in answer.problems]
    return found


@pytest.mark.parametrize("name, breaks, severity, words", [
    ("broker.queues", lambda b: b["queues"].remove(named(b["queues"], name="stock.ordercreated.retry.1")), ERROR, "no such queue"),
    ("broker.queues", lambda b: named(b["queues"], name="stock.ordercreated")["arguments"].pop("x-delivery-limit"), WARNING,
     "x-delivery-limit is missing, declared 1000"),
    ("broker.queues", lambda b: named(b["queues"], name="order.stock.fail").update(durable=False), ERROR, "does not outlive"),
    ("broker.bindings", lambda b: b["bindings"].remove(named(b["bindings"], destination="stock.ordercreated")), ERROR,
     "is not bound to order.events.topic by OrderCreatedEvent"),
    ("broker.bindings", lambda b: named(b["exchanges"], name="stock.dlq").update(type="fanout"), ERROR, "the exchange is fanout"),
    ("broker.bindings", lambda b: b["exchanges"].remove(named(b["exchanges"], name="stock.dlq")), ERROR, "no such exchange"),
    ("broker.policies", lambda b: b["policies"].append({"name": "short", "vhost": "cartwheel", "pattern": "^stock", "apply-to": "queues",
                                                        "definition": {"message-ttl": 1000}}), WARNING, "policy short sets message-ttl"),
    ("broker.policies", lambda b: b["parameters"].append({"component": "operator_policy", "name": "few", "vhost": "cartwheel", "value": {
        "pattern": ".*", "apply-to": "queues", "definition": {"max-length": 9}}}), WARNING, "policy few sets max-length"),
    ("broker.rights", lambda b: named(b["permissions"], user="stock").update(read=".*"), WARNING, "may read anything, which is not its own"),
    ("broker.rights", lambda b: named(b["permissions"], user="stock").update(read="^(stock|order).*"), WARNING, "may read order.stock.completed, which is not its own"),
    ("broker.rights", lambda b: named(b["permissions"], user="order").update(write="^$"), ERROR, "may not write order.dlq and"),
    ("broker.rights", lambda b: named(b["users"], name="order").update(tags=["administrator"]), WARNING, "its user is administrator"),
    ("broker.rights", lambda b: b["users"].append({"name": "guest", "tags": "administrator"}), WARNING, "the user guest"),
])
def test_definitions_of_the_management_api(managed, name, breaks, severity, words):
    assert managed(name) == []
    definitions = whole_broker()
    breaks(definitions)
    found = managed(name, definitions)
    assert len(found) >= 1 and found[0][0] == severity and words in found[0][2], found


def states(**changes):
    whole = {"messages": 0, "messages_ready": 0, "messages_unacknowledged": 0, "consumers": 1}
    return [{"name": queue.name, **whole, **(changes if queue.name == "stock.ordercreated" else {})} for queue in declared.queues()]


def test_queues_nodes_and_the_clock_of_the_management_api(managed):
    assert managed("broker.consumers", **{"queues/cartwheel": states()}) == []
    assert managed("broker.consumers", **{"queues/cartwheel": states(consumers=0, messages_unacknowledged=20_000)}) == [
        (WARNING, "stock/stock.ordercreated", "nobody consumes it"),
        (WARNING, "stock/stock.ordercreated", "20,000 messages were given out and are not settled")]
    assert managed("broker.alarms", nodes=[{"name": "rabbit@a", "running": True}]) == []
    assert managed("broker.alarms", nodes=[{"name": "rabbit@a", "disk_free_alarm": True, "partitions": ["rabbit@b"]}]) == [
        (ERROR, "rabbit@a", "it has too little disk left"), (ERROR, "rabbit@a", "it is cut off from rabbit@b")]
    assert managed("broker.clock") == []
    (severity, _, what), = managed("broker.clock", date="Sun, 06 Nov 1994 08:49:37 GMT")
    assert severity == ERROR and "behind" in what


def test_a_management_api_that_refuses_is_named(answers, elsewhere):
    with answering({"/api/definitions": (401, {})}) as url:
        answer, = answers("broker.rights", file=elsewhere(), environ={"RABBITMQ_MANAGEMENT_URL": url})
    assert answer.problems == () and "has to be an administrator" in answer.unasked[0].why


# --- processes ---

def metrics(**changes):
    said = {'cartwheel_build_info{version="0.1.0"}': 1, "cartwheel_auth_off": 0, "cartwheel_clock_seconds": time.time(), **changes}
    return 200, "".join(f"{name} {value}\n" for name, value in said.items() if value is not None)


@contextlib.contextmanager
def processes(elsewhere, ready=(200, {"status": "ready", "dependencies": {}}), **changes):
    """Order and stock API, of which the first is as told; an endpoints file with both."""
    with answering({"/health/ready": ready, "/metrics": metrics(**changes)}) as first, \
            answering({"/health/ready": (200, {"status": "ready", "dependencies": {}}), "/metrics": metrics()}) as second:
        yield elsewhere(order_api_admin=first, stock_api_admin=second, stock_worker_admin=second, order_api="http://shop.example:1")


@pytest.mark.parametrize("name, changes, severity, words", [
    ("processes.ready", {"ready": (503, {"dependencies": {"postgres": {"status": "down", "detail": "no schema"}}})}, ERROR,
     "postgres is down: no schema"),
    ("processes.ready", {"ready": (503, {"detail": "stopping", "dependencies": {}})}, ERROR, "is not ready: stopping"),
    ("processes.ready", {"ready": (200, {"warning": "AUTH is off", "dependencies": {}})}, WARNING, "AUTH is off"),
    ("processes.build", {'cartwheel_build_info{version="0.1.0"}': None, 'cartwheel_build_info{version="0.0.9"}': 1}, WARNING,
     "is of version 0.0.9, others of 0.1.0"),
    ("processes.clock", {"cartwheel_clock_seconds": 1}, ERROR, "behind"),
    ("processes.tokens", {"cartwheel_auth_off": 1}, ERROR, "AUTH is off"),
])
def test_processes(problems, elsewhere, name, changes, severity, words):
    with processes(elsewhere, **changes) as file:
        (found, where, what), = problems(name, file=file)
    assert (found, where) == (severity, "order-api") and words in what
    with processes(elsewhere) as file:
        assert problems(name, file=file) == []


def test_a_process_that_is_away_or_not_named(answers, elsewhere):
    ready, clock = answers("processes.ready", "processes.clock", file=elsewhere(order_api_admin="http://127.0.0.1:1"))
    assert [(problem.where, ready.severity) for problem in ready.problems] == [("order-api", ERROR)]
    assert "does not answer" in clock.unasked[0].why and clock.problems == ()
    assert {one.where for one in ready.unasked} == {*PROCESSES} - {"order-api"}


def test_a_process_with_settings_that_nothing_reads_and_without_tokens(system, problems):
    name = "notification-api"
    try:
        system.launcher("restart", name, env={"LOG_LEVL": "debug", "AUTH_AUDIENCES": "x", "AUTH": "off"})
        assert problems("settings.names") == [(WARNING, name, "nothing reads AUTH_AUDIENCES: did you mean AUTH_AUDIENCE?"),
                                              (WARNING, name, "nothing reads LOG_LEVL: did you mean LOG_LEVEL?")]
        (severity, where, what), = problems("processes.tokens")
        assert (severity, where) == (WARNING, name) and "AUTH is off" in what  # it listens on this machine alone
    finally:
        system.restart(name)
    assert problems("settings.names") == problems("processes.tokens") == []
