"""The former version and this one side by side, as docs/deployment.md has it ("Upgrades"): on one broker and one database,
migrated while orders flow, each process replaced by itself, some of them by kill -9. Every later migration has to pass it."""

import contextlib

import pytest

from conftest import empty, migrate
from support.api import OrderApi, StockApi
from support.fleet import Fleet
from support.history import History
from support.invariants import DeadLetterMark, check_nothing_parked, check_recovered, demand
from support.load import SteadyLoad
from support.names import SERVICES, STATUS_NUMBER
from support.waits import eventually

COPIES = 2
ORDERS_BETWEEN = 20  # both copies of each worker get some of their events
PLENTY, SCARCE = 1_000_000, 30
ANOTHER_SCHEMA = "the database schema has version"


class Rollout:
    """Two copies of each process, each of the old build or of the new one, and clients of both order APIs."""

    def __init__(self, system, old, new):
        self.system, self.old, self.new = system, old, new
        self.databases, self.amqp_url = system.databases, system.amqp_url
        self.fleets = [Fleet(system) for _ in range(COPIES)]
        self.loads = []
        self.cancelled = 0

    def api(self, service):
        return self.fleets[0].base(f"{service}-api")

    def start(self, copy, name, build, wait=True):
        self.system.use_binaries(build)
        self.fleets[copy].start(name, wait=wait)

    def start_all(self, build):
        self.system.use_binaries(build)
        for fleet in self.fleets:
            fleet.start_all()

    def replace(self, copy, name, build, kill=False):
        fleet = self.fleets[copy]
        (fleet.kill if kill else fleet.stop)(name)
        self.start(copy, name, build)
        self.flow(f"after copy {copy} of {name} was replaced")

    def waits_for_its_schema(self, copy, name):
        """Whether it does; otherwise it is ready."""
        process = self.fleets[copy][name]
        eventually(lambda: ANOTHER_SCHEMA in process.log or self.fleets[copy].is_ready(name), f"{name} to find a schema", 30)
        return not self.fleets[copy].is_ready(name)

    def flow(self, when):
        """So many more orders come to their end, and their customers are told; one that is confirmed is cancelled."""
        self._cancel_one()

        def settled():
            return (self.databases.value("order", "SELECT count(*) FROM orders WHERE status <> %s", (STATUS_NUMBER["Created"],)),
                    self.databases.value("notification", "SELECT count(*) FROM notifications WHERE sent_at IS NOT NULL"))
        before = settled()
        eventually(lambda: min(now - then for now, then in zip(settled(), before)) >= ORDERS_BETWEEN,
                   f"{ORDERS_BETWEEN} more orders to be final and told of {when}", 60)

    def _cancel_one(self):
        order = self.databases.value(
            "order", "SELECT id::text FROM orders WHERE status = %s ORDER BY id DESC LIMIT 1", (STATUS_NUMBER["Confirmed"],))
        if order is None:
            return
        answers = [OrderApi(fleet.base("order-api")).cancel(order).status_code for fleet in self.fleets]
        assert 202 in answers, f"{order} cannot be cancelled: {answers}"
        self.cancelled += 1


@pytest.fixture
def rollout(system, old, new):
    empty(system)
    for service in SERVICES:
        migrate(system, old, service)
    made = Rollout(system, old, new)
    try:
        yield made
    finally:
        for fleet in made.fleets:
            fleet.discard()


def upgrade(rollout, service):
    """True when it brought a migration."""
    worker, api = f"{service}-worker", f"{service}-api"
    rollout.replace(0, worker, rollout.old, kill=True)  # the services beside it are of either version
    rollout.fleets[0].kill(worker)
    rollout.start(0, worker, rollout.new, wait=False)
    waited = rollout.waits_for_its_schema(0, worker)
    migrated = migrate(rollout.system, rollout.new, service)
    assert waited == migrated
    rollout.fleets[0].wait_ready()
    rollout.flow(f"while old copies work on the new schema of {service}")
    for name, copy in ((worker, 1), (api, 0), (api, 1)):
        assert rollout.fleets[copy].is_ready(name), f"the old {name} does not work on the new schema"
    rollout.replace(0, api, rollout.new, kill=True)
    rollout.replace(1, worker, rollout.new)
    rollout.replace(1, api, rollout.new)
    return migrated


def roll_back(rollout, service, migrated):
    """Half of its processes; those that find a newer schema than theirs wait, and harm nobody."""
    for name in (f"{service}-worker", f"{service}-api"):
        if not migrated:
            rollout.replace(0, name, rollout.old, kill=True)
            continue
        rollout.fleets[0].kill(name)
        rollout.start(0, name, rollout.old, wait=False)
        assert rollout.waits_for_its_schema(0, name), f"the old {name} works on a newer schema than its own"
        rollout.flow(f"beside an old {name} that waits")
        rollout.fleets[0].stop(name)
        rollout.start(0, name, rollout.new)


def test_old_and_new_work_side_by_side(rollout, system):
    rollout.start_all(rollout.old)
    letters = DeadLetterMark(system)
    stocks = StockApi(rollout.fleets[0].base("stock-api"))
    initial = {stocks.create(units): units for units in (PLENTY, PLENTY, PLENTY, SCARCE)}
    with contextlib.ExitStack() as loads:
        for number, fleet in enumerate(rollout.fleets):
            rollout.loads.append(loads.enter_context(
                SteadyLoad(fleet.base("order-api"), list(initial), clients=2, seed=f"copy-{number}", pause_s=0.02)))
        rollout.flow("of the old version alone")
        migrated = {service: upgrade(rollout, service) for service in SERVICES}
        for service in SERVICES:
            roll_back(rollout, service, migrated[service])
        history = History([attempt for load in rollout.loads for attempt in load.stop().attempts])
    check_recovered(rollout, history, initial)
    letters.assert_none_about(history.order_ids())
    demand(check_nothing_parked(system.databases))
    for fleet in rollout.fleets:
        fleet.stop_all()
        demand(fleet.complaints)
    print(f"{history.counts()}, {rollout.cancelled} cancelled after they were confirmed; migrated: {migrated}")
