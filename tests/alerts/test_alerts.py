"""./cartwheel break raises the alerts that docs/operations.md says it does, and ./cartwheel mend ends them: seen by the
Prometheus of up --observe. Its rules look at seconds here where they look at minutes and days."""

import json
import os
import pathlib
import re
import signal
import time

import pytest

from monitoring.rules import shown_by
from monitoring.scraping import Prometheus, addresses
from support.api import OrderApi, StockApi, items_of
from support.system import private_system
from support.waits import eventually

WINDOW, FOR_SECONDS, EVERY = "20s", 2, "1s"
STUCK_AFTER = "3s"
SWITCHES = ("stock-worker", "broker-off", "database-read-only", "poison", "slow-mail")
WHEN_MENDED = {"CartwheelOrdersLateFast", "CartwheelOrdersLateSlow"}  # an order is late once it is final
BY_RESTARTS = {"CartwheelProcessRestarts"}
FIRES_SECONDS = 120  # CartwheelOutboxLate waits for a minute, whatever the windows
ENDS_SECONDS = 90
DEMO_SECONDS = 200  # the broker ends and starts, and everything waits for it
FEW = 3  # orders; each mail of theirs takes 7 s where the server is slow


def hurried(text):
    """The rules with other windows and another `for`; all else as it is shipped."""
    text = re.sub(r"\[\d+[smhd]\]", f"[{WINDOW}]", text)
    return re.sub(r"^( +for: )\S+", rf"\g<1>{FOR_SECONDS}s", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def system():
    with private_system({"ORDER_STUCK_AFTER": STUCK_AFTER}, ["--observe"]) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(system):
    folder = pathlib.Path(json.loads((system.home / "settings.json").read_text())["data"], "prometheus")
    for name in ("alerts.yml", "objectives.yml"):
        (folder / name).write_text(hurried((folder / name).read_text()))
    configuration = json.loads((folder / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": EVERY, "evaluation_interval": EVERY}
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    os.kill(system.pid("prometheus"), signal.SIGHUP)
    server = Prometheus(addresses(system)["prometheus"])
    eventually(lambda: {rule["duration"] for rule in server.rules() if rule["type"] == "alerting"} == {0, FOR_SECONDS},
               "the rules to be read again", 30)
    orders = OrderApi(system.api("order"))
    orders.wait(orders.placed((StockApi(system.api("stock")).create(1), 1)), "Confirmed")
    # A series begins with its first order, and no rate is seen of that one.
    eventually(lambda: server.query("cartwheel_saga_seconds_count"), "an order to be counted", 30)
    return server


@pytest.fixture
def silence(system, prometheus):
    """Nothing fires before, and what a test has broken is whole for the next."""
    eventually(lambda: not prometheus.firing(), "no alert", ENDS_SECONDS)
    yield
    system.launcher("mend")


class Customers:
    """They go on ordering, once a second: a few orders, or until the end of the test where none is taken."""

    def __init__(self, system, switch):
        self._orders = OrderApi(system.api("order"))
        self._items = items_of((StockApi(system.api("stock")).create(1000), 1))
        self._left = None if switch == "database-read-only" else FEW
        self._next = 0

    def order(self):
        if self._left == 0 or time.monotonic() < self._next:
            return
        taken = self._orders.place(self._items).status_code == 201
        self._next = time.monotonic() + 1
        if self._left is not None and taken:
            self._left -= 1


def wait_for(prometheus, alerts, meanwhile=lambda: None):
    seen = set()

    def probe():
        meanwhile()
        seen.update(prometheus.firing())
        assert alerts <= seen, f"not fired: {', '.join(sorted(alerts - seen))}"
        return True

    eventually(probe, "the alerts", FIRES_SECONDS)
    print("fired:", *sorted(seen))


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_is_broken_is_told_and_what_is_mended_no_more(system, prometheus, silence, switch):
    customers = Customers(system, switch)
    alerts = shown_by(switch) - BY_RESTARTS
    system.launcher("break", switch)
    wait_for(prometheus, alerts - WHEN_MENDED, customers.order)
    system.launcher("mend", switch)
    wait_for(prometheus, alerts & WHEN_MENDED)
    eventually(lambda: not prometheus.firing(), "every alert to be resolved", ENDS_SECONDS)


def test_a_process_that_starts_again_and_again_is_told(system, prometheus, silence):
    starts = f'changes(process_start_time_seconds{{process="stock-worker"}}[{WINDOW}])'
    for _ in range(3):
        before = sum(value for _, value in prometheus.query(starts))
        system.launcher("break", "stock-worker")
        system.launcher("mend", "stock-worker")
        eventually(lambda: sum(value for _, value in prometheus.query(starts)) != before, "the start to be seen", 20)
    wait_for(prometheus, BY_RESTARTS)
    eventually(lambda: not prometheus.firing(), "it to be resolved", ENDS_SECONDS)


def test_the_demo_shows_that_no_order_is_lost_over_failures(system):
    said = system.launcher("demo", "--failures", timeout=DEMO_SECONDS)
    for shown in ("The stock worker is dead", "The broker is cut off", "The database takes no writes"):
        assert shown in said
    assert said.count("accepted, and waits") == 2 and "Everything was seen" in said
    assert "nothing is broken" in system.launcher("mend")


def test_every_alert_that_is_said_to_be_shown_is_shown_here():
    assert shown_by() == set().union(*map(shown_by, SWITCHES))
