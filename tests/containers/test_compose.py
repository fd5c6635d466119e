"""How the composed system starts, what holds its containers in, and what it keeps."""

import datetime
import json
import pathlib
import re

import pytest
import requests

from harness.command import run, stdout_of
from harness.images import ROOT
from harness.stack import DATABASES, DEFAULTS, LONG_RUNNING, SERVERS
from support.api import OrderApi, StockApi, new_id
from support.names import APIS, MIGRATORS, PROCESSES, SERVICES, service_of
from support.system import memory_kib

LOG_FIELDS = {"time", "level", "process", "message"}
IDLE_KIB = 24 * 1024
OURS = (*PROCESSES, "gateway")


def seconds(text):
    """Docker's time stamps, which have nine digits behind the point, as Unix time."""
    return datetime.datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


def started(container):
    return seconds(container["State"]["StartedAt"])


def test_the_order_of_start(stack, report):
    """Servers are healthy before migrators start, which have succeeded before anything else starts."""
    ended = {name: seconds(stack.at_start[name]["State"]["FinishedAt"]) for name in MIGRATORS}
    _report_start(report, stack, ended)
    for migrator in MIGRATORS:
        assert stack.at_start[migrator]["State"]["ExitCode"] == 0
        for server in (f"{service_of(migrator)}-db", "rabbitmq"):
            healthy = stack.first_healthy[server]
            assert healthy < started(stack.at_start[migrator]), f"{migrator} did not wait for {server}"
    for name in OURS:
        assert max(ended.values()) < started(stack.at_start[name]), f"{name} did not wait for the migrators"


def _report_start(report, stack, ended):
    beginning = min(started(c) for c in stack.at_start.values())
    ends = {**{name: f"done at {at - beginning:.1f}" for name, at in ended.items()},
            **{name: f"found healthy at {at - beginning:.1f}" for name, at in stack.first_healthy.items()}}
    report("start, in seconds after the first container", [
        f"{started(c) - beginning:7.1f}  {name:<22} {ends[name]}"
        for name, c in sorted(stack.at_start.items(), key=lambda item: started(item[1]))])


def test_memory_of_each_container(stack, report):
    """At rest each process is as small as it is without a container, and all are within their limits."""
    lines = stdout_of("docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}",
                      *(stack.container(name)["Id"] for name in LONG_RUNNING)).splitlines()
    report("memory of each container, and its limit", sorted(lines))
    assert len(lines) == len(LONG_RUNNING)
    for name in PROCESSES:
        assert memory_kib(stack.container(name)["State"]["Pid"]) <= IDLE_KIB, name


def test_a_second_up_changes_nothing(stack):
    before = stack.everything()
    stack.up()
    after = stack.everything()
    assert {n: c["Id"] for n, c in after.items()} == {n: c["Id"] for n, c in before.items()}
    for name in LONG_RUNNING:
        assert after[name]["State"]["StartedAt"] == before[name]["State"]["StartedAt"], f"{name} was restarted"
    for name in MIGRATORS:
        assert after[name]["State"]["ExitCode"] == 0, f"{name} ran again, and should have found nothing to do"


@pytest.mark.parametrize("name", LONG_RUNNING + MIGRATORS)
def test_every_container_has_limits_and_manners(stack, name):
    container = stack.container(name)
    host = container["HostConfig"]
    assert host["Memory"] > 0 and host["PidsLimit"] > 0
    assert host["RestartPolicy"]["Name"] == ("no" if name in MIGRATORS else "unless-stopped")
    assert host["LogConfig"]["Type"] == "json-file"
    assert set(host["LogConfig"]["Config"]) == {"max-size", "max-file"}
    assert "no-new-privileges:true" in host["SecurityOpt"] and not host["Privileged"]
    assert container["Config"].get("Healthcheck") or name in MIGRATORS
    assert container["State"]["OOMKilled"] is False


@pytest.mark.parametrize("name", PROCESSES + MIGRATORS)
def test_nothing_differs_from_the_embedded_run_but_settings(stack, name):
    """The launcher too starts the binary alone, without arguments, with values of its own for these variables."""
    container = stack.container(name)
    assert (container["Path"], container["Args"]) == (f"/usr/bin/{name}", [])
    assert not container["Mounts"]
    known = re.findall(r"^  ([A-Z][A-Z0-9_]*) ", stdout_of("docker", "run", "--rm", container["Image"], "--help"), re.M)
    given = {variable.partition("=")[0] for variable in container["Config"]["Env"]}
    assert "DATABASE_URL" in given and given <= {*known, "PATH"}


@pytest.mark.parametrize("name", PROCESSES)
def test_the_kernel_holds_each_process_in(stack, name):
    container = stack.container(name)
    status = pathlib.Path(f"/proc/{container['State']['Pid']}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["10001"] * 4
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[capabilities], 16) == 0
    assert fields["NoNewPrivs"].strip() == "1"
    assert fields["Seccomp"].strip() == "2", "no system call filter"


@pytest.mark.parametrize("name", OURS)
def test_the_root_is_read_only(stack, name, tmp_path):
    container = stack.container(name)
    assert container["HostConfig"]["ReadonlyRootfs"] is True
    (tmp_path / "probe").write_text("x")
    said = run("docker", "cp", tmp_path / "probe", f"{container['Id']}:/probe", check=False)
    assert "read-only" in said
    if name in PROCESSES:
        mounts = pathlib.Path(f"/proc/{container['State']['Pid']}/mounts").read_text().splitlines()
        root, = [line.split() for line in mounts if line.split()[1] == "/"]
        assert "ro" in root[3].split(",")
        assert not container["Mounts"]


def _reached(stack, container, targets):
    """Which of {name: (address, port)} answer a connection from inside the container's network."""
    tries = " ".join(f"{name}={address}={port}" for name, (address, port) in targets.items())
    script = ('for t in $1; do (IFS== read -r name address port <<< "$t";'
              ' timeout 3 bash -c "exec 3<>/dev/tcp/$address/$port" 2>/dev/null && echo "$name") & done; wait')
    return set(stdout_of("docker", "run", "--rm", "--network", f"container:{container['Id']}", "--entrypoint", "bash",
                         stack.settings["POSTGRES_IMAGE"], "-c", script, "reach", tries).split())


@pytest.mark.parametrize("name", PROCESSES)
def test_each_service_reaches_its_own_database_and_no_other(stack, name):
    """Nor any other service's API; workers reach the broker, APIs do not. By address: names may hide what is open."""
    service = service_of(name)
    targets = {f"{s}-db": (stack.address_of(f"{s}-db", f"{s}-data"), 5432) for s in SERVICES}
    targets["rabbitmq"] = (stack.address_of("rabbitmq", "broker"), 5672)
    for other, port in zip(APIS, (5001, 5002, 5003)):
        if service_of(other) != service:
            targets[f"{other}-http"] = (stack.address_of(other, f"{service_of(other)}-http"), port)
            targets[f"{other}-data"] = (stack.address_of(other, f"{service_of(other)}-data"), port)
    wanted = {f"{service}-db"} | (set() if name in APIS else {"rabbitmq"})
    assert _reached(stack, stack.container(name), targets) == wanted


def test_the_gateway_reaches_apis_alone(stack):
    targets = {f"{s}-db": (stack.address_of(f"{s}-db", f"{s}-data"), 5432) for s in SERVICES}
    targets["rabbitmq"] = (stack.address_of("rabbitmq", "broker"), 5672)
    for api, port in zip(APIS, (5001, 5002, 5003)):
        targets[api] = (stack.address_of(api, f"{service_of(api)}-http"), port)
    assert _reached(stack, stack.container("gateway"), targets) == set(APIS)


CLIENT = (r'exec 3<>/dev/tcp/gateway/5001; printf "GET /$1 HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\n'
          r'Forwarded: for=203.0.113.7\r\nConnection: close\r\n\r\n" >&3; cat <&3 >&2; hostname -i')


def test_the_gateway_says_who_the_client_is(stack):
    """Whatever the client says about it."""
    path = new_id()
    client = stdout_of("docker", "run", "--rm", "--network", f"{stack.project}_order-http", "--entrypoint", "bash",
                       stack.settings["POSTGRES_IMAGE"], "-c", CLIENT, "client", path).strip()
    lines = [json.loads(line) for line in stack.log(stack.container("order-api")).splitlines() if path in line]
    assert [line["client"] for line in lines] == [client]


def test_no_role_is_a_superuser_or_enters_another_database(stack, system):
    for service in SERVICES:
        assert system.databases.value(service, "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles"
                                               " WHERE rolname = current_user") is False
        assert system.databases.value(service, "SELECT has_database_privilege('postgres', 'connect')") is False


def test_every_port_is_on_the_loopback_address(stack):
    for name, container in stack.everything().items():
        for port, bindings in (container["NetworkSettings"]["Ports"] or {}).items():
            for binding in bindings or []:
                assert binding["HostIp"] == "127.0.0.1", f"{name} {port}"
                assert name in (*SERVERS, "gateway"), f"{name} has a port of the host in the way of its copies"


@pytest.mark.parametrize("name", PROCESSES + MIGRATORS)
def test_logs_are_json_lines_and_hold_no_secret(stack, name):
    lines = stack.log(stack.container(name)).splitlines()
    assert lines
    for line in lines:
        assert LOG_FIELDS <= set(json.loads(line)), line
        assert json.loads(line)["process"] == name
    text = "\n".join(lines)
    assert not [key for key, value in stack.settings.items() if key.endswith("_PASSWORD") and value and value in text]


def test_the_management_page_answers(stack):
    port, login = stack.settings["RABBITMQ_MANAGEMENT_PORT"], ("RABBITMQ_USER", "RABBITMQ_PASSWORD")
    page = requests.get(f"http://127.0.0.1:{port}/", timeout=10)
    assert page.status_code == 200 and "RabbitMQ Management" in page.text
    overview = requests.get(f"http://127.0.0.1:{port}/api/overview", timeout=10,
                            auth=tuple(stack.settings[name] for name in login))
    assert overview.status_code == 200


def test_what_is_documented_is_what_is_used():
    """.env.example lists each variable of docker-compose.yml with its default there."""
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text()))
    assert used == DEFAULTS


def test_down_and_up_again_loses_no_data(stack, system):
    orders, stocks = OrderApi(system.api("order")), StockApi(system.api("stock"))
    product = stocks.create(10)
    order = orders.placed((product, 3))
    orders.wait(order, "Confirmed")
    before, volumes = set(stack.ids()), stack.volumes()
    kept = {volume.split("_", 1)[1] for volume in volumes}
    assert {*DATABASES, "rabbitmq"} <= kept <= {*DATABASES, "rabbitmq", "prometheus"}  # 1.29 makes those of all profiles
    stack.down()
    assert stack.ids() == [] and stack.volumes() == volumes
    stack.up()
    assert not before & set(stack.ids())
    assert orders.status(order) == "Confirmed"
    assert stocks.quantity(product) == 7
    later = orders.placed((product, 7))
    orders.wait(later, "Confirmed")
    stocks.wait(product, 0)
