"""Rendered objects, and the pods that will run because of them."""

import dataclasses

import yaml

from launcher import catalogue
from tools import ROOT

OVERLAYS = ("local", "production")
KUBERNETES = ROOT / "deploy" / "kubernetes"
CATALOGUE = catalogue.read()
SERVICES = tuple(CATALOGUE)
NAMESPACE = "cartwheel"
OURS = tuple(f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker", "migrator"))

# What operators make of their objects, by the manuals of CloudNativePG and of the RabbitMQ operator.
DATABASE_PORTS = {"postgresql": 5432, "status": 8000, "metrics": 9187}
BROKER_PORTS = {"amqps": 5671, "management-tls": 15671, "prometheus-tls": 15691, "epmd": 4369, "clustering": 25672}


@dataclasses.dataclass(frozen=True)
class Pod:
    """A pod that a workload makes; spec is None when an operator writes it."""

    name: str  # of the workload
    labels: dict
    ports: dict  # by name
    spec: dict | None


class Overlay:
    def __init__(self, name, objects):
        self.name = name
        self.objects = objects
        self.pods = [pod for item in objects if (pod := _pod(item)) is not None]

    def of(self, kind):
        return [item for item in self.objects if item["kind"] == kind]

    def get(self, kind, name):
        found = [item for item in self.of(kind) if item["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} objects {kind} {name} in overlay {self.name}"
        return found[0]

    def pod(self, name):
        found = [pod for pod in self.pods if pod.name == name]
        assert len(found) == 1, f"{len(found)} workloads {name} in overlay {self.name}"
        return found[0]

    def written_pods(self):
        """Those whose spec is ours."""
        return [pod for pod in self.pods if pod.spec is not None]

    def our_pods(self):
        """Those that run our own images."""
        return [self.pod(name) for name in OURS]


def render(name, tools):
    return Overlay(name, parse(tools.kustomize(KUBERNETES / "overlays" / name)))


def parse(text):
    return [item for item in yaml.safe_load_all(text) if item is not None]


def selects(selector, labels):
    """Whether a label selector matches; an empty one matches everything."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", f"only In is used here: {expression}"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def name_of(item):
    return f"{item['kind']} {item['metadata']['name']}"


def _pod(item):
    name = item["metadata"]["name"]
    if item["kind"] in ("Deployment", "StatefulSet", "Job"):
        template = item["spec"]["template"]
        ports = [port for container in template["spec"]["containers"] for port in container.get("ports", [])]
        named = {port["name"]: port["containerPort"] for port in ports}
        return Pod(name, template["metadata"]["labels"], named, template["spec"])
    if item["kind"] == "Cluster":
        labels = {**item["spec"]["inheritedMetadata"]["labels"], "cnpg.io/cluster": name}
        return Pod(name, labels, DATABASE_PORTS, None)
    if item["kind"] == "RabbitmqCluster":
        labels = {
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/component": "rabbitmq",
            "app.kubernetes.io/part-of": "rabbitmq",
        }
        return Pod(name, labels, BROKER_PORTS, None)
    return None
