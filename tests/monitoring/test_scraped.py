"""A Prometheus looks at a system at work: what panels, rules and alerts name is there."""

import json
import pathlib

import pytest
import requests
import yaml

from dashboards import expressions
from promql import selectors
from rules import FOLDER, rules
from scraping import Prometheus, addresses
from support.api import NotificationApi, OrderApi, StockApi, items_of, new_id
from support.broker import Broker
from support.dead_letters import DeadLetterAdmin
from support.fakes import FakeHttp, FakeSmtp
from support.system import alive, private_system
from support.waits import eventually

# What only a fault makes: the series begins with the first one.
OF_A_FAULT = {
    'cartwheel_spans_dropped_total': "the collector took every span, unless it was short of time",
    'cartwheel_notification_results_total{result="failed"}': "every mail was sent; a notification fails after a quarter of an hour",
    'cartwheel_webhook_results_total{result="failed"}': "a webhook fails after days",
}
# Panels without a line for the same reason, or because the listeners speak plain HTTP here.
EMPTY_PANELS = {
    "processes: Spans": "its line of what is dropped",
    "processes: Until the certificate ends": "no certificate",
}
WATCHERS = ("spans", "prometheus", "alertmanager", "postgres-exporter")
QUEUE = "stock.ordercreated"
POISON = b"7"  # an envelope is an object


def person(_method, path, _body):
    return 200, {"customerId": path.rsplit("/", 1)[1], "fullName": "Ada", "email": "ada@example.org", "language": "en"}


@pytest.fixture(scope="module")
def busy():
    """A system whose customers have a mailbox, and what the launcher starts to watch it; all of it is gone at the end."""
    with FakeHttp(person) as customers, FakeSmtp() as mail, private_system({
            "WEBHOOK_ADDRESSES": "any", "CUSTOMER_SERVICE_URL": customers.url, "EMAIL_CHANNEL": "smtp", "SMTP_URL": mail.url},
            ["--observe"]) as running:
        yield running
        pids = [running.pid(name) for name in WATCHERS]
        running.down()
        assert not [pid for pid in pids if alive(pid)]


@pytest.fixture(scope="module")
def prometheus(busy):
    """It has seen orders of every end, a dead letter that was replayed in vain and discarded, and a wrong token."""
    server = Prometheus(addresses(busy)["prometheus"])
    _all_answer(server)
    _work(busy)
    return server


def _all_answer(server):
    def probe():
        targets = server.targets()
        assert set(targets.values()) == {"up"}, targets
        return True

    eventually(probe, "every target to answer", 60)


def _work(system):
    orders, stocks, notifications = OrderApi(system.api("order")), StockApi(system.api("stock")), NotificationApi(system.api("notification"))
    # Nobody is there: tried, and tried again later.
    answer = notifications.post("/api/subscriptions", {"url": "https://127.0.0.1:1/", "events": ["order.confirmed"]})
    assert answer.status_code == 201, answer.text
    product = stocks.create(100)
    placed = [orders.placed((product, 1)) for _ in range(20)]
    refused = orders.placed((product, 1000))
    for order in placed:
        orders.wait(order, "Confirmed")
    orders.wait(refused, "Cancelled")
    assert orders.cancel(placed[0]).status_code < 300
    assert requests.get(system.api("order") + "/api/orders", headers={"Authorization": "Bearer wrong"}, timeout=10).status_code == 401
    with Broker(system.amqp_url) as broker:
        broker.to_queue(QUEUE, POISON)
    admin = DeadLetterAdmin(system, "stock-worker")
    letter = eventually(lambda: next(iter(admin.list()), None), "the dead letter")
    assert admin.discard(letter["id"]).status_code < 300


def selector(name, matchers):
    return name + ("{" + ",".join(f'{label}{operator}"{value}"' for label, operator, value in matchers) + "}" if matchers else "")


def test_status_knows_the_watchers_and_up_leaves_them_alone(busy):
    states = {one["process"]: one for one in busy.status()}
    assert [(name, states[name]["ready"]) for name in WATCHERS] == [(name, True) for name in WATCHERS]
    assert "running already" in busy.launcher("up", "--detach", "--observe")
    assert {name: busy.pid(name) for name in WATCHERS} == {name: states[name]["pid"] for name in WATCHERS}


def test_prometheus_has_our_rules_and_tells_alertmanager(busy, prometheus):
    assert sorted(rule["name"] for rule in prometheus.rules()) == sorted(rule.get("alert") or rule["record"] for rule in rules())
    eventually(lambda: "CartwheelDeadLetters" in prometheus.firing(), "the alert", 30)

    def told():
        alerts = requests.get(addresses(busy)["alertmanager"] + "/api/v2/alerts", timeout=10).json()
        return [one for one in alerts if one["labels"]["alertname"] == "CartwheelDeadLetters"]

    assert [one["name"] for one in eventually(told, "the alert at Alertmanager", 60)[0]["receivers"]] == ["by-day"]


def test_it_looks_at_what_the_shipped_configuration_names(busy, prometheus):
    shipped = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    data = pathlib.Path(json.loads((busy.home / "settings.json").read_text())["data"])
    ours = json.loads((data / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]

    def asked(jobs):
        return {job["job_name"]: (job.get("metrics_path"), job.get("params")) for job in jobs}

    assert asked(ours) == asked(shipped)
    assert {job for job, _ in prometheus.targets()} == set(asked(shipped))


def test_every_selector_of_panels_rules_and_alerts_finds_a_series(prometheus):
    asked = {selector(*one) for _, expression in expressions() for one in selectors(expression)}
    asked |= {selector(*one) for rule in rules() for one in selectors(rule["expr"])}
    assert set(OF_A_FAULT) <= asked

    def missing():
        found = {one for one in asked if not prometheus.query(one)}
        assert found <= set(OF_A_FAULT), sorted(found - set(OF_A_FAULT))
        return True

    eventually(missing, "a series for each selector", 90)


def test_every_line_of_every_panel_is_drawn(prometheus):
    """The whole expression, so that labels which do not match on both sides of an operator show."""
    _all_answer(prometheus)

    def missing():
        found = {where for where, expression in expressions() if not prometheus.query(expression)}
        assert found <= set(EMPTY_PANELS), sorted(found - set(EMPTY_PANELS))
        return True

    eventually(missing, "something to draw in each panel", 60)


def test_every_rule_can_be_evaluated_and_records_what_it_says(prometheus):
    assert prometheus.broken_rules() == []
    for rule in (rule for rule in rules() if "record" in rule):
        assert prometheus.query(rule["record"]), rule["record"]


def test_a_dead_letter_calls_and_a_healthy_system_does_not(prometheus):
    """One that fires at once: the others wait for minutes, and promtool's cases show them."""
    eventually(lambda: "CartwheelDeadLetters" in prometheus.firing(), "the alert", 30)
    urgent = {rule["alert"] for rule in rules() if rule.get("labels", {}).get("severity") == "critical"}
    assert prometheus.firing() & urgent == set()
