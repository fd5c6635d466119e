"""Tables of the same names in other schemas, and a role's settings, are not met."""

import psycopg
import pytest

from support.api import OrderApi, items_of, new_id
from support.child import child, run_binary

TRAPS = ("orders", "order_items", "outbox", "idempotency_keys", "schema_migrations")


@pytest.fixture
def trapped(system, empty_database):
    """An order database whose role meets the schema `trap` first."""
    url = empty_database("order")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA trap")
        for name in TRAPS:
            connection.execute(f"CREATE TABLE trap.{name} (caught int)")
        connection.execute("CREATE FUNCTION trap.set_config(text, text, boolean) RETURNS text"
                           " LANGUAGE sql AS 'SELECT NULL::text'")
        database, role = connection.execute("SELECT current_database(), current_user").fetchone()
        connection.execute(f"ALTER ROLE {role} IN DATABASE {database} SET search_path = trap, pg_catalog, public")
    return url


def test_only_our_own_tables_are_met(system, trapped):
    migrated = run_binary(system, "order-migrator", {"DATABASE_URL": trapped})
    assert migrated.returncode == 0, migrated.stdout
    with child(system, "order-api", {"DATABASE_URL": trapped}) as api:
        orders = OrderApi(api.base)
        key = new_id()
        first = orders.place(items_of((new_id(), 1)), key=key)
        assert first.status_code == 201, first.text
        assert orders.status(first.json()["id"]) == "Created"
    with psycopg.connect(trapped) as connection:
        for name in TRAPS:
            assert connection.execute(f"SELECT count(*) FROM public.{name}").fetchone()[0] >= 1, name
            assert connection.execute(f"SELECT count(*) FROM trap.{name}").fetchone()[0] == 0, name
