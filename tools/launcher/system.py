"""The whole system: what there is, in which order it starts and stops, and where it can be reached."""

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from types import SimpleNamespace

from . import accounts, given, processes, terminal
from .build import build, check_binaries
from .certificates import Authority
from .component import Component
from .issuer import Issuer
from .layout import LauncherError, write_json
from .observe import Spans
from .postgres import Postgres
from .rabbitmq import Rabbitmq
from .services import APIS, SERVICES, WORKERS, Process, migrate
from .settings import Settings
from .slow_mail import SlowMail
from .watchers import Alertmanager, PostgresExporter, Prometheus, jobs

SERVERS = ("postgres", "rabbitmq")
TOKEN_SECONDS = 30 * 24 * 3600  # of the token in endpoints.json, which is renewed at every start
NAMES = tuple(f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")) + SERVERS
# What may run beside the system, and is stopped after it.
BESIDE = ("spans", "prometheus", "alertmanager", "postgres-exporter", "slow-mail")


class System:
    """All processes of one state folder. Whoever changes what runs holds layout.lock()."""

    def __init__(self, layout):
        layout.prepare()
        self.layout = layout
        self.settings = Settings(layout)
        self.registry = processes.Registry(layout, self.settings.instance)
        self._data = None
        common = (layout, self.settings, self.registry)
        self._given = self.settings.given
        self.postgres = Postgres(*common, self._data_folder)
        self._observe = False  # whether this very launcher is told to
        self.spans = Spans(*common, self._data_folder)
        self.rabbitmq = Rabbitmq(*common, self._data_folder, lambda: self._observe or self.spans.runs())
        databases = [url for name in SERVICES if (url := self._given.get(given.database_variable(name)))]
        self._servers = {
            "postgres": given.Given(*common, "postgres", databases) if len(databases) == len(SERVICES) else self.postgres,
            "rabbitmq": given.Given(*common, "rabbitmq", [self._given[given.BROKER]])
            if given.BROKER in self._given
            else self.rabbitmq,
        }
        alertmanager = Alertmanager(*common, self._data_folder)
        exporter = PostgresExporter(*common, self._data_folder, postgres=self.postgres)
        prometheus = Prometheus(*common, self._data_folder, looks_at=self._jobs, alertmanager=alertmanager)
        self.slow_mail = SlowMail(*common)
        self.authority = Authority(layout.tls) if self.settings.tls else None
        self.issuer = Issuer(layout.issuer)
        servers = SimpleNamespace(
            database_url=self.database_url,
            amqp_url=self.amqp_url,
            broker_is_given=given.BROKER in self._given,
            files={name: self._given[name] for name in given.FILES if name in self._given},
            authority=self.authority,
            issuer=self.issuer,
            data_folder=self._data_folder,
            spans=self.spans,
            slow_mail=self.slow_mail,
        )
        self.servers = servers
        self.processes = {name: Process(*common, servers, name) for name in (*APIS, *WORKERS)}
        beside = {one.name: one for one in (self.spans, prometheus, alertmanager, exporter, self.slow_mail)}
        self._components = {**self.processes, **self._servers, **beside}

    def database_url(self, service):
        return self._given.get(given.database_variable(service)) or self.postgres.service_url(service)

    def amqp_url(self, service=None):
        """A service's, or that of operators and tests."""
        ours = self.rabbitmq.url() if service is None else self.rabbitmq.service_url(service)
        return self._given.get(given.BROKER) or ours

    @property
    def certificate_file(self):
        """Of the certificate that our listeners show; None: they speak plain HTTP."""
        return self._given.get(given.CERTIFICATE)

    def component(self, name):
        if name not in self._components:
            raise LauncherError(f"there is no process {name}; there are {', '.join(NAMES)}")
        return self._components[name]

    def running(self):
        """Names of the processes that run, in the order of NAMES."""
        return [name for name in NAMES if self.component(name).pid() is not None]

    def beside(self):
        """Names of what runs beside them, or has ended by itself."""
        return [name for name in BESIDE if self.component(name).runs() or self.registry.lost(name)]

    def _watchers(self):
        """Those of Debian's that are installed and have something to look at, in the order of their start."""
        names = ["alertmanager", "prometheus"]
        if self._servers["postgres"] is self.postgres:
            names.insert(0, "postgres-exporter")
        return [self.component(name) for name in names if self.component(name).is_installed()]

    def is_observed(self):
        """Whether nothing is left for up --observe to start."""
        return all(one.runs() for one in (self.spans, *self._watchers()))

    def _jobs(self):
        exporter = self.component("postgres-exporter")
        return jobs(
            {name: process.admin_url for name, process in self.processes.items()},
            self.rabbitmq.metrics_address() if self._servers["rabbitmq"] is self.rabbitmq else None,
            exporter.listen() if exporter.runs() else None,
        )

    def runs_whole(self):
        return all(self.component(name).runs() for name in NAMES) and not self._foreign()

    def _foreign(self):
        return [name for name in (*NAMES, *BESIDE) if self.registry.is_foreign(name)]

    def _data_folder(self):
        if self._data is None:
            self._data = accounts.data_folder(
                self.layout,
                self.settings,
                [accounts.Account("postgres"), accounts.Account("rabbitmq")],
                terminal.say,
            )
        return self._data

    def up(self, progress, verbose=False, observe=False):
        """Builds and starts all that does not run, with @observe also what watches it; the names of what was started.

        When something fails or the reader interrupts, what was started here is stopped again.
        """
        started = []
        self._observe = observe
        try:
            self._start_all(progress, verbose, started, observe)
        except BaseException:
            progress.restart()
            self.down(progress, started)
            raise
        return started

    def _start_all(self, progress, verbose, started, observe):
        if foreign := self._foreign():
            progress.note(f"{self.layout.settings_file} was lost: what was started under it is stopped")
            self.down(progress, foreign)
        before = set(self.running())
        if observe and not self.spans.runs() and before.intersection(self.processes):
            raise LauncherError("what runs was started without --observe: ./cartwheel down first")
        self._data_folder()
        self._choose_ports()
        self.issuer.create()
        if self.authority is not None:
            self.authority.create()
        movable = not before.intersection(self.processes)

        def start(component, may_move):
            if not component.runs():
                started.append(component.name)
            component.start(progress, may_move)

        watching = [lambda: start(self.spans, movable)] if observe else []
        _in_parallel(
            progress,
            [
                *watching,
                lambda: self._build(progress, verbose),
                lambda: start(self._servers["postgres"], movable),
                lambda: start(self._servers["rabbitmq"], movable),
            ],
        )
        if not self.runs_whole():
            _in_parallel(
                progress,
                [lambda s=service: migrate(self.layout, self.servers, s, progress) for service in SERVICES],
            )
        _in_parallel(
            progress, [lambda c=component: start(c, True) for component in self.processes.values()]
        )
        if observe:
            self._start_watchers(progress, start)
        self.write_endpoints()

    def _start_watchers(self, progress, start):
        """When all ports are settled: Prometheus is told of them, and of the others."""
        watchers = self._watchers()
        for component in watchers:
            start(component, True)
        missing = [component for component in map(self.component, ("prometheus", "alertmanager")) if component not in watchers]
        if missing:
            names = " and ".join(component.name for component in missing)
            packages = " ".join(component.package for component in missing)
            progress.note(f"without {names}, not installed here (as root: apt-get install --no-install-recommends {packages})")

    def _build(self, progress, verbose):
        build(self.layout, progress, verbose)
        check_binaries(self.layout)

    def _choose_ports(self):
        for component in self._components.values():
            for name in component.port_names():
                self.settings.port(name)

    def start(self, progress, name, wait_ready=True):
        """Starts one process; servers keep their port when somebody relies on it."""
        self.issuer.create()
        component: Component = self.component(name)
        relied_on = name in SERVERS and bool(set(self.running()).intersection(self.processes))
        component.start(progress, may_move=not relied_on, wait=wait_ready)
        self.write_endpoints()

    def stop(self, progress, name, kill=False):
        return self.component(name).stop(progress, kill)

    def down(self, progress, names=(*NAMES, *BESIDE)):
        """Stops processes in order: ours at once, then the broker, then the database, then what watched them."""
        ours = [self.processes[name] for name in names if name in self.processes]
        _in_parallel(progress, [lambda c=component: c.stop(progress) for component in ours])
        for name in ("rabbitmq", "postgres"):
            if name in names:
                self._servers[name].stop(progress)
        for component in (self.component(name) for name in BESIDE if name in names):
            if component.runs() or self.registry.lost(component.name):
                component.stop(progress)

    def end_leftovers(self, progress):
        """Ends processes of this state folder that nobody wrote down."""
        for name in (*NAMES, *BESIDE):
            self.component(name).end_leftovers(progress)

    def write_endpoints(self):
        endpoints = {}
        self.issuer.create()
        for service in SERVICES:
            endpoints[f"{service}_api"] = self.processes[f"{service}-api"].http_url
        endpoints["amqp_url"] = self.amqp_url()
        for service in SERVICES:
            endpoints[f"{service}_database_url"] = self.database_url(service)
        for name, process in self.processes.items():
            endpoints[f"{name.replace('-', '_')}_admin"] = process.admin_url
        endpoints["admin_token"] = self.settings.password("admin_token")
        endpoints["token"] = self.issuer.token("operator", ["admin"], TOKEN_SECONDS)
        if self.authority is not None:
            endpoints["ca_file"] = str(self.authority.file)
        if self.certificate_file is not None:
            endpoints["certificate_file"] = self.certificate_file
        write_json(self.layout.endpoints_file, endpoints)
        if self._servers["postgres"] is self.postgres:
            write_json(self.layout.superuser_file, {"postgres_superuser_url": self.postgres.superuser_url()})

    def print_addresses(self):
        rows = []
        for name in (*NAMES, *self.beside()):
            component = self.component(name)
            rows.append([name, component.address(), component.admin_url or ""])
        terminal.table(["process", "address", "admin (health, metrics)"], rows)
        terminal.say(f"  addresses, passwords and a token: {self.layout.endpoints_file}")


def running_system(layout, *names):
    """The system of a state folder, of which these processes must run; fails at once when they don't."""
    if not layout.exists():
        raise LauncherError("nothing was started yet; ./cartwheel up does it")
    system = System(layout)
    stopped = [name for name in names if not system.component(name).runs()]
    if stopped:
        raise LauncherError(f"not running: {', '.join(stopped)}; ./cartwheel up starts what does not run")
    return system


def _in_parallel(progress, jobs):
    """Runs all jobs at once; raises the first failure, after the others were told and have ended."""
    if not jobs:
        return
    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            progress.cancelled.set()
            raise
