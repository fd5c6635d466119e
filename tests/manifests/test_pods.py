"""What every pod of ours must have: no rights, bounds, probes, time to stop, settings that its binary knows."""

import base64
import os
import pathlib
import re
import subprocess

import pytest

from rendering import KUBERNETES, OURS, SERVICES, name_of, selects
from tools import ROOT

BUILD = pathlib.Path(os.environ.get("CARTWHEEL_BUILD") or ROOT / "build")
SETTING = re.compile(r"^  ([A-Z][A-Z0-9_]*) ", re.M)
SPARE_SECONDS = 5  # between the end of a drain and the kill
# libpq reads these itself; a DATABASE_URL that says nothing of TLS gets it from here.
LIBPQ = {"PGSSLMODE", "PGSSLROOTCERT"}


def containers(overlay):
    """Every container whose manifest is ours, with the name of its pod."""
    return [(pod, container) for pod in overlay.written_pods() for container in pod.spec["containers"]]


def test_every_process_is_there(overlay):
    assert {pod.name for pod in overlay.our_pods()} == set(OURS)
    for pod in overlay.our_pods():
        assert len(pod.spec["containers"]) == 1
        assert "initContainers" not in pod.spec


def test_no_pod_has_rights(overlay):
    for pod, container in containers(overlay):
        place = f"{pod.name}/{container['name']}"
        rights = {**pod.spec["securityContext"], **container["securityContext"]}
        assert rights["runAsNonRoot"] is True, place
        assert rights["runAsUser"] > 0 and rights["runAsGroup"] > 0, place
        assert rights["readOnlyRootFilesystem"] is True, place
        assert rights["allowPrivilegeEscalation"] is False, place
        assert rights["capabilities"] == {"drop": ["ALL"]}, place
        assert rights["seccompProfile"] == {"type": "RuntimeDefault"}, place
        assert not rights.get("privileged"), place
        assert pod.spec["automountServiceAccountToken"] is False, place
        assert pod.spec["enableServiceLinks"] is False, place
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            assert forbidden not in pod.spec, place
        assert all("hostPath" not in volume for volume in pod.spec["volumes"]), place


def test_every_container_is_bounded(overlay):
    for pod, container in containers(overlay):
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}, f"{pod.name} {bound}"


def test_every_container_that_stays_is_probed(overlay):
    for pod, container in containers(overlay):
        probes = {probe for probe in ("startupProbe", "livenessProbe", "readinessProbe") if probe in container}
        assert len(probes) == (0 if pod.name.endswith("-migrator") else 3), pod.name


def test_ours_are_probed_on_the_admin_listener(overlay):
    for pod in overlay.our_pods():
        if pod.name.endswith("-migrator"):
            continue
        container = pod.spec["containers"][0]
        for probe, path in (("startupProbe", "live"), ("livenessProbe", "live"), ("readinessProbe", "ready")):
            assert container[probe]["httpGet"] == {"path": f"/health/{path}", "port": "admin"}, pod.name


def test_listeners_are_the_ports_that_are_named(overlay):
    for pod in overlay.our_pods():
        settings = environment(overlay, pod)
        listeners = {"http": "HTTP_LISTEN", "admin": "ADMIN_LISTEN"}
        expected = {port: f"0.0.0.0:{number}" for port, number in pod.ports.items()}
        assert {port: settings[name] for port, name in listeners.items() if name in settings} == expected, pod.name


def test_there_is_time_to_stop(overlay):
    for pod in overlay.our_pods():
        if pod.name.endswith("-migrator"):
            continue
        hook = pod.spec["containers"][0].get("lifecycle", {}).get("preStop", {})
        assert ("sleep" in hook) == pod.name.endswith("-api"), f"{pod.name}: endpoints must go before the listener"
        drain = seconds(environment(overlay, pod)["SHUTDOWN_TIMEOUT"]) + hook.get("sleep", {}).get("seconds", 0)
        assert pod.spec["terminationGracePeriodSeconds"] >= drain + SPARE_SECONDS, pod.name


def test_rollouts_keep_what_serves(overlay):
    for item in overlay.of("Deployment"):
        assert item["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert "replicas" not in item["spec"], f"{name_of(item)}: an apply would undo the autoscaler"


def test_copies_are_spread_and_budgeted(overlay):
    for item in overlay.of("Deployment"):
        labels = item["spec"]["template"]["metadata"]["labels"]
        rules = item["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert {rule["topologyKey"] for rule in rules} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        assert all(selects(rule["labelSelector"], labels) for rule in rules), name_of(item)
        budgets = [one for one in overlay.of("PodDisruptionBudget") if selects(one["spec"]["selector"], labels)]
        assert len(budgets) == 1 and budgets[0]["spec"]["maxUnavailable"] == 1, name_of(item)


def test_one_release_runs(overlay):
    """A migrator and the processes that need its schema are of one version."""
    tags = {pod.spec["containers"][0]["image"].rpartition(":")[2] for pod in overlay.our_pods()}
    assert len(tags) == 1 and "latest" not in tags
    for pod in overlay.our_pods():
        assert pod.spec["containers"][0]["image"].rpartition(":")[0].endswith(f"cartwheel/{pod.name}")


def test_no_image_comes_from_where_anybody_may_put_it(production, local):
    """Until a registry is named, production has names that lead nowhere; locally what was loaded by hand runs."""
    for pod in production.our_pods():
        registry = pod.spec["containers"][0]["image"].partition("/")[0]
        assert registry.endswith(".invalid"), pod.name
    for pod in local.our_pods():
        assert pod.spec["containers"][0]["imagePullPolicy"] == "Never", pod.name


@pytest.mark.parametrize("service", SERVICES)
def test_dead_letters_can_be_administered(overlay, service):
    assert environment(overlay, overlay.pod(f"{service}-worker"))["ADMIN_TOKEN_FILE"] == "/run/secrets/admin/token"
    assert "ADMIN_TOKEN_FILE" not in environment(overlay, overlay.pod(f"{service}-api"))


@pytest.mark.parametrize("service", SERVICES)
def test_production_asks_who_asks_and_the_local_overlay_says_that_it_does_not(production, local, service):
    settings = environment(production, production.pod(f"{service}-api"))
    assert settings["AUTH_ISSUER"].startswith("https://") and settings.get("AUTH", "on") == "on"
    assert environment(local, local.pod(f"{service}-api"))["AUTH"] == "off-for-all-networks"


def test_without_an_overlay_s_word_no_api_starts():
    """The base names neither an issuer nor that there is none."""
    for path in (KUBERNETES / "base").rglob("*.yaml"):
        assert "AUTH" not in path.read_text(encoding="utf-8"), path


def test_the_local_admin_token_is_one_that_a_worker_accepts(local):
    (secret,) = [one for one in local.of("Secret") if one["metadata"]["name"].startswith("admin-token")]
    assert len(base64.b64decode(secret["data"]["token"])) >= 16


def test_a_migrator_ends_and_a_bad_setting_ends_it_at_once(overlay):
    for service in SERVICES:
        spec = overlay.get("Job", f"{service}-migrator")["spec"]
        assert spec["template"]["spec"]["restartPolicy"] == "Never"
        assert spec["activeDeadlineSeconds"] > 0 and spec["backoffLimit"] > 0
        rule = spec["podFailurePolicy"]["rules"][0]
        assert rule["action"] == "FailJob" and rule["onExitCodes"]["values"] == [2]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_that_the_binary_knows(overlay, name):
    pod = overlay.pod(name)
    known, secret = known_settings(name)
    allowed = known | {f"{setting}_FILE" for setting in secret} | LIBPQ
    given = environment(overlay, pod)
    assert set(given) <= allowed
    assert not set(given) & secret, "a secret comes by file"


@pytest.mark.parametrize("name", OURS)
def test_every_setting_that_is_required_is_given(overlay, name):
    given = environment(overlay, overlay.pod(name))
    assert {f"{setting}_FILE" for setting in required_settings(name)} <= set(given)


@pytest.mark.parametrize("name", OURS)
def test_every_file_that_a_setting_names_is_mounted(overlay, name):
    pod = overlay.pod(name)
    files = mounted_files(pod)
    for setting, value in environment(overlay, pod).items():
        if setting.endswith("_FILE") or setting == "PGSSLROOTCERT":
            assert value in files, f"{name}: {setting} names {value}"


def help_text(name):
    binary = BUILD / "services" / name
    return subprocess.run([binary, "--help"], capture_output=True, text=True, timeout=20, check=True).stdout


def known_settings(name):
    """Names of all settings, and of the secret ones."""
    text = help_text(name)
    known = SETTING.findall(text)
    assert len(known) >= 5, text
    notes = dict(zip(known, SETTING.split(text)[2::2], strict=True))
    return set(known), {setting for setting, note in notes.items() if re.search(r"^ +secret;", note, re.M)}


def required_settings(name):
    text = help_text(name)
    notes = dict(zip(SETTING.findall(text), SETTING.split(text)[2::2], strict=True))
    required = {setting for setting, note in notes.items() if re.search(r"; required$", note, re.M)}
    assert "DATABASE_URL" in required
    return required


def environment(overlay, pod):
    """The variables of a pod's only container; values are plain texts."""
    container = pod.spec["containers"][0]
    found = {}
    for source in container.get("envFrom", []):
        found |= overlay.get("ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", []):
        assert variable["name"] not in found, f"{pod.name}: {variable['name']} is given twice"
        found[variable["name"]] = variable["value"]
    return found


def mounted_files(pod):
    """Paths of the files that secrets put into a pod's only container."""
    volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
    mounts = pod.spec["containers"][0]["volumeMounts"]
    assert all(mount["readOnly"] for mount in mounts)
    return {
        f"{mount['mountPath']}/{item['path']}"
        for mount in mounts
        for item in volumes[mount["name"]]["secret"]["items"]
    }


def seconds(text):
    assert text.endswith("s") and text[:-1].isdigit()
    return int(text[:-1])
