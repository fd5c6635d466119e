"""The autoscalers against the table "What scales how" of docs/deployment.md, and against what they may cost."""

import pytest

from documents import for_services, names, table
from rendering import CATALOGUE, SERVICES
from tools import ROOT

RESERVED = 3 + 10  # superuser_reserved_connections, and what the operator, replicas and people take
WINDOW = 512  # of a consumer


def scaled(overlay):
    """Smallest and largest number of copies of each deployment that an autoscaler holds."""
    found = {}
    for item in overlay.of("HorizontalPodAutoscaler"):
        found[item["spec"]["scaleTargetRef"]["name"]] = (item["spec"]["minReplicas"], item["spec"]["maxReplicas"])
    for item in overlay.of("ScaledObject"):
        spec = item["spec"]
        found[spec["scaleTargetRef"]["name"]] = (spec["minReplicaCount"], spec["maxReplicaCount"])
    return found


def backlog_trigger(item):
    trigger, = (trigger for trigger in item["spec"]["triggers"] if trigger["type"] == "prometheus")
    return trigger


def test_the_numbers_are_those_of_the_table(production):
    expected = {}
    for row in table("### What scales how"):
        for name, smallest, largest, *_ in for_services(row):
            for one in names(name):
                expected[one] = (int(smallest), int(largest))
    assert scaled(production) == expected


def test_every_deployment_has_one_autoscaler_and_the_other_way_round(production):
    targets = [item["spec"]["scaleTargetRef"]["name"] for item in production.of("HorizontalPodAutoscaler")]
    targets += [item["spec"]["scaleTargetRef"]["name"] for item in production.of("ScaledObject")]
    assert sorted(targets) == sorted(item["metadata"]["name"] for item in production.of("Deployment"))


def test_workers_follow_the_backlog_that_prometheus_records_and_the_docs_name(production):
    """All that is in their queues and their outbox, as tests/monitoring shows of the rule."""
    recorded = {rule["record"]: rule["expr"] for group in production.get("PrometheusRule", "cartwheel")["spec"]["groups"]
                for rule in group["rules"] if "record" in rule}
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for service in SERVICES:
        query = backlog_trigger(production.get("ScaledObject", f"{service}-worker"))["metadata"]["query"]
        name, _, selector = query.partition("{")
        assert selector == f'process="{service}-worker"}}'
        assert name in recorded and f"`{name}`" in operations
        block, = (block for block in operations.split("```")[1::2] if "cartwheel_queue_messages_ready" in block)
        assert " ".join(block.removeprefix("promql").split()) == " ".join(recorded[name].split())


def test_the_queues_of_the_contract_are_those_that_the_services_name():
    for queue, bound_to, consumer, _ in table("### 1.3 Queues", "contract.md"):
        service = CATALOGUE[consumer.removesuffix(" worker")]
        assert " / ".join(service.queues[queue]) == bound_to


def test_windows_alone_add_no_copy(production):
    for item in production.of("ScaledObject"):
        assert int(backlog_trigger(item)["metadata"]["threshold"]) >= 10 * WINDOW


def test_a_number_that_nobody_knows_ends_no_copy(production):
    """KEDA takes a missing value for 0 unless it is told otherwise. A fallback of a fixed number overrides the CPU trigger,
    and what runs (decision 58)."""
    for item in production.of("ScaledObject"):
        fallback = item["spec"].get("fallback")
        assert fallback is None or fallback.get("behavior") == "currentReplicasIfHigher"
        trigger = backlog_trigger(item)
        assert trigger["metricType"] == "AverageValue" and trigger["metadata"]["ignoreNullValues"] == "false"


def test_a_worker_never_goes_away(production):
    """Its relay publishes what APIs accept; and what its senders have to do is in no queue, so it follows its CPU too."""
    for item in production.of("ScaledObject"):
        assert item["spec"]["minReplicaCount"] >= 2
        assert "cpu" in {trigger["type"] for trigger in item["spec"]["triggers"]}


def test_connections_are_those_of_the_table():
    """What a database must have room for is the most, with the lanes that seldom have work."""
    for processes, _, _, rest, most, _ in table("## Threads and connections", "architecture.md"):
        for service, _, kind in (name.partition("-") for name in names(processes)):
            assert int(rest) <= CATALOGUE[service].connections[kind] == int(most), f"{service}-{kind}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_database_has_a_connection_for_every_copy(production, service):
    """A rollout runs one copy more, a migrator takes one."""
    copies, each = scaled(production), CATALOGUE[service].connections
    cluster = production.get("Cluster", f"{service}-db")
    limit = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    needed = sum((copies[f"{service}-{kind}"][1] + 1) * each[kind] for kind in ("api", "worker")) + 1
    assert needed <= limit - RESERVED, f"{needed} connections at most"


def test_nothing_scales_where_nothing_can_be_asked(local):
    assert scaled(local) == {}
