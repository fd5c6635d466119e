"""A pooler between a process and its database: session mode is supported, another mode is named."""

from support.api import OrderApi, items_of, new_id
from support.child import child, run_binary
from support.pgbouncer import pooled
from support.waits import eventually


def test_session_mode_is_supported(system, empty_database):
    with pooled(empty_database("order"), "session") as url:
        migrated = run_binary(system, "order-migrator", {"DATABASE_URL": url})
        assert migrated.returncode == 0, migrated.stdout
        with child(system, "order-api", {"DATABASE_URL": url}) as api:
            orders = OrderApi(api.base)
            for _ in range(20):
                assert orders.status(orders.placed((new_id(), 1))) == "Created"
            assert api.is_ready()


def test_transaction_mode_is_named(system, empty_database):
    def named(api):
        OrderApi(api.base).place(items_of((new_id(), 1)))
        answer = api.get("/health/ready")
        return answer.status_code == 503 and "session mode" in answer.json()["dependencies"]["postgres"].get("detail", "")

    private = empty_database("order")
    assert run_binary(system, "order-migrator", {"DATABASE_URL": private}).returncode == 0
    with pooled(private, "transaction") as url, child(system, "order-api", {"DATABASE_URL": url}, ready=False) as api:
        eventually(lambda: named(api), "readiness to name the pooler", forgive=(OSError,))
        assert "session mode" in api.log
