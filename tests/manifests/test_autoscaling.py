"""The autoscalers against the table "What scales how" of docs/deployment.md, and against what they may cost."""

import pytest

from documents import for_services, names, table
from rendering import SERVICES
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


def queue_triggers(item):
    return [trigger for trigger in item["spec"]["triggers"] if trigger["type"] == "rabbitmq"]


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


def test_workers_follow_the_queues_that_they_consume(production):
    consumed = {}
    for queue, consumer in queues_of_the_contract():
        consumed.setdefault(consumer, set()).add(queue)
    for service in SERVICES:
        triggers = queue_triggers(production.get("ScaledObject", f"{service}-worker"))
        assert {trigger["metadata"]["queueName"] for trigger in triggers} == consumed[service]


def test_unacknowledged_messages_count(production):
    """Over AMQP, or with excludeUnacknowledged, KEDA sees waiting messages alone."""
    for item in production.of("ScaledObject"):
        for trigger in queue_triggers(item):
            metadata = trigger["metadata"]
            assert metadata["protocol"] == "http" and metadata["excludeUnacknowledged"] == "false"
            assert metadata["mode"] == "QueueLength"
            assert int(metadata["value"]) >= 10 * WINDOW, "windows alone must not add copies"
            assert production.get("TriggerAuthentication", trigger["authenticationRef"]["name"])


def test_a_worker_never_goes_away(production):
    """Its relay publishes what APIs accept, and no queue tells how much that is: so it follows its CPU too."""
    for item in production.of("ScaledObject"):
        assert item["spec"]["minReplicaCount"] >= 2
        assert "cpu" in {trigger["type"] for trigger in item["spec"]["triggers"]}


def connections():
    """{process: PostgreSQL connections of one copy}."""
    found = {}
    for processes, _, _, number, _ in table("## Threads and connections", "architecture.md"):
        found |= {name: int(number) for name in names(processes)}
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_the_database_has_a_connection_for_every_copy(production, service):
    """A rollout runs one copy more, a migrator takes one."""
    copies, each = scaled(production), connections()
    cluster = production.get("Cluster", f"{service}-db")
    limit = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    ours = (f"{service}-api", f"{service}-worker")
    needed = sum((copies[name][1] + 1) * each[name] for name in ours) + 1
    assert needed <= limit - RESERVED, f"{needed} connections at most"


def test_nothing_scales_where_nothing_can_be_asked(local):
    assert scaled(local) == {}


def queues_of_the_contract():
    """(queue, service) of the table of queues in docs/contract.md."""
    text = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8").partition("### 1.3 Queues\n")[2]
    rows = [line.split("|") for line in text.splitlines()[:12] if line.startswith("| `")]
    assert len(rows) == 6
    return [(row[1].strip(" `"), row[3].strip().removesuffix(" worker")) for row in rows]
