"""The profile `observability` of docker-compose.yml: who looks at whom is there, reaches him, and is nobody else's business.

Its images are not run here: names, ports, networks and files are held against each other.
"""

import re
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest
import yaml

from dashboards import FOLDER as DASHBOARDS
from rules import FOLDER, ROOT
from support.names import APIS, PROCESSES, SERVICES

PROFILE = "observability"
SETTINGS = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
PORTS = {"prometheus": 9090, "alertmanager": 9093, "grafana": 3000, "jaeger": 16686}  # where each listens, by its manual


def load(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services():
    return load("docker-compose.yml")["services"]


@pytest.fixture(scope="module")
def watchers(services):
    return {name: service for name, service in services.items() if PROFILE in service["profiles"]}


def reaches(services, one, other):
    return bool(set(services[one]["networks"]) & set(services[other]["networks"]))


@pytest.mark.parametrize("profile", ("infra", "app", PROFILE))
def test_docker_compose_accepts_the_file(profile):
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not here")
    done = subprocess.run(["docker-compose", "--profile", profile, "config", "-q"], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_profile_has_its_parts_and_no_other_profile_has_them(watchers):
    assert set(watchers) == {*PORTS, "collector", *(f"{service}-db-exporter" for service in SERVICES)}
    assert all(watcher["profiles"] == [PROFILE] for watcher in watchers.values())


def test_a_watcher_has_limits_a_fixed_image_and_ports_of_this_machine_alone(watchers):
    defaults = dict(SETTINGS.findall((ROOT / ".env.example").read_text(encoding="utf-8")))
    for name, watcher in watchers.items():
        assert watcher["mem_limit"] and watcher["pids_limit"] and watcher["cap_drop"] == ["ALL"], name
        variable, image = re.fullmatch(r"\$\{(\w+_IMAGE):-(\S+:v?[\d.]+)\}", watcher["image"]).groups()
        assert defaults[variable] == image, name
        ports = [re.fullmatch(r"127\.0\.0\.1:\$\{(\w+_PORT):-(\d+)\}:(\d+)", port).groups() for port in watcher.get("ports", [])]
        assert [int(inside) for _, _, inside in ports] == ([PORTS[name]] if name in PORTS else []), name
        assert all(defaults[variable] == port for variable, port, _ in ports), name


def test_files_that_are_mounted_are_there(watchers):
    for watcher in watchers.values():
        for volume in watcher.get("volumes", []):
            source, _, rest = volume.partition(":")
            assert not source.startswith(".") or ((ROOT / source).exists() and rest.endswith(":ro")), volume


def test_prometheus_finds_all_of_whom_it_asks(services):
    jobs = {job["job_name"]: job for job in load("deploy/prometheus/prometheus.yml")["scrape_configs"]}
    asked = {entry["names"][0]: entry["port"] for entry in jobs["cartwheel"]["dns_sd_configs"]}
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    listen = {stage.split()[2]: re.search(r"^ENV .*\bADMIN_LISTEN=0\.0\.0\.0:(\d+)$", stage, re.MULTILINE) for stage in stages[1:]}
    assert asked == {name: int(listen[name][1]) for name in PROCESSES}
    others = {urlsplit("//" + target).hostname for name, job in jobs.items() if name != "cartwheel"
              for entry in job["static_configs"] for target in entry["targets"]}
    assert others == {"rabbitmq", *(f"{service}-db-exporter" for service in SERVICES)}
    assert all(reaches(services, "prometheus", name) for name in (*asked, *others, "alertmanager"))
    mounted = [volume.split(":")[:2] for volume in services["prometheus"]["volumes"]]
    assert ["./deploy/prometheus", "/etc/prometheus"] in mounted
    assert f"--config.file=/etc/prometheus/{(FOLDER / 'prometheus.yml').name}" in services["prometheus"]["command"]


def test_each_exporter_asks_its_own_database(services):
    for service in SERVICES:
        url = urlsplit(services[f"{service}-db-exporter"]["environment"]["DATA_SOURCE_NAME"])
        assert url.hostname == f"{service}-db"
        assert services[f"{service}-db-exporter"]["networks"] == services[f"{service}-db"]["networks"]


def test_grafana_has_its_data_and_dashboards_without_a_click(services):
    for source in load("deploy/grafana/provisioning/datasources/cartwheel.yml")["datasources"]:
        url = urlsplit(source["url"])
        assert source["type"] == url.hostname and url.port == PORTS[url.hostname]
        assert reaches(services, "grafana", url.hostname)
    provider, = load("deploy/grafana/provisioning/dashboards/cartwheel.yml")["providers"]
    mounts = dict(reversed(volume.removesuffix(":ro").split(":")) for volume in services["grafana"]["volumes"])
    assert ROOT / mounts[provider["options"]["path"]] == DASHBOARDS
    assert ROOT / mounts["/etc/grafana/provisioning"] == DASHBOARDS / "provisioning"
    shown = services["grafana"]["environment"]
    assert (shown["GF_AUTH_ANONYMOUS_ORG_ROLE"], shown["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"]) == ("Viewer", "true")


def test_spans_reach_the_collector_and_it_hands_them_on(services):
    config = load("deploy/compose/collector.yml")
    pipeline = config["service"]["pipelines"]["traces"]
    for kind in ("receivers", "processors", "exporters"):
        assert set(pipeline[kind]) == set(config[kind])
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
    assert "http://collector:4318" in (ROOT / ".env.example").read_text(encoding="utf-8")
    assert reaches(services, "collector", config["exporters"]["otlp"]["endpoint"].partition(":")[0])
    assert all(reaches(services, name, "collector") for name in PROCESSES)


def test_every_process_takes_the_settings_of_traces(services):
    given = {name: {key: value for key, value in services[name]["environment"].items() if key.startswith("OTEL_")} for name in PROCESSES}
    assert all(settings == given[APIS[0]] for settings in given.values())
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    defaults = dict(SETTINGS.findall((ROOT / ".env.example").read_text(encoding="utf-8")))
    for name, value in given[APIS[0]].items():
        assert value == f"${{{name}:-}}" and defaults[name] == "" and f"| `{name}`" in table


def test_nobody_who_watches_is_where_clients_come_in(watchers):
    """An API believes whoever shares that network about who the client is."""
    for name, watcher in watchers.items():
        assert not any(network.endswith("-http") for network in watcher["networks"]), name
