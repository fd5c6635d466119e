"""What a former version left in its databases, orders at every stage, their events in outboxes and dead letters, is migrated
and brought to its end by this version. record.py adds a version."""

import json
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from conftest import empty, migrate
from record import MESSAGES, RECORDED
from support.api import NotificationApi, OrderApi
from support.dead_letters import DeadLetterAdmin
from support.fleet import Fleet
from support.invariants import (check_notifications, check_nothing_parked, check_order_states, check_stock, demand,
                                states_of)
from support.names import SERVICES
from support.quiet import wait_drained, wait_final
from support.system import ROOT
from support.urls import with_path
from support.waits import eventually

VERSIONS = sorted(path.name for path in RECORDED.iterdir())
ENDS = {
    "created": "Confirmed",
    "cancelled at once": "Cancelled",
    "taken": "Confirmed",
    "refused": "Cancelled",
    "confirmed": "Confirmed",
    "cancelled": "Cancelled",
    "returned": "Cancelled",
    "tried once": "Confirmed",
    "given up": "Confirmed",  # once its letter is replayed
    "given up, and not published": "Confirmed",
}
FOLDERS = ("chassis/messaging/migrations", "services/{}/migrator/migrations")
OF_THE_MIGRATOR = ("CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
                   " applied_at timestamptz NOT NULL DEFAULT now())")
# Recorded long ago: the watch over stuck orders would send what a stage is about once more.
LONG = {"": {"ORDER_STUCK_AFTER": "3650d", "INBOX_RETENTION": "3650d"}}


def recorded(version, name):
    return json.loads((RECORDED / version / f"{name}.json").read_text(encoding="utf-8"))


def migration(service, row):
    """The text of an applied migration, which is in this checkout as it was."""
    name = f"{row['version']:04}_{row['name']}.sql"
    path, = (path for folder in FOLDERS if (path := ROOT / folder.format(service) / name).exists())
    return path.read_text(encoding="utf-8")


def load(databases, service, tables):
    """The schema of then, and its rows."""
    with databases.connect(service) as connection:
        connection.execute(OF_THE_MIGRATOR)
        for row in tables["schema_migrations"]:
            connection.execute(migration(service, row))
    database = with_path(databases.superuser_urls[0], urlsplit(databases.url(service)).path.lstrip("/"))
    with psycopg.connect(database) as connection:
        connection.execute("SET session_replication_role = replica")  # orders may come after their items
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))  # of what the migrations bring
        for name, rows in tables.items():
            for row in rows if name in MESSAGES else ():
                row["body"] = "\\x" + row["body"].encode().hex()
            connection.execute(sql.SQL("INSERT INTO {0} SELECT * FROM jsonb_populate_recordset(NULL::{0}, %s)").format(
                sql.Identifier(name)), (Jsonb(rows),))


class Running:
    """Addresses of the processes as support.dead_letters wants them."""

    def __init__(self, system, fleet):
        self.endpoints, self._fleet = system.endpoints, fleet

    def admin(self, name):
        return f"http://{self._fleet[name].admin}"


@pytest.fixture
def fleet(system):
    made = Fleet(system)
    made.configure(LONG)
    yield made
    made.discard()


def replay_all(system, fleet, count):
    """The dead letters of the order worker, whose cause is gone."""
    admin = DeadLetterAdmin(Running(system, fleet), "order-worker")
    letters = eventually(lambda: len(found := admin.list()) == count and found, f"{count} dead letters", 30)
    for letter in letters:
        answer = admin.replay(letter["id"])
        assert answer.status_code < 300, answer.text


@pytest.mark.parametrize("version", VERSIONS)
def test_every_order_comes_to_its_end(system, new, fleet, version):
    empty(system)
    for service in SERVICES:
        load(system.databases, service, recorded(version, service))
        migrate(system, new, service)
    databases, orders = system.databases, recorded(version, "orders")
    assert orders.keys() == ENDS.keys()
    initial = dict(databases.rows("stock", "SELECT product_id::text, delta FROM stock_movements WHERE kind = 'created'"))
    system.use_binaries(new)
    fleet.start_all()
    wait_drained(system)
    replay_all(system, fleet, sum("given up" in stage for stage in orders))
    wait_final(databases, list(orders.values()), 30)
    wait_drained(system)
    api = OrderApi(fleet.base("order-api"))
    assert {stage: api.status(order) for stage, order in orders.items()} == ENDS
    states = states_of(databases)
    demand(check_order_states(databases) + check_notifications(databases) + check_stock(databases, states, initial) +
           check_nothing_parked(databases))
    assert NotificationApi(fleet.base("notification-api")).of_order(orders["confirmed"])
    fleet.stop_all()
    demand(fleet.complaints)
