"""A database that takes connections and refuses the work: a process says so, and recovers by itself."""

import time

import psycopg
import pytest
import requests
from psycopg import sql

from support.api import OrderApi, items_of, new_id
from support.child import child, run_binary
from support.waits import eventually

PROBES = 30
READ_ONLY = "the database is read-only"


@pytest.fixture
def private(system, empty_database):
    """An order database of the test's own."""
    url = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": url}).returncode == 0
    return url


def alter(databases, url, change):
    """@change: what follows ALTER DATABASE and its name."""
    with databases.superuser() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} " + change).format(sql.Identifier(url.rsplit("/", 1)[1])))


def place(api):
    return OrderApi(api.base).place(items_of((new_id(), 1)))


def unready_because(process, reason):
    answer = process.get("/health/ready")
    return answer.status_code == 503 and reason in answer.json()["dependencies"]["postgres"].get("detail", "")


def assert_stays_unready(process, reason):
    """For longer than any lane waits before it looks again."""
    for _ in range(PROBES):
        assert unready_because(process, reason), process.get("/health/ready").text
        time.sleep(0.2)


def test_sessions_opened_while_it_was_read_only_do_not_last(system, databases, private):
    alter(databases, private, "SET default_transaction_read_only = on")
    with child(system, "order-api", {"DATABASE_URL": private}, ready=False) as api:
        eventually(lambda: unready_because(api, READ_ONLY), "readiness to say it", forgive=(OSError,))
        assert place(api).status_code == 503
        assert OrderApi(api.base).get(f"/api/orders/{new_id()}").status_code == 404  # reading goes on
        assert_stays_unready(api, READ_ONLY)
        alter(databases, private, "RESET default_transaction_read_only")
        api.wait_ready()
        assert place(api).status_code == 201


def test_sessions_made_read_only_at_work_recover(system, databases, orders, stocks):
    """What an operator does before maintenance; a worker notices by its relay, an API by a request."""
    def reload(change):
        with databases.superuser() as connection:
            connection.execute("ALTER SYSTEM " + change)
            connection.execute("SELECT pg_reload_conf()")

    def told(name):
        return READ_ONLY in requests.get(system.admin(name) + "/health/ready", timeout=5).text

    reload("SET default_transaction_read_only = on")
    try:
        eventually(lambda: orders.place(items_of((new_id(), 1))).status_code == 503, "a write to be refused")
        for name in ("order-api", "order-worker", "stock-worker", "notification-worker"):
            eventually(lambda n=name: told(n), f"{name} to say it")
    finally:
        reload("RESET default_transaction_read_only")
    for name in system.pids():
        system.wait_ready(name)
    product = stocks.create(5)
    order = orders.placed((product, 1))
    eventually(lambda: orders.status(order) == "Confirmed", "an order to be confirmed")


def history(api):
    return OrderApi(api.base).get(f"/api/orders/{new_id()}/history")


# A right that is taken away, the request that needs it, and its answer as long as the right is there.
RIGHTS = {
    "writes": ("INSERT ON orders", place, 201),
    "outbox": ("INSERT ON outbox", place, 201),
    "reads": ("SELECT ON order_history", history, 404),
}


@pytest.mark.parametrize("right, request_it, good", RIGHTS.values(), ids=RIGHTS)
def test_revoked_rights_are_named_until_they_are_back(system, private, right, request_it, good):
    with child(system, "order-api", {"DATABASE_URL": private}) as api, \
            psycopg.connect(private, autocommit=True) as owner:
        assert request_it(api).status_code == good
        owner.execute(f"REVOKE {right} FROM CURRENT_USER")
        assert request_it(api).status_code == 503
        reason = f"permission denied for table {right.split()[-1]}"
        eventually(lambda: unready_because(api, reason), "readiness to say it")
        assert_stays_unready(api, reason)
        owner.execute(f"GRANT {right} TO CURRENT_USER")
        api.wait_ready()  # without a request: none comes to a process that is not ready
        assert request_it(api).status_code == good


def test_a_lock_that_somebody_holds_too_long_is_named(system, private):
    """One time-out is a moment; a lane that goes on failing is not ready."""
    with child(system, "order-api", {"DATABASE_URL": private}) as api, \
            psycopg.connect(private) as holder:
        holder.execute("LOCK TABLE outbox IN SHARE MODE")
        assert place(api).status_code == 503
        assert api.is_ready()
        while not unready_because(api, "lock timeout"):
            assert place(api).status_code == 503
        holder.rollback()
        api.wait_ready()
        assert place(api).status_code == 201
