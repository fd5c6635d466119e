"""Whom the Prometheus operator is told to ask, and by which rules it judges."""

import pytest
import yaml

from rendering import SERVICES, selects
from tools import ROOT

MONITORED = {
    "cartwheel": {f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")},
    "databases": {f"{service}-db" for service in SERVICES},
    "rabbitmq": {"rabbitmq"},
}


def endpoints(production, name):
    return production.get("PodMonitor", name)["spec"]["podMetricsEndpoints"]


def test_there_are_no_others(production):
    assert {item["metadata"]["name"] for item in production.of("PodMonitor")} == set(MONITORED)


@pytest.mark.parametrize("name", MONITORED)
def test_each_asks_its_pods_alone_at_a_port_that_they_have(production, name):
    selector = production.get("PodMonitor", name)["spec"]["selector"]
    found = [pod for pod in production.pods if selects(selector, pod.labels)]
    assert {pod.name for pod in found} == MONITORED[name]
    for endpoint in endpoints(production, name):
        assert all(endpoint["port"] in pod.ports for pod in found), endpoint["port"]


def test_labels_are_those_that_the_rules_ask_for(production):
    """As a Prometheus would relabel: job, and the name of the binary."""
    endpoint, = endpoints(production, "cartwheel")
    job, process = endpoint["relabelings"]
    assert job == {"targetLabel": "job", "replacement": "cartwheel"}
    assert (process["targetLabel"], process["separator"]) == ("process", "-")
    labels = {f"__meta_kubernetes_pod_label_{key.translate(str.maketrans('./-', '___'))}": key for key in production.pod("order-api").labels}
    for pod in (production.pod(name) for name in MONITORED["cartwheel"]):
        assert "-".join(pod.labels[labels[source]] for source in process["sourceLabels"]) == pod.name


def test_the_broker_is_asked_as_by_the_configuration_for_compose(production):
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    wanted = [(job["job_name"], job.get("metrics_path"), job.get("params")) for job in config["scrape_configs"] if "rabbitmq" in job["job_name"]]
    found = [(endpoint["relabelings"][0]["replacement"], endpoint.get("path"), endpoint.get("params")) for endpoint in endpoints(production, "rabbitmq")]
    assert found == wanted
    for endpoint in endpoints(production, "rabbitmq"):
        assert endpoint["scheme"] == "https" and endpoint["tlsConfig"]["serverName"] == "rabbitmq.cartwheel.svc"
        assert endpoint["tlsConfig"]["ca"]["secret"] == {"name": "rabbitmq-ca", "key": "ca.crt"}


def test_the_rules_are_those_of_deploy_prometheus(production):
    files = (ROOT / "deploy" / "prometheus" / name for name in ("alerts.yml", "objectives.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    assert len(groups) > 5
    assert production.get("PrometheusRule", "cartwheel")["spec"]["groups"] == groups
