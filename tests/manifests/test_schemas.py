"""Every rendered object against its published schema; where none can be had, against the fields it uses."""

import copy
import shutil
import subprocess

import pytest
import yaml

from rendering import KUBERNETES, OVERLAYS, name_of

CUSTOM = {"keda.sh": "@kubernetes-models/keda", "postgresql.cnpg.io": "@kubernetes-models/cloudnative-pg",
          "monitoring.coreos.com": "@kubernetes-models/prometheus-operator"}

# No package carries the schema of RabbitmqCluster: these are the fields of rabbitmq.com/v1beta1 that we use, and
# their types. Parts that Kubernetes itself describes are checked against its schema.
RABBITMQ_CLUSTER = {
    "replicas": int,
    "persistence": {"storage": str},
    "resources": "ResourceRequirements",
    "tls": {"secretName": str, "disableNonTLSListeners": bool},
    "rabbitmq": {"additionalConfig": str, "advancedConfig": str},
    "affinity": "Affinity",
    "override": {"statefulSet": {"spec": {"template": {"spec": "PodSpec"}}}},
}


def schema_of(item):
    """Package and name of the schema: group, version and kind in one camel-case word."""
    group, _, version = item["apiVersion"].rpartition("/")
    version = version[0].upper() + version[1:]
    if group in CUSTOM:
        return [CUSTOM[group], "".join(part.capitalize() for part in group.split(".")) + version + item["kind"]]
    group = group.removesuffix(".networking.k8s.io").partition(".")[0] or "core"
    return ["kubernetes-models", f"IoK8sApi{group.capitalize()}{version}{item['kind']}"]


def described(item):
    """For the validator. Base64 may be folded, which Kubernetes reads and the schema's format does not."""
    item = copy.deepcopy(item)
    if item["kind"] == "Secret":
        item["data"] = {key: value.replace("\n", "") for key, value in item["data"].items()}
    return {"name": name_of(item), "schema": schema_of(item), "object": item}


def test_every_object_fits_its_published_schema(overlay, tools):
    items = [described(item) for item in overlay.objects if item["kind"] != "RabbitmqCluster"]
    assert len(items) > 50
    assert tools.problems(items) == []


def test_the_broker_uses_fields_that_there_are(production, tools):
    item = production.get("RabbitmqCluster", "rabbitmq")
    assert item["apiVersion"] == "rabbitmq.com/v1beta1"
    assert set(item) == {"apiVersion", "kind", "metadata", "spec"}
    parts = []
    assert _misfits(item["spec"], RABBITMQ_CLUSTER, "spec", parts) == []
    assert len(parts) == 3
    assert tools.problems(parts) == []


def _misfits(value, fields, place, parts):
    """Problems with a value; what Kubernetes describes goes into parts."""
    if isinstance(fields, str):
        parts.append({"name": place, "schema": ["kubernetes-models", f"IoK8sApiCoreV1{fields}"], "object": value})
        return []
    if isinstance(fields, type):
        return [] if type(value) is fields else [f"{place} is no {fields.__name__}"]
    problems = []
    for key, inner in value.items():
        if key in fields:
            problems += _misfits(inner, fields[key], f"{place}.{key}", parts)
        else:
            problems.append(f"{place}.{key} is unknown")
    return problems


def deployment(production):
    return copy.deepcopy(production.get("Deployment", "order-api"))


@pytest.mark.parametrize(
    "place, value, complaint",
    [
        (("spec", "minReadySeconds"), "5", "/spec/minReadySeconds type"),
        (("spec", "minReadyseconds"), 5, "/spec/minReadyseconds is not a field"),
        (("spec", "selector"), None, "/spec/selector"),
        (("spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet", "prot"), 1, "prot is not a field"),
        (("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"), "lots", "/memory format"),
    ],
)
def test_a_mistake_is_found(production, tools, place, value, complaint):
    item = deployment(production)
    inner = item
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert any(complaint in problem for problem in tools.problems([described(item)]))


def test_a_missing_field_and_an_unknown_kind_are_found(production, tools):
    item = deployment(production)
    del item["spec"]["template"]
    assert any("required" in problem for problem in tools.problems([described(item)]))
    unknown = {"apiVersion": "apps/v1", "kind": "Deploiment", "metadata": {"name": "x"}}
    assert any("no published schema" in problem for problem in tools.problems([described(unknown)]))


def test_kubectl_renders_the_same(overlay):
    """The version of kustomize that the tests pin is not the one that people have."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here")
    command = ["kubectl", "kustomize", str(KUBERNETES / "overlays" / overlay.name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "unknown field" in done.stderr or "invalid Kustomization" in done.stderr:
        pytest.skip("kubectl is older than 1.24")
    assert done.returncode == 0, done.stderr
    assert list(yaml.safe_load_all(done.stdout)) == overlay.objects


def test_there_is_no_other_overlay():
    assert sorted(path.name for path in (KUBERNETES / "overlays").iterdir()) == sorted(OVERLAYS)
