"""What each service finds in its database."""

import re

from launcher import terminal
from launcher.catalogue import read as catalogue
from launcher.services import SERVICES, migrate

from .checks import ERROR, WARNING, Check, NotChecked, Problem, Unasked, Unreachable

MIGRATION = re.compile(r'\.version = (\d+),\n\s+\.name = "(\w+)",.*?\.checksum = "([0-9a-f]{64})"', re.DOTALL)
DEAD_ROWS = 1_000_000  # of a table: autovacuum comes at a fifth of it
DEAD_SHARE = 0.5
MOST_AGE = 1_000_000_000  # transactions; the server stops at two thousand million
MIGHTY = ("pg_read_all_data", "pg_write_all_data", "pg_read_server_files", "pg_write_server_files", "pg_execute_server_program",
          "pg_signal_backend")  # fmt: skip

APPLIED = "select version, name, checksum from schema_migrations order by version"
HAS_APPLIED = "select to_regclass('public.schema_migrations') is not null"
ATTRIBUTES = """
    select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles where rolname = current_user"""
MEMBERSHIPS = """
    select rolname from pg_roles where rolname = any(%s) and pg_has_role(current_user, oid, 'member') order by rolname"""
STRANGERS = """
    select rolname from pg_roles where rolcanlogin and not rolsuper and rolname <> current_user
       and has_database_privilege(oid, current_database(), 'connect')
       and not pg_has_role(oid, 'pg_monitor', 'member') order by rolname"""
LACKS = """
    select c.relname, string_agg(p, ', ') from pg_class c cross join unnest(array['select', 'insert', 'update', 'delete']) p
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'
       and not has_table_privilege(c.oid, p) group by c.relname order by c.relname"""
TABLES = """
    select s.relname, n_dead_tup, n_live_tup, coalesce('autovacuum_enabled=false' = any(c.reloptions), false)
      from pg_stat_user_tables s join pg_class c on c.oid = s.relid order by s.relname"""
AGE = "select age(datfrozenxid), current_setting('autovacuum') from pg_database where datname = current_database()"


def each(look):
    """A look at every database: @look(session, service) yields problems."""
    def looks(patient):
        import psycopg

        for service in SERVICES:
            try:
                yield from look(patient, patient.session(service), service)
            except NotChecked as reason:
                yield Unasked(service, str(reason))
            except psycopg.Error as error:
                yield Unasked(service, " ".join(str(error).split()))
    return looks


def _reached(patient):
    for service in SERVICES:
        try:
            patient.session(service)
        except Unreachable as away:
            yield Problem(service, f"{away}: {away.detail}")
        except NotChecked as reason:
            yield Unasked(service, str(reason))


def built(layout, service):
    """{version: (name, checksum)} of the migrations that are in the service's migrator."""
    source = layout.build / "services" / f"{service}_migrations.c"
    try:
        text = source.read_text(encoding="ascii")
    except OSError as error:
        raise NotChecked(f"nothing is built in {layout.build}: ./cartwheel build") from error
    return {int(version): (name, checksum) for version, name, checksum in MIGRATION.findall(text)}


def _schema(patient, session, service):
    wanted = built(patient.layout, service)
    if not session.execute(HAS_APPLIED).fetchone()[0]:
        yield Problem(service, "nothing was ever migrated here")
        return
    applied = {version: (name, checksum) for version, name, checksum in session.execute(APPLIED)}
    if missing := sorted(set(wanted) - set(applied)):
        yield Problem(service, f"migration {missing[0]:04}_{wanted[missing[0]][0]} is missing, of {len(wanted)} that this build has")
    if newer := sorted(set(applied) - set(wanted)):
        yield Problem(service, f"migration {newer[0]:04}_{applied[newer[0]][0]} is newer than this build")
    for version in sorted(set(applied) & set(wanted)):
        if applied[version] != wanted[version]:
            yield Problem(service, f"migration {version:04}_{applied[version][0]} is not that of this build, by its checksum")


def migrate_here(patient, problems):
    """Migrators bring a database and the service's part of the broker up to date, and change nothing that is."""
    services = dict.fromkeys(problem.where.partition("/")[0] for problem in problems)
    if patient.local is None:
        return
    with patient.layout.lock(terminal.say), terminal.Progress() as progress:
        for service in services:
            migrate(patient.layout, patient.local.servers, service, progress)


def _rights(patient, session, service):
    names = ("a superuser", "allowed to make roles", "allowed to make databases", "allowed to replicate", "above row security")
    held = session.execute(ATTRIBUTES).fetchone()
    if too_much := [name for name, has in zip(names, held) if has]:
        yield Problem(service, f"its role is {', '.join(too_much)}")
    if not held[0]:
        if roles := [name for (name,) in session.execute(MEMBERSHIPS, (list(MIGHTY),))]:
            yield Problem(service, f"its role is a member of {', '.join(roles)}")
        for table, privileges in session.execute(LACKS):
            yield Problem(service, f"its role may not {privileges} in {table}", ERROR)
    if strangers := [name for (name,) in session.execute(STRANGERS)]:
        yield Problem(service, f"others may connect to its database: {', '.join(strangers)}")


def _shut_out(patient, problems):
    """What the launcher sets up at every start of a PostgreSQL of its own."""
    if postgres := patient.ours("postgres"):
        postgres.complete()


def _bloat(patient, session, service):
    for table, dead, live, off in session.execute(TABLES):
        if off:
            yield Problem(service, f"autovacuum is off for table {table}")
        if dead >= DEAD_ROWS and dead > DEAD_SHARE * live:
            yield Problem(service, f"table {table} has {dead:,} dead rows beside {live:,}")
    age, autovacuum = session.execute(AGE).fetchone()
    if autovacuum == "off":
        yield Problem(service, "autovacuum is off", ERROR)
    if age > MOST_AGE:
        yield Problem(service, f"its oldest transaction id is {age:,} transactions old", ERROR)


def _pooler(patient, session, service):
    """Two sessions that are open at once have two processes of the server, unless it lends one out by transactions."""
    mine, = session.execute("select pg_backend_pid()").fetchone()
    other = patient.connect(patient.address(f"{service}_database_url"))
    if other.execute("select pg_backend_pid()").fetchone()[0] == mine:
        yield Problem(service, "what answers at its URL is a pooler that gives each transaction another session")


def _limits(patient, session, service):
    """How many sessions the role and the database may have, against what one API and one worker open."""
    wanted = sum(catalogue()[service].connections.values())
    for what, limit in session.execute("""
            select 'role ' || rolname, rolconnlimit from pg_roles where rolname = current_user union all
            select 'database ' || datname, datconnlimit from pg_database where datname = current_database()"""):
        if 0 <= limit < wanted:
            yield Problem(service, f"{what} may have {limit} connections; one API and one worker open {wanted}")


CHECKS = (
    Check(
        "database.reached", "each service's database answers", ERROR,
        "a service without its database answers 503, and its worker stands still",
        "start PostgreSQL; check host, port and password in DATABASE_URL, and pg_hba.conf",
        _reached,
    ),
    Check(
        "database.schema", "the schema is the one that this build was made for", ERROR,
        "a process is not ready before it finds the schema of its build",
        "run the migrators of the build that runs (./cartwheel up; --fix runs them)",
        each(_schema), migrate_here,
    ),
    Check(
        "database.rights", "each role may do what its service does, and nobody else may enter", WARNING,
        "a service that is broken into must not open the others' data; one that lacks a right retries for ever",
        "alter role ... nosuperuser nocreaterole nocreatedb; revoke connect on database ... from public; tables belong to the "
        "service's role (--fix shuts public out, of a PostgreSQL of the launcher's own)",
        each(_rights), _shut_out,
    ),
    Check(
        "database.bloat", "autovacuum keeps up", WARNING,
        "dead rows make each claim of the outbox and each list slower, and fill the disk",
        "alter table ... reset (autovacuum_enabled); end what holds an old snapshot (server.snapshot), then vacuum (analyze) the table",
        each(_bloat),
    ),
    Check(
        "database.pooler", "no pooler gives sessions away between transactions", ERROR,
        "prepared statements and settings of a session are then missing or another's: the processes are not ready",
        "pool_mode = session (docs/deployment.md, Poolers)",
        each(_pooler),
    ),
    Check(
        "database.limits", "role and database may have the connections that the processes open", WARNING,
        "lanes that get no connection do nothing, and requests wait for them until they are answered 503",
        "alter role ... connection limit -1; alter database ... connection limit -1 (docs/deployment.md has the numbers)",
        each(_limits),
    ),
)  # fmt: skip
