"""What the database servers are set to, and what room they have."""

import shutil
import time

from .checks import ERROR, WARNING, Check, NotChecked, Problem, Unasked

MOST_CONNECTIONS = 0.8
OLD_SECONDS = 600  # of a transaction: what died since is kept for it
WAL_TIMES = 4  # max_wal_size, which a checkpoint keeps to
FEW_BYTES, LEAST_BYTES = 4 << 30, 1 << 30  # free, of the disk
FEW_SHARE, LEAST_SHARE = 0.10, 0.03
SKEW_SECONDS, WRONG_SECONDS = 1, 30

DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
ROOM = """
    select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
           (select count(*) from pg_stat_activity where usesysid is not null)"""
SEES_ALL = "select pg_has_role(current_user, 'pg_read_all_stats', 'member')"
OLD_SESSIONS = """
    select pid, usename, datname, state, extract(epoch from clock_timestamp() - xact_start)::bigint from pg_stat_activity
     where xact_start < clock_timestamp() - %s * interval '1 second' and backend_type = 'client backend' order by xact_start"""
OLD_PREPARED = """
    select gid, database, extract(epoch from clock_timestamp() - prepared)::bigint from pg_prepared_xacts
     where prepared < clock_timestamp() - %s * interval '1 second' order by prepared"""
SLOTS = """
    select slot_name, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) from pg_replication_slots
     where not active and not pg_is_in_recovery() order by slot_name"""
WAL = "select sum(size)::bigint, %s * pg_size_bytes(current_setting('max_wal_size')) from pg_ls_waldir()"
MAY_SEE_WAL = "select has_function_privilege('pg_ls_waldir()', 'execute')"


def each(look):
    """A look at every server: @look(patient, server, service) yields problems; the service has a database there."""
    def looks(patient):
        import psycopg

        if not patient.servers():
            raise NotChecked(f"{patient.file} names no database")
        for server, service in patient.servers().items():
            try:
                yield from look(patient, server, service)
            except NotChecked as reason:
                yield Unasked(server, str(reason))
            except psycopg.Error as error:
                yield Unasked(server, " ".join(str(error).split()))
    return looks


def _durability(patient, server, service):
    for setting in DURABLE:
        value, = patient.session(service).execute("select current_setting(%s)", (setting,)).fetchone()
        if value == "off":
            yield Problem(server, f"{setting} is off")


def offset(ask):
    """(seconds that a clock is ahead of ours, how far that may be wrong)."""
    before = time.time()
    theirs = ask()
    after = time.time()
    return theirs - (before + after) / 2, (after - before) / 2


def clock_problem(where, ahead, unsure):
    """None where it is within what can be told."""
    if abs(ahead) - unsure < SKEW_SECONDS:
        return None
    word = "ahead of" if ahead > 0 else "behind"
    return Problem(where, f"its clock is {abs(ahead):.1f} s {word} that of this machine", ERROR if abs(ahead) > WRONG_SECONDS else None)


def _clock(patient, server, service):
    session = patient.session(service)
    problem = clock_problem(server, *offset(lambda: float(session.execute("select extract(epoch from clock_timestamp())").fetchone()[0])))
    if problem:
        yield problem


def _connections(patient, server, service):
    most, used = patient.session(service).execute(ROOM).fetchone()
    if used > MOST_CONNECTIONS * most:
        yield Problem(server, f"{used} of {most} connections are in use")


def _snapshot(patient, server, service):
    session = patient.observer(service)
    for pid, role, database, state, age in session.execute(OLD_SESSIONS, (OLD_SECONDS,)):
        yield Problem(server, f"session {pid} of {role} in {database} ({state}) has a transaction that is {age} s old")
    for name, database, age in session.execute(OLD_PREPARED, (OLD_SECONDS,)):
        yield Problem(server, f"the prepared transaction {name} in {database} is {age} s old")
    if not session.execute(SEES_ALL).fetchone()[0]:
        yield Unasked(server, "sessions of other roles: the service's role does not see them (postgres_superuser_url in the endpoints "
                              "file, or grant pg_read_all_stats)")


def _wal(patient, server, service):
    session = patient.observer(service)
    for slot, kept in session.execute(SLOTS):
        yield Problem(server, f"nobody reads from replication slot {slot}, which keeps {kept or 'all'} of the log")
    if not session.execute(MAY_SEE_WAL).fetchone()[0]:
        yield Unasked(server, "how large the log is: the service's role may not look (postgres_superuser_url in the endpoints file)")
        return
    size, most = session.execute(WAL, (WAL_TIMES,)).fetchone()
    if size > most:
        yield Problem(server, f"the write-ahead log takes {size >> 20} MiB, {WAL_TIMES} times max_wal_size and more")


def _disk(patient, server, service):
    if not patient.ours("postgres"):
        raise NotChecked("PostgreSQL does not tell how full its disk is: look at the volume of its data")
    usage = shutil.disk_usage(patient.local.servers.data_folder())
    share, free = usage.free / usage.total, f"{usage.free / (1 << 30):.1f} GiB"
    if usage.free < FEW_BYTES or share < FEW_SHARE:
        worst = usage.free < LEAST_BYTES or share < LEAST_SHARE
        yield Problem(server, f"{free} of the disk are left, {share:.0%}", ERROR if worst else None)


CHECKS = (
    Check(
        "server.durability", "what is committed is on the disk", ERROR,
        "a crash of the machine loses orders that customers were told are placed, or the whole database",
        "alter system set fsync = on (full_page_writes, synchronous_commit alike), select pg_reload_conf(); look for a setting of the "
        "role or the database: alter role ... reset synchronous_commit",
        each(_durability),
    ),
    Check(
        "server.clock", "the database servers' clocks are right", WARNING,
        "ids, deadlines, pauses and the order of events follow clocks: orders look late, retries come early",
        "let chrony or systemd-timesyncd set the clock of each machine",
        each(_clock),
    ),
    Check(
        "server.connections", "connections are left", WARNING,
        "a process that starts, or comes back after an outage, gets none, and is not ready",
        "raise max_connections, run fewer copies, or end sessions that nobody uses",
        each(_connections),
    ),
    Check(
        "server.snapshot", "no transaction is old", WARNING,
        "nothing that died since can be vacuumed, so every table grows and every claim of the outbox gets slower",
        "select pg_terminate_backend(PID), rollback prepared 'NAME'; set idle_in_transaction_session_timeout for such clients",
        each(_snapshot),
    ),
    Check(
        "server.wal", "the write-ahead log is as small as it should be", WARNING,
        "a log that grows fills the disk, and then PostgreSQL stops",
        "select pg_drop_replication_slot('NAME') when its reader will not come back; otherwise look at archive_command and the disk",
        each(_wal),
    ),
    Check(
        "server.disk", "the disk has room", WARNING,
        "on a full disk PostgreSQL stops, and every service with it",
        "make room or enlarge the volume; docs/operations.md, Retention, says what goes by itself",
        each(_disk),
    ),
)  # fmt: skip
