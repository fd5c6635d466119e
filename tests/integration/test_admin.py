"""The admin listener of every process: health and metrics."""

import json

import pytest
import requests

from support import abuse, events, prometheus
from support.api import new_id
from support.broker import publish_all
from support.child import child
from support.names import APIS, ORDER_CANCELLED, PROCESSES, WORKERS, service_of
from support.waits import eventually


def admin(system, name, path):
    return requests.get(system.admin(name) + path, timeout=10)


@pytest.mark.parametrize("name", PROCESSES)
def test_live(system, name):
    answer = admin(system, name, "/health/live")
    assert answer.status_code == 200
    assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("name", PROCESSES)
def test_ready_names_each_dependency(system, name):
    answer = admin(system, name, "/health/ready")
    assert answer.status_code == 200
    text = answer.text.lower()
    assert isinstance(answer.json(), dict)
    assert "database" in text or "postgres" in text
    if name in WORKERS:
        assert "broker" in text or "rabbitmq" in text or "amqp" in text


@pytest.mark.parametrize("name", PROCESSES)
def test_metrics_parse(system, name):
    answer = admin(system, name, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    metrics = prometheus.parse(answer.text)
    assert metrics.samples
    for family in metrics.types:
        assert metrics.help.get(family), f"{family} has no help"


@pytest.mark.parametrize("name", APIS)
def test_the_public_listener_of_an_api_serves_health_but_no_metrics(system, name):
    base = system.api(service_of(name))
    assert requests.get(base + "/health/live", timeout=10).status_code == 200
    assert requests.get(base + "/health/ready", timeout=10).status_code == 200
    assert requests.get(base + "/metrics", timeout=10).status_code == 404


def test_the_public_page_of_readiness_says_what_is_down_and_not_why(system):
    """The address and the user are for operators, and "ready to serve" is not said before it is so."""
    url = "postgresql://nosuchuser:50%25secret@localhost:1/nosuchdatabase"
    with child(system, "order-api", {"DATABASE_URL": url}, ready=False) as api:
        eventually(lambda: "refused" in api.get("/health/ready").text, "the reason on the admin listener",
                   forgive=(requests.RequestException,))
        answer = requests.get(api.base + "/health/ready", timeout=10)
        assert answer.status_code == 503
        assert answer.json() == {"status": "not ready", "dependencies": {"postgres": {"status": "down"}, "issuer": {"status": "ok"}}}
        assert "ready to serve" not in api.log and "secret" not in api.log


@pytest.mark.parametrize("name", ["order-api", "order-worker"])
def test_half_heads_do_not_stop_probes(system, name):
    """More than the listener has places, as a scanner leaves them; then as many that stay, from another address."""
    with child(system, name) as process:
        host, port = process.admin.rsplit(":", 1)
        abuse.leave_half_heads((host, int(port)), 320)
        assert requests.get(f"http://{process.admin}/health/live", timeout=5).status_code == 200
        with abuse.connections((host, int(port)), 100, abuse.SLOW_HEAD, source="127.0.0.2"):
            assert requests.get(f"http://{process.admin}/health/live", timeout=5).status_code == 200


@pytest.mark.parametrize("name", ["order-api", "order-worker"])
def test_ready_is_logged_when_it_is(system, name):
    with child(system, name) as process:
        assert process.log.count('"message":"ready to ') == 1


@pytest.mark.parametrize("name", PROCESSES)
def test_the_admin_listener_serves_nothing_else(system, name):
    assert admin(system, name, "/api/orders").status_code == 404
    assert requests.post(system.admin(name) + "/health/live", timeout=10).status_code == 405


def test_http_requests_are_counted_by_class_of_status(system, orders):
    def total():
        metrics = system.metrics("order-api")
        return sum(v for n, l, v in metrics.samples
                   if n.endswith("_total") and "http_requests" in n and "4xx" in l.values())

    before = total()
    for _ in range(3):
        assert orders.get(f"/api/orders/{new_id()}").status_code == 404
    eventually(lambda: total() >= before + 3, "three more requests of class 4xx in the metrics")


def test_probes_are_no_requests_and_each_route_has_its_own_series(system, orders):
    def counted():
        metrics = system.metrics("order-api")
        found = {(l["route"], l["status"]): v for n, l, v in metrics.samples if n == "cartwheel_http_requests_total"}
        assert not [route for route, _ in found if "/health" in route or "/metrics" in route]
        return found

    before = counted()
    assert ("POST /api/orders", "5xx") in before, "there from the start, so that the first one is an increase"
    for path in ("/health/ready", "/health/live"):
        assert requests.get(system.api("order") + path, timeout=10).status_code == 200
    for number in range(3):
        assert requests.get(f"{system.api('order')}/nothing/{number}", timeout=10).status_code == 404
    gone = ("none", "4xx")
    eventually(lambda: counted()[gone] >= before.get(gone, 0) + 3, "three requests that no route took")
    assert len({route for route, _ in counted()}) <= len({route for route, _ in before} | {"none"})


WINDOW = 512
QUEUE = "stock.ordercancelled"


def test_a_worker_tells_how_much_there_is_of_its_queues(system, databases, broker):
    """While its database is in the way it holds some, more wait in the queue, and others to be tried again."""
    def depth(kind):
        return system.metrics("stock-worker").value(f"cartwheel_queue_messages_{kind}", queue=QUEUE)

    def message():
        event = events.envelope(ORDER_CANCELLED, {"OrderId": new_id(), "CustomerId": new_id(), "Reason": "test"})
        return json.dumps(event).encode(), events.properties(event)

    with databases.connect("stock", autocommit=False) as blocker:
        blocker.execute("lock table inbox in access exclusive mode")
        publish_all(system.amqp_url, [("", QUEUE, *message()) for _ in range(WINDOW + 100)])

        def told():
            broker.to_queue(QUEUE + ".retry.2", *message())  # for 5 s
            return depth("unacknowledged") >= 1 and depth("ready") >= 50 and depth("retrying") >= 1

        eventually(told, "all three numbers", 20)
        assert depth("unacknowledged") <= WINDOW
    eventually(lambda: depth("unacknowledged") == depth("ready") == 0, "the queue to be empty", 30)


# What a worker shows, by words of the family's name.
WORKER_GAUGES = [("outbox", "pending"), ("outbox", "oldest")]
WORKER_COUNTERS = [("published",), ("confirmed",), ("returned",), ("consumed",), ("duplicate",),
                   ("retried",), ("dead_letter",)]
WORKER_HISTOGRAMS = [("batch",), ("handler", "seconds")]


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_shows_outbox_messages_batches_and_handler_time(system, name):
    metrics = system.metrics(name)
    publishes = name != "notification-worker"
    for words in WORKER_GAUGES if publishes else []:
        assert metrics.families(*words, kind="gauge"), f"{name}: no gauge {words}"
    for words in WORKER_COUNTERS[0 if publishes else 3:]:
        assert metrics.families(*words, kind="counter"), f"{name}: no counter {words}"
    for words in WORKER_HISTOGRAMS:
        assert metrics.families(*words, kind="histogram"), f"{name}: no histogram {words}"


def test_worker_counters_count(system, orders, stocks):
    def snapshot():
        metrics = system.metrics("stock-worker")
        return {words: metrics.value(metrics.families(words, kind="counter")[0]) or 0
                for words in ("published", "confirmed", "consumed")}

    before, product = snapshot(), stocks.create(100)
    for order_id in [orders.placed((product, 1)) for _ in range(10)]:
        orders.wait(order_id, "Confirmed")
    after = snapshot()
    for word in before:
        assert after[word] >= before[word] + 10, f"{word}: {before[word]} then {after[word]}"
