"""Everything that an object names is there: selectors match, ports exist, Secrets and ConfigMaps have their keys."""

import pytest

from documents import for_services, names, table
from rendering import CATALOGUE, NAMESPACE, name_of, selects


def secrets(overlay):
    """Keys of every Secret that there will be, by name: rendered, made by an operator, or made by people."""
    found = {item["metadata"]["name"]: set(item["data"]) for item in overlay.of("Secret")}
    for cluster in overlay.of("Cluster"):
        name = cluster["metadata"]["name"]
        found[f"{name}-app"] = {"uri", "username", "password", "dbname", "host", "port"}
        found[f"{name}-ca"] = {"ca.crt", "ca.key"}
    if overlay.name == "production":
        for name, keys, _ in table("### Secrets that you create"):
            for (one,) in for_services([name]):
                found[one] = set(names(keys))
    return found


def named_secrets(value):
    """(name, key) of every reference to a Secret in a part of an object; key None: the whole of it."""
    if isinstance(value, list):
        return [one for inner in value for one in named_secrets(inner)]
    if not isinstance(value, dict):
        return []
    found = [one for inner in value.values() for one in named_secrets(inner)]
    if "secretName" in value:
        items = value.get("items") or [{"key": None}]
        found += [(value["secretName"], item["key"]) for item in items]
    if "secretTargetRef" in value:
        found += [(one["name"], one["key"]) for one in value["secretTargetRef"]]
    for credential in value.get("s3Credentials", {}).values():
        found.append((credential["name"], credential["key"]))
    return found


def test_every_secret_is_there(overlay):
    there = secrets(overlay)
    used = named_secrets(overlay.objects)
    assert len(used) > 10
    for name, key in used:
        assert name in there, f"Secret {name} is not there"
        assert key is None or key in there[name], f"Secret {name} has no key {key}"


def test_no_secret_is_made_in_vain(production):
    used = {name for name, _ in named_secrets(production.objects)}
    assert set(secrets(production)) == used
    assert production.of("Secret") == [], "a repository is no place for secrets of production"


def test_every_config_map_is_there_and_used(overlay):
    used = set()
    for pod in overlay.written_pods():
        for container in pod.spec["containers"]:
            used |= {source["configMapRef"]["name"] for source in container.get("envFrom", [])}
        used |= {volume["configMap"]["name"] for volume in pod.spec["volumes"] if "configMap" in volume}
    assert used == {item["metadata"]["name"] for item in overlay.of("ConfigMap")}


def test_every_mount_has_its_volume(overlay):
    for pod in overlay.written_pods():
        volumes = {volume["name"] for volume in pod.spec["volumes"]}
        claims = {"data"} if pod.name.endswith("-db") or pod.name == "rabbitmq" else set()
        mounted = {mount["name"] for container in pod.spec["containers"] for mount in container["volumeMounts"]}
        assert mounted == volumes | claims, pod.name


def test_every_service_finds_one_workload_and_its_ports(overlay):
    for service in overlay.of("Service"):
        found = [pod for pod in overlay.pods if selects({"matchLabels": service["spec"]["selector"]}, pod.labels)]
        assert [pod.name for pod in found] == [service["metadata"]["name"].removesuffix("-rw")], name_of(service)
        assert all(port["targetPort"] in found[0].ports for port in service["spec"]["ports"]), name_of(service)


def test_every_workload_selects_its_own_pods_alone(overlay):
    for item in (*overlay.of("Deployment"), *overlay.of("StatefulSet")):
        found = [pod.name for pod in overlay.pods if selects(item["spec"]["selector"], pod.labels)]
        assert found == [item["metadata"]["name"]]


def test_every_budget_selects_one_workload(overlay):
    for item in overlay.of("PodDisruptionBudget"):
        found = [pod.name for pod in overlay.pods if selects(item["spec"]["selector"], pod.labels)]
        assert found == [item["metadata"]["name"]]


def test_every_path_of_the_ingress_leads_to_a_service(overlay):
    (ingress,) = overlay.of("Ingress")
    paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    assert {path["path"]: path["backend"]["service"]["name"] for path in paths} == {
        path: f"{name}-api" for name, service in CATALOGUE.items() for path in service.paths
    }
    for path in paths:
        backend = path["backend"]["service"]
        ports = overlay.get("Service", backend["name"])["spec"]["ports"]
        assert backend["port"]["name"] in {port["name"] for port in ports}
        assert path["pathType"] == "Prefix"


def test_every_backup_is_of_a_database(production):
    named = {item["spec"]["cluster"]["name"] for item in production.of("ScheduledBackup")}
    assert named == {item["metadata"]["name"] for item in production.of("Cluster")}


def test_everything_is_in_our_namespace(overlay):
    for item in overlay.objects:
        if item["kind"] == "Namespace":
            assert item["metadata"]["name"] == NAMESPACE
        else:
            assert item["metadata"]["namespace"] == NAMESPACE, name_of(item)


def test_no_name_is_given_twice(overlay):
    seen = [(item["kind"], item["metadata"]["name"]) for item in overlay.objects]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("service", CATALOGUE.values(), ids=lambda service: service.name)
def test_every_service_has_a_database_and_a_role(production, service):
    initdb = production.get("Cluster", f"{service.name}-db")["spec"]["bootstrap"]["initdb"]
    assert (initdb["database"], initdb["owner"]) == (service.database, f"{service.name}_service")
