"""A stock service that is another's tells nothing of its orders: they are not compared, and nothing is found."""

from support.mixes import Mix
from support.waits import eventually

ORDERS = 30
QUICK = {"notification-worker": {"AUDITOR_DIGESTS": "300ms", "AUDITOR_SETTLED_AFTER": "1s"}}


def test_orders_of_their_stock_service_are_not_compared(system, empty_queues, their_databases, sender):
    with Mix(system, their_databases, sender, {"stock"}, 0.05, {}) as mix:
        mix.fleet.configure(QUICK)
        mix.fleet.restart("notification-worker")
        mix.run(ORDERS)

        def compared(service):
            return mix.fleet["order-worker"].metrics().value("cartwheel_outcomes_compared_timestamp_seconds", service=service)

        def told():
            return mix.fleet["order-worker"].metrics().value("cartwheel_outcomes_digests_total", service="notification") or 0

        eventually(lambda: compared("notification"), "notifications to be compared", 60)
        before = told()
        eventually(lambda: told() > before + 4, "notifications to be compared again", 60)
        assert compared("stock") == 0
        assert system.databases.rows("order", "SELECT check_name, subject, fault FROM auditor_findings WHERE subject = ANY(%s)",
                                     (list(mix.ordered),)) == []
