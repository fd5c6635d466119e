"""The system under test: a private one, with the settings that a user gets."""

import contextlib
import dataclasses
import random
import subprocess
import tempfile
import threading
import uuid
from pathlib import Path

import psycopg

from launcher.layout import read_json
from launcher.postgres import connection_environ
from launcher.services import SERVICES, binary, environment
from support.databases import MESSAGES, TABLES, Databases

HERE = Path(__file__).parent
PRODUCTS = 1000
STOCK_EACH = 1_000_000_000
# pgbench with 256 clients beside our own connections: more than the launcher's default.
MAX_CONNECTIONS = 400


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured."""

    quick: bool
    rounds: int
    seconds: int  # of one run of a closed loop
    warm_up: int  # before it, not counted
    orders: int  # of one saga
    latency_seconds: int
    spike_seconds: int
    many_orders: int  # in the database of the growth scenario
    long_backlog: int
    short_backlog: int


FULL = Plan(False, 5, 5, 1, 60_000, 20, 10, 3_000_000, 500_000, 20_000)
QUICK = Plan(True, 2, 2, 1, 5_000, 8, 4, 100_000, 40_000, 10_000)


class Quiet:
    """A Progress that says nothing: the scenarios stop and start processes all the time."""

    def __init__(self):
        self.cancelled = threading.Event()

    def begin(self, *unused):
        pass

    update = done = note = begin


class Rig:
    """What the scenarios share. A context manager: its connections are closed at the end."""

    def __init__(self, layout, system, plan, say_step):
        self.layout = layout
        self.system = system
        self.plan = plan
        self.folder = Path(tempfile.mkdtemp(prefix="load-", dir=layout.home))
        self.step = say_step
        self.quiet = Quiet()
        self._connections = {}
        self._random = random.Random(20261122)
        self._seeds = 0
        self.accepted = 0  # orders answered by 2xx since the tables were emptied,
        self.refused = 0  # those answered otherwise,
        self.unanswered = 0  # and those that nobody can know about
        self.products = self._uuid_file("products", PRODUCTS)
        self.hot_product = self._uuid_file("hot-product", 1)
        self.loadgen, self.pqreads = compile_generators(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for connection in self._connections.values():
            connection.close()

    def _uuid_file(self, name, count):
        path = self.folder / name
        ids = [str(uuid.UUID(int=self._random.getrandbits(128), version=4)) for _ in range(count)]
        return write_ids(path, ids)

    def next_seed(self):
        """Every run has customers of its own, the same ones in every bench."""
        self._seeds += 1
        return self._seeds

    # -- addresses --

    @property
    def token(self):
        """That allows everything."""
        return read_json(self.layout.endpoints_file)["token"]

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def address(self, name):
        """host:port of an API."""
        return self.system.processes[name].http_url.removeprefix("http://")

    def database_url(self, service):
        return self.system.postgres.service_url(service)

    @property
    def amqp_url(self):
        return self.system.rabbitmq.url()

    # -- databases --

    @property
    def databases(self):
        """As the other suites see them: a connection for each question, which no scenario pays for while it measures."""
        return Databases({s: self.database_url(s) for s in SERVICES}, [self.system.postgres.superuser_url()])

    def sql(self, service, statement, *values):
        """Runs a statement as the service; its rows."""
        return self._run(service, self.database_url(service), statement, values)

    def superuser_sql(self, statement, *values, database="postgres"):
        url = self.system.postgres.superuser_url().rpartition("/")[0] + f"/{database}"
        return self._run(f"superuser {database}", url, statement, values)

    def _run(self, key, url, statement, values):
        connection = self._connections.get(key)
        if connection is None or connection.closed:
            connection = self._connections[key] = psycopg.connect(url, autocommit=True)
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description is not None else []

    def value(self, service, statement, *values):
        return self.sql(service, statement, *values)[0][0]

    def forget_connections(self):
        """The server is going to be restarted."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def checkpoint(self):
        """So that no run pays for the pages of the one before."""
        self.superuser_sql("checkpoint")

    def empty(self):
        """No orders, and full stock of every product. Only while nothing is under way.

        To the planner the tables are new after that, as they are in a system just started.
        """
        self.accepted = self.refused = self.unanswered = 0
        for service, tables in TABLES.items():
            self.sql(service, f"truncate {tables}, {MESSAGES} cascade")
        ids = list(self.stocked())
        self.sql("stock", "insert into stock (product_id, quantity) select unnest(%s::uuid[]), %s", ids, STOCK_EACH)
        self.sql(
            "stock",
            "insert into stock_movements (id, product_id, delta, kind)"
            " select gen_random_uuid(), unnest(%s::uuid[]), %s, 'created'",
            ids,
            STOCK_EACH,
        )

    def stocked(self):
        """{product: how much of it there was when the tables were emptied}"""
        return dict.fromkeys(self.products.read_text().split() + self.hot_product.read_text().split(), STOCK_EACH)

    def create_orders(self, name):
        """A second order database; its URL. order-migrator makes the tables, so that indexes and constraints are the
        real ones."""
        self.superuser_sql(f"drop database if exists {name}")
        self.superuser_sql(f"create database {name} owner order_service")
        url = self.database_url("order").rpartition("/")[0] + f"/{name}"
        environ = {**environment(self.system.servers, "order"), "DATABASE_URL": url}
        subprocess.run([str(binary(self.layout, "order-migrator"))], env=environ, check=True, capture_output=True, text=True)
        return url

    def drop_database(self, name):
        self.forget_connections()
        self.superuser_sql(f"drop database if exists {name}")

    # -- processes --

    def pid(self, name):
        return self.system.component(name).pid()

    def stop(self, *names):
        for name in names:
            self.system.stop(self.quiet, name)

    def start(self, *names):
        for name in names:
            self.system.start(self.quiet, name)

    @contextlib.contextmanager
    def stopped(self, *names):
        """These do not run meanwhile."""
        self.stop(*names)
        try:
            yield
        finally:
            self.start(*names)

    def rabbitmqctl(self, *arguments):
        """What rabbitmqctl says."""
        command = ["/usr/bin/python3", str(self.layout.root / "tools" / "cartwheel.py"), "rabbitmqctl", *arguments]
        environ = {"CARTWHEEL_HOME": str(self.layout.home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        return subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout


def libpq_environ(url):
    return {**connection_environ(url), "PATH": "/usr/bin:/bin"}


def write_ids(path, ids):
    path.write_text("".join(f"{one}\n" for one in ids))
    return path


def compile_generators(folder):
    """The two load generators of our own, below the state folder."""
    options = ["-std=c17", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]
    loadgen, pqreads = folder / "loadgen", folder / "pqreads"
    include = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libpq"], check=True, capture_output=True, text=True
    ).stdout.split()
    for command in (
        ["gcc", *options, "-o", loadgen, HERE / "load/loadgen.c", HERE / "load/options.c"],
        ["gcc", *options, "-pthread", "-o", pqreads, HERE / "load/pqreads.c", *include],
    ):
        subprocess.run([str(word) for word in command], check=True)
    return loadgen, pqreads


def settle_postgres(system, progress):
    """Room for as many clients as pgbench has in the widest scenario; all else stays as it is."""
    system.start(progress, "postgres")
    with psycopg.connect(system.postgres.superuser_url(), autocommit=True) as connection:
        connection.execute(f"alter system set max_connections = {MAX_CONNECTIONS}")
    system.stop(progress, "postgres")


__all__ = ["FULL", "QUICK", "Plan", "Quiet", "Rig", "libpq_environ", "settle_postgres", "write_ids"]
