"""A private PostgreSQL cluster on 127.0.0.1: one role and one database a service."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from . import catalogue, processes
from .accounts import Account, belongs_to, set_aside
from .certificates import Authority
from .component import Component
from .layout import LauncherError

PROGRAMS = Path("/usr/lib/postgresql")
SUPERUSER = "postgres"
OBSERVER = "cartwheel_observer"  # whom postgres_exporter is: reads statistics, and no table
RELOAD_SECONDS = 10
INSTANCE = "cartwheel.instance"  # file in the cluster: the settings it was made under

# What each service owns: service -> (role, database).
DATABASES = {name: (service.role, service.database) for name, service in catalogue.read().items()}

CONFIGURATION = """\
# Written by ./cartwheel at every start. Use "alter system" for changes of your own.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''    # paths of sockets may have 107 bytes only; nobody needs one here
max_connections = 200
shared_buffers = 256MB
wal_compression = lz4            # of whole pages, which random keys write many of
fsync = on
synchronous_commit = on
password_encryption = 'scram-sha-256'
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
"""

READ_ONLY = "default_transaction_read_only = on\n"

# With TLS. Nothing else of the cluster's own pg_hba.conf holds then: who comes without is refused.
TLS_CONFIGURATION = """\
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
hba_file = '{data}/tls_hba.conf'
"""
TLS_HBA = "hostssl all all 127.0.0.1/32 scram-sha-256\n"

# psql variables: role, database, password. Idempotent.
SETUP_SERVICE = """\
select format('create role %I login', :'role')
 where not exists (select from pg_roles where rolname = :'role') \\gexec
alter role :"role" with login password :'password';
select format('create database %I owner %I', :'database', :'role')
 where not exists (select from pg_database where datname = :'database') \\gexec
revoke all on database :"database" from public;
"""
# The same for who has no database of his own.
SETUP_OBSERVER = """\
select format('create role %I login', :'role')
 where not exists (select from pg_roles where rolname = :'role') \\gexec
alter role :"role" with login password :'password';
grant pg_monitor to :"role";
grant connect on database postgres to :"role";
"""
SETUP_SERVER = "revoke connect, temporary on database postgres, template1 from public;\n"


class Postgres(Component):
    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends the sessions, writes a checkpoint, goes
    stop_seconds = 30

    def __init__(self, layout, settings, registry, data_folder):
        super().__init__(layout, settings, registry)
        self._data_folder = data_folder  # function: the folder that holds the servers' data

    def port_names(self):
        return ["postgres"]

    def url(self, role, database, password_name=None):
        password = self.settings.password(f"postgres_{password_name or role}")
        if not self.settings.tls:
            return f"postgresql://{role}:{password}@{self.address()}/{database}"
        place = f"localhost:{self.settings.port('postgres')}"
        root = quote(str(Authority(self.layout.tls).file))
        return f"postgresql://{role}:{password}@{place}/{database}?sslmode=verify-full&sslrootcert={root}"

    def service_url(self, service):
        return self.url(*DATABASES[service])

    def superuser_url(self):
        return self.url(SUPERUSER, "postgres")

    def observer_url(self):
        """Of a role for postgres_exporter, which is made when it is not there; the server runs."""
        password = self.settings.password(f"postgres_{OBSERVER}")
        done = self._psql(f"\\set role {OBSERVER}\n\\set password {password}\n{SETUP_OBSERVER}")
        if done.returncode != 0:
            raise LauncherError(f"cannot make the role {OBSERVER}: {done.stdout}")
        return self.url(OBSERVER, "postgres")

    def launch(self, progress):
        account = Account("postgres")
        folder = self._data_folder() / "postgres"
        account.own(folder)
        data = folder / "data"
        programs = self._settle_data(data, progress)
        if not data.exists():
            progress.update(self.name, "creating the cluster")
            self._create(account, folder, data, programs)
        self._remove_stale_pid_file(data)
        if self.settings.tls:
            self._provide_certificate(account, data)
        self._configure(account, data)
        return processes.spawn(
            self.layout, self.name, [str(programs / "postgres"), "-D", str(data)], _environ(), account, data
        )

    def _configure(self, account, data, more=""):
        configuration = CONFIGURATION.format(port=self.settings.port("postgres"))
        if self.settings.tls:
            configuration += TLS_CONFIGURATION.format(data=data)
        account.write(data / "cartwheel.conf", configuration + more)

    def is_read_only(self):
        shown = self._psql("show default_transaction_read_only")
        return shown.returncode == 0 and "on" in shown.stdout.split()

    def set_read_only(self, wanted):
        """Of all sessions, those that are open too, until it is set otherwise or the server is started again."""
        self._configure(Account("postgres"), self._data_folder() / "postgres" / "data", READ_ONLY if wanted else "")
        self._psql("select pg_reload_conf()")
        deadline = time.monotonic() + RELOAD_SECONDS
        while self.is_read_only() != wanted:
            if time.monotonic() > deadline:
                raise LauncherError(f"the database server does not read its configuration again; see {self.layout.log(self.name)}")
            time.sleep(0.05)

    def _provide_certificate(self, account, data):
        certificate, key = Authority(self.layout.tls).issue(self.name)
        account.write(data / "server.crt", certificate.read_text(encoding="ascii"))
        account.write(data / "server.key", key.read_text(encoding="ascii"))
        account.write(data / "tls_hba.conf", TLS_HBA)

    def _settle_data(self, data, progress):
        """Puts data aside that we cannot run; the programs for what remains."""
        versions = {path.parent.parent.name: path.parent for path in PROGRAMS.glob("*/bin/postgres")}
        if not versions:
            raise LauncherError(f"no PostgreSQL server below {PROGRAMS} (Debian package postgresql)")
        newest = versions[max(versions, key=int)]
        if not data.exists():
            return newest
        try:
            version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
        except OSError:
            version = "unknown"
        if version not in versions:
            set_aside(data, f"the cluster of PostgreSQL {version} has no server here", progress.note)
        elif not belongs_to(data / INSTANCE, self.settings):
            set_aside(data, "the passwords of this PostgreSQL cluster are lost", progress.note)
        return versions.get(version, newest)

    def _create(self, account, folder, data, programs):
        """initdb beside the final place, so that one that was interrupted is never taken for whole."""
        new = folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        password_file = folder / "password"
        account.write(password_file, self.settings.password(f"postgres_{SUPERUSER}") + "\n")
        try:
            done = subprocess.run(
                [
                    str(programs / "initdb"),
                    "--pgdata", str(new),
                    "--username", SUPERUSER,
                    "--auth", "scram-sha-256",
                    "--pwfile", str(password_file),
                    "--encoding", "UTF8",
                    "--locale", "C.UTF-8",
                ],
                cwd=folder,
                env=_environ(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                **account.popen_arguments(),
            )
        finally:
            password_file.unlink(missing_ok=True)
        if done.returncode != 0:
            raise LauncherError(f"initdb failed:\n{done.stdout}")
        with open(new / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write("\ninclude_if_exists 'cartwheel.conf'\n")
        account.write(new / INSTANCE, self.settings.instance)
        new.rename(data)

    def _remove_stale_pid_file(self, data):
        """The server removes the file of a dead one itself, unless the pid is somebody else's now."""
        pid_file = data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="ascii").split()[0])
        except (OSError, ValueError, IndexError):
            return
        try:
            ours = Path(f"/proc/{pid}/cwd").resolve() == data.resolve()
        except OSError:
            ours = False
        if ours and processes.start_time(pid) is not None:
            processes.stop(pid, self.stop_signal, self.stop_seconds)
        else:
            pid_file.unlink(missing_ok=True)

    def probe(self):
        if not self._says_ready():
            return "starting"
        return None if self._psql("select 1").returncode == 0 else "refuses connections"

    def _says_ready(self):
        """What the server writes into the eighth line of its pid file, where pg_ctl looks too. To
        ask by connecting would fill its log with refusals."""
        try:
            pid_file = self._data_folder() / "postgres" / "data" / "postmaster.pid"
            lines = pid_file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and int(lines[0]) == self.pid()

    def complete(self):
        if self.is_read_only():
            self.set_read_only(False)
        script = SETUP_SERVER
        for role, database in DATABASES.values():
            password = self.settings.password(f"postgres_{role}")
            script += f"\\set role {role}\n\\set database {database}\n\\set password {password}\n"
            script += SETUP_SERVICE
        deadline = time.monotonic() + 30
        while (done := self._psql(script)).returncode != 0:
            # A service that connects at this very moment keeps "create database" from its template.
            if time.monotonic() > deadline:
                raise LauncherError(f"cannot set up the databases: {done.stdout}")
            time.sleep(0.1)

    def _psql(self, script):
        return subprocess.run(
            ["/usr/bin/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            env={**_environ(), **connection_environ(self.superuser_url())},
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def connection_environ(url):
    """libpq's variables for a URL of ours: the password stays out of every command line."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    environ = {
        "PGHOST": parts.hostname or "localhost",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.removeprefix("/"),
        "PGCONNECT_TIMEOUT": "5",
    }
    return environ | {f"PG{name.upper()}": value for name, value in options.items()}


def _environ():
    """A server's environment holds nothing of the reader's, who may have PGDATA and the like set."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
