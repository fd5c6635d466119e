"""Row 15: the database's primary dies for good, a standby on another port takes over."""

import os
import pathlib
import pwd
import signal
import subprocess
import tempfile

import psycopg

from support.databases import Databases
from support.names import SERVICES
from support.system import free_port
from support.waits import eventually

from faults.fleet import address_of, with_address
from faults.rows import row

PROGRAMS = pathlib.Path("/usr/lib/postgresql")


class Standby:
    """A copy of the system's cluster that follows it, with data and a port of its own."""

    def __init__(self, run):
        self._system = run.system
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="cartwheel-standby-", dir="/var/tmp")
        self._data = pathlib.Path(self._folder.name) / "data"
        self._programs = max(PROGRAMS.glob("*/bin"), key=lambda path: int(path.parent.name))
        self._account = _account()
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
        url = with_address(self._system.databases.superuser_urls[0], self._primary_port()) + "?application_name=standby"
        copy = self._run("pg_basebackup", "-d", url, "-D", str(self._data), "-R", "-X", "stream", "-c", "fast")
        assert copy.wait(60) == 0, "not injected: pg_basebackup failed"
        self._process = self._run("postgres", "-D", str(self._data), "-c", f"port={self.port}")
        self._wait_state("streaming")

    def _primary_port(self):
        return address_of(self._system.databases.superuser_urls[0])[1]

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


def _account():
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


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
    run.standby.promote()
    run.databases = run.standby.databases
    run.system = MovedSystem(run.primary, run.databases)
    run.proxies["postgres"].target = ("127.0.0.1", run.standby.port)
    run.proxies["postgres"].cut()
    eventually(lambda: run.databases.value("order", "select not pg_is_in_recovery()"), "the standby to be primary", 30)
