"""A new release, new passwords, a backup: by the commands of docs/deployment.md, as they stand there."""

import secrets

import psycopg
import pytest

from harness.command import run
from harness.images import BINARIES, image_of
from harness.stack import DATABASES, SERVERS, documented_commands, first_times
from support.api import OrderApi, StockApi
from support.history import ACCEPTED, REFUSED
from support.load import SteadyLoad, grow
from support.names import MIGRATORS, PROCESSES
from test_compose import seconds
from test_saga import settle


@pytest.fixture
def next_tag(stack):
    """The same images under another tag: for Docker they are another release."""
    tag = f"{stack.settings['CARTWHEEL_TAG']}-next"
    for binary in BINARIES:
        run("docker", "tag", image_of(binary, stack.settings["CARTWHEEL_TAG"]), image_of(binary, tag))
    yield tag
    run("docker", "image", "rm", *(image_of(binary, tag) for binary in BINARIES))


def released(stack, tag):
    """Brings the release up; its migrators have succeeded before any process of the one before is stopped."""
    before = stack.everything()
    stack.settings["CARTWHEEL_TAG"] = tag
    with stack.events("die") as events:
        stack.up()
    after = stack.everything()
    for name in (*MIGRATORS, *PROCESSES):
        assert after[name]["Config"]["Image"] == image_of(name, tag)
        assert after[name]["Id"] != before[name]["Id"]
    for name in SERVERS:
        assert after[name]["Id"] == before[name]["Id"], f"{name} has nothing to do with a release"
    migrated = max(seconds(after[name]["State"]["FinishedAt"]) for name in MIGRATORS)
    stopped = first_times(events, "die")
    assert migrated < min(stopped[name] for name in PROCESSES)


def test_a_release_and_the_way_back_under_load_lose_nothing(stack, system, stocks, dead_letters, next_tag, report):
    """What a client was not answered it repeats, with the same key."""
    first = stack.settings["CARTWHEEL_TAG"]
    initial = {stocks.create(1_000_000): 1_000_000 for _ in range(5)}
    with SteadyLoad(system.api("order"), list(initial), clients=4, seed="release") as load:
        grow(load, 30, "by the old release")
        released(stack, next_tag)
        grow(load, 30, "by the new release")
        released(stack, first)
        grow(load, 30, "by the old release again")
        history = load.stop()
    report("orders while two releases came up", [str(history.counts())])
    assert history.counts()[ACCEPTED] and REFUSED not in history.counts()
    settle(system, history, initial, dead_letters)


def test_passwords_are_changed_and_the_old_ones_refused(stack, system, endpoints_folder, tmp_path):
    """A client's connection to the gateway stays, though the copies behind it are replaced."""
    orders, stocks = OrderApi(system.api("order")), StockApi(system.api("stock"))
    product = stocks.create(10)
    old, new = system.databases.url("order"), secrets.token_hex(8)
    change, = documented_commands("### Passwords")
    stack.shell(change.replace("'...'", f"'{new}'"), tmp_path)
    stack.settings.update(ORDER_DATABASE_PASSWORD=new, ORDER_BROKER_PASSWORD=new, RABBITMQ_PASSWORD=new)
    stack.up()
    stack.write_endpoints(endpoints_folder)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(old).close()
    orders.wait(orders.placed((product, 10)), "Confirmed")
    stocks.wait(product, 0)


def test_a_backup_is_restored_on_empty_volumes(stack, system, tmp_path):
    orders, stocks = OrderApi(system.api("order")), StockApi(system.api("stock"))
    product = stocks.create(10)
    order = orders.placed((product, 3))
    orders.wait(order, "Confirmed")
    backup, begin, restore = documented_commands("### Backup of one machine")
    stack.shell(backup, tmp_path)
    stack.down("--volumes")
    assert stack.leftovers() == []
    stack.shell(begin, tmp_path)
    stack.wait_healthy(SERVERS)
    stack.shell(restore, tmp_path)
    stack.wait_healthy()
    orders, stocks = OrderApi(system.api("order")), StockApi(system.api("stock"))  # the gateway was away too
    assert len(list(tmp_path.iterdir())) == len(DATABASES)
    assert orders.status(order) == "Confirmed"
    assert stocks.quantity(product) == 7
    orders.wait(orders.placed((product, 7)), "Confirmed")
    stocks.wait(product, 0)
