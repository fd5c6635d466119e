"""Rows 15 and 15b: the database's primary dies for good, a standby on another port takes over."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time

import psycopg

from support.databases import Databases
from support.names import SERVICES, WORKERS
from support.proxy import Proxy
from support.system import account_of, free_port
from support.urls import address_of, with_address
from support.waits import eventually

from faults import losses
from faults.rows import row

PROGRAMS = pathlib.Path("/usr/lib/postgresql")


class Standby:
    """A copy of the system's cluster that follows it, with data and a port of its own."""

    def __init__(self, run, through=None):
        """@through: the port of a proxy before the primary, over which it follows."""
        self._system = run.system
        self._through = through or address_of(run.system.databases.superuser_urls[0])[1]
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="cartwheel-standby-", dir="/var/tmp")
        self._data = pathlib.Path(self._folder.name) / "data"
        self._programs = max(PROGRAMS.glob("*/bin"), key=lambda path: int(path.parent.name))
        self._account = account_of("postgres")
        if self._account:
            os.chown(self._folder.name, self._account["user"], self._account["group"])
        self._process = None
        self._copy()

    @property
    def databases(self):
        old = self._system.databases
        return Databases({s: with_address(old.url(s), self.port) for s in SERVICES},
                         [with_address(old.superuser_urls[0], self.port)])

    def _run(self, program, *arguments, **options):
        return subprocess.Popen([str(self._programs / program), *arguments], cwd=self._folder.name,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, **self._account, **options)

    def _copy(self):
        url = with_address(self._system.databases.superuser_urls[0], self._through) + "?application_name=standby"
        copy = self._run("pg_basebackup", "-d", url, "-D", str(self._data), "-R", "-X", "stream", "-c", "fast")
        assert copy.wait(60) == 0, "not injected: pg_basebackup failed"
        self._process = self._run("postgres", "-D", str(self._data), "-c", f"port={self.port}")
        self._wait_state("streaming")

    def _wait_state(self, state, sync=None):
        def follows():
            with self._system.databases.superuser() as connection:
                return connection.execute("select 1 from pg_stat_replication where state = %s"
                                          " and (%s::text is null or sync_state = %s)", (state, sync, sync)).fetchall()
        eventually(follows, "the standby to follow", 30)

    def synchronous(self, yes):
        """Whether a commit waits for the standby."""
        with self._system.databases.superuser() as connection:
            connection.execute("set synchronous_commit = local")
            connection.execute(f"alter system {'set' if yes else 'reset'} synchronous_standby_names"
                               + (" = '*'" if yes else ""))
            connection.execute("select pg_reload_conf()")
        if yes:
            self._wait_state("streaming", "sync")

    def wait_received(self):
        """Until it has all that is committed on the primary now."""
        with self._system.databases.superuser() as connection:
            written = connection.execute("select pg_current_wal_lsn()").fetchone()[0]
        with self.databases.superuser() as connection:
            eventually(lambda: connection.execute("select pg_last_wal_receive_lsn() >= %s::pg_lsn",
                                                  (written,)).fetchone()[0], "the standby to receive it", 30)

    def forget_on_primary(self):
        """The dead primary must not wait for a standby when it is started again."""
        settings = self._system.home / "postgres" / "data" / "postgresql.auto.conf"
        lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
        settings.write_text("".join(l for l in lines if "synchronous_standby_names" not in l), encoding="utf-8")

    def promote(self):
        with self.databases.superuser() as connection:
            connection.execute("select pg_promote()")

    def close(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        self._folder.cleanup()


class MovedSystem:
    """The system, with its databases at the standby's port."""

    def __init__(self, system, databases):
        self._system = system
        self.databases = databases

    def __getattr__(self, name):
        return getattr(self._system, name)


def _follow(run):
    """A standby for the length of the run; then the old primary is the only one again."""
    run.primary = run.system
    run.standby = Standby(run)
    try:
        run.standby.synchronous(True)
        yield
    finally:
        _go_back(run)


def _go_back(run):
    run.system = run.primary
    if not _answers(run.primary):
        run.primary.launcher("start", "postgres")
    else:
        run.standby.synchronous(False)
    run.standby.close()


def _answers(system):
    try:
        with system.databases.superuser():
            return True
    except psycopg.OperationalError:
        return False


@row("15", "the database's primary dies, its synchronous standby takes over", proxied=("postgres",), prepare=_follow)
def failover(run):
    run.primary.launcher("stop", "postgres", "--kill")
    run.standby.forget_on_primary()
    _take_over(run)


def _take_over(run):
    run.standby.promote()
    run.databases = run.standby.databases
    run.system = MovedSystem(run.primary, run.databases)
    run.proxies["postgres"].target = ("127.0.0.1", run.standby.port)
    run.proxies["postgres"].cut()
    eventually(lambda: run.databases.value("order", "select not pg_is_in_recovery()"), "the standby to be primary", 30)


STUCK_AFTER_S = 2  # then an order whose event was lost is announced again


def _follow_asynchronously(run):
    """A commit waits for nobody, and what lies between the two can be held up."""
    run.primary = run.system
    with Proxy(address_of(run.system.databases.superuser_urls[0])) as run.replication:
        run.standby = Standby(run, run.replication.port)
        try:
            yield
        finally:
            _go_back(run)


@row("15b", "the database's primary dies, its asynchronous standby takes over, which lacks what came last",
     proxied=("postgres",), prepare=_follow_asynchronously, poisoned=False, judge=losses.judge,
     backlog_s=losses.HEALED_S, everywhere={"ORDER_STUCK_AFTER": f"{STUCK_AFTER_S}s"})
def asynchronous_failover(run):
    """One worker stands still meanwhile: the broker then has events of what the standby never heard of."""
    still = run.random.choice(WORKERS)
    run.note("stood still", still)
    run.complete_at = time.monotonic()
    run.standby.wait_received()
    run.replication.freeze()
    run.fleet.signal(still, signal.SIGSTOP)
    run.load.grow(20 + run.nth(200))
    run.primary.launcher("stop", "postgres", "--kill")
    run.replication.cut()  # what was on its way is gone too
    _take_over(run)
    run.replaced_at = time.monotonic()
    run.fleet.signal(still, signal.SIGCONT)
