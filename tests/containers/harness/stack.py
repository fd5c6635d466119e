"""The composed system: the commands of the README, and what Docker knows about its containers."""

import contextlib
import json
import pathlib
import re
import secrets
import subprocess
import tempfile

import requests

from harness.command import MINUTE, run, stdout_of, succeeds
from harness.images import ROOT
from launcher import postgres
from support.names import MIGRATORS, PROCESSES, SERVICES
from support.system import free_port
from support.waits import eventually

DATABASES = tuple(f"{service}-db" for service in SERVICES)
SERVERS = (*DATABASES, "rabbitmq")
LONG_RUNNING = (*SERVERS, *PROCESSES, "gateway")
DEFAULTS = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.M))
READY_SECONDS = 2 * MINUTE


def _distinct_ports(names):
    ports = set()
    while len(ports) < len(names):
        ports.add(str(free_port()))
    return dict(zip(names, ports))


def first_times(events, status):
    """{service: Unix time of its first event with that status}."""
    found = {}
    for event in events:
        if event["status"] == status:
            found.setdefault(event["Actor"]["Attributes"]["com.docker.compose.service"], event["timeNano"] / 1e9)
    return found


def readme_commands():
    """The lines of the README that start the system, as they stand there."""
    lines = [line.strip() for line in (ROOT / "README.md").read_text().splitlines()]
    return [line.partition("#")[0].split() for line in lines if line.startswith("docker compose --profile")]


def documented_commands(heading):
    """The shell blocks of docs/deployment.md below a heading and above the next, as they stand there."""
    text = (ROOT / "docs" / "deployment.md").read_text()
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"docs/deployment.md has no line {heading}"
    return re.findall(r"^```sh\n(.*?)^```$", re.split(r"^##", rest, flags=re.M)[0], flags=re.M | re.S)


class Stack:
    """One project of docker compose, with ports and passwords of its own."""

    def __init__(self, tag, server_images):
        self.project = f"cartwheel-test-{secrets.token_hex(4)}"
        ports = _distinct_ports([name for name in DEFAULTS if name.endswith("_PORT")])
        passwords = {name: secrets.token_hex(8) for name in DEFAULTS if name.endswith("_PASSWORD")}
        self.settings = {**DEFAULTS, **ports, **passwords, **server_images, "CARTWHEEL_TAG": tag, "SMTP_PASSWORD": ""}
        self._program = ["docker", "compose"] if succeeds("docker", "compose", "version") else ["docker-compose"]

    @property
    def _environment(self):
        return {**self.settings, "COMPOSE_PROJECT_NAME": self.project}

    def compose(self, *arguments, timeout=5 * MINUTE):
        """docker compose, or docker-compose where that is what the machine has."""
        return run(*self._program, *arguments, cwd=ROOT, timeout=timeout, env=self._environment)

    def shell(self, commands, folder):
        """Runs commands of the documentation; the files that they name are in the folder."""
        program = " ".join([*self._program, f"--file={ROOT}/docker-compose.yml", f"--project-directory={ROOT}"])
        return run("sh", "-euc", commands.replace("docker compose", program), cwd=folder, timeout=5 * MINUTE,
                   env=self._environment)

    def up(self, *options):
        """Both commands of the README, and a wait until everything is healthy."""
        for _, _, *arguments in readme_commands():
            try:
                self.compose(*arguments, *(options if "app" in arguments else ()))
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self._complaints()}") from error
        self.wait_healthy()

    def _complaints(self):
        """What those that are not well say of it."""
        found = []
        for container in json.loads(stdout_of("docker", "inspect", *self.ids())):
            state = container["State"]
            checks = state.get("Health", {})
            if checks.get("Status") == "unhealthy" or state["ExitCode"] != 0:
                found += [container["Name"], json.dumps({**state, "Health": checks.get("Log", [])[-2:]}),
                          self.log(container)[-4000:]]
        return "\n".join(found)

    @contextlib.contextmanager
    def events(self, kind):
        """Until the end of the block listens; then Docker's events of that kind are filled in."""
        found = []
        with tempfile.TemporaryFile("w+") as notes:
            listener = subprocess.Popen(
                ["docker", "events", f"--filter=label=com.docker.compose.project={self.project}",
                 f"--filter=event={kind}", "--format={{json .}}"], stdin=subprocess.DEVNULL, stdout=notes)
            try:
                yield found
            finally:
                listener.terminate()
                listener.wait()
            notes.seek(0)
            found += map(json.loads, notes)

    def wait_healthy(self, services=LONG_RUNNING):
        for service in services:
            eventually(lambda s=service: all(c["State"]["Health"]["Status"] == "healthy" for c in self.containers(s)),
                       f"all copies of {service} to be healthy", READY_SECONDS)
        if "gateway" in services:
            self._wait_reachable()

    def _wait_reachable(self):
        """The gateway finds a new copy by name and asks it itself, a second or two after Docker has found it healthy;
        until then it answers 503 for an API that has no other copy."""
        for service in SERVICES:
            url = f"http://127.0.0.1:{self.settings[f'{service.upper()}_API_PORT']}/health/ready"
            eventually(lambda u=url: requests.get(u, headers={"Connection": "close"}, timeout=5).status_code == 200,
                       f"the gateway to reach {service}-api", READY_SECONDS, forgive=(requests.RequestException,))

    def down(self, *options):
        self.compose("--profile", "app", "down", *options)

    def volumes(self):
        return self._named("volume")

    def leftovers(self):
        """What Docker still holds of this project."""
        return [*self.ids(), *self._named("volume"), *self._named("network")]

    def _named(self, kind):
        return sorted(stdout_of("docker", kind, "ls", "--quiet",
                                f"--filter=label=com.docker.compose.project={self.project}").split())

    # --- what Docker knows --------------------------------------------------------------------

    def ids(self, service=None):
        filters = [f"--filter=label=com.docker.compose.project={self.project}"]
        if service:
            filters.append(f"--filter=label=com.docker.compose.service={service}")
        return stdout_of("docker", "ps", "--all", "--quiet", "--no-trunc", *filters).split()

    def containers(self, service):
        """What "docker inspect" says about each copy of the service; there is at least one."""
        ids = self.ids(service)
        assert ids, f"there is no container of {service}"
        return json.loads(stdout_of("docker", "inspect", *ids))

    def container(self, service):
        only, = self.containers(service)
        return only

    def everything(self):
        """{service: container} while no service is scaled."""
        return {service: self.container(service) for service in (*LONG_RUNNING, *MIGRATORS)}

    def log(self, container):
        return run("docker", "logs", container["Id"])

    def address_of(self, service, network):
        """The address of the service's first copy in one of the project's networks."""
        return self.container(service)["NetworkSettings"]["Networks"][f"{self.project}_{network}"]["IPAddress"]

    # --- how a client reaches it --------------------------------------------------------------

    def endpoints(self):
        """What an endpoints file holds: addresses and nothing else."""
        s = self.settings
        login = f"{s['RABBITMQ_USER']}:{s['RABBITMQ_PASSWORD']}"
        ends = {"amqp_url": f"amqp://{login}@127.0.0.1:{s['AMQP_PORT']}/cartwheel"}
        for service, (role, database) in postgres.DATABASES.items():
            port = s[f"{service.upper()}_DATABASE_PORT"]
            password = s[f"{service.upper()}_DATABASE_PASSWORD"]
            ends[f"{service}_api"] = f"http://127.0.0.1:{s[f'{service.upper()}_API_PORT']}"
            ends[f"{service}_database_url"] = f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"
            ends[f"{service}_superuser_url"] = \
                f"postgresql://postgres:{s['POSTGRES_PASSWORD']}@127.0.0.1:{port}/postgres"
        return ends

    def write_endpoints(self, folder):
        path = pathlib.Path(folder) / "endpoints.json"
        path.write_text(json.dumps(self.endpoints(), indent=2))
        return path

