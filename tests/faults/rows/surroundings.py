"""Rows 16, 27 to 30 and 33: room on the disk, the clock, webhooks, resources, abuse, upgrades."""

import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import threading

from support.abuse import SLOW_HEAD, send_inputs
from support.fakes import MADE_UP, FakeHttp
from support.names import PROCESSES

from faults.rows import row

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


# --- 27: the clock --------------------------------------------------------------------------------


def _faked_clock(run, stack):
    """Each service has a clock file of its own; only what says the time of day is faked."""
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-clock-")))
    run.clocks = {}
    changes = {}
    for name in PROCESSES:
        run.clocks[name] = folder / name
        run.clocks[name].write_text("+0\n", encoding="ascii")
        changes[name] = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(run.clocks[name]),
                         "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return changes


@row("27", "clocks: an hour forward and back, 2038, services five minutes apart", environment=_faked_clock)
def clocks(run):
    """orders.created_at and ids follow the process' clock; nothing that decides may."""
    assert pathlib.Path(FAKETIME).exists(), "not injected: the Debian package libfaketime is missing"
    for step in ("+3600s", "-3600s", "@2038-01-19 03:14:00"):
        for name in PROCESSES:
            run.clocks[name].write_text(step + "\n", encoding="ascii")
        run.pause(2)
        run.load.grow(30)
    for number, name in enumerate(PROCESSES):
        run.clocks[name].write_text(f"{(number - 2) * 300:+d}s\n", encoding="ascii")
    run.pause(2)
    run.load.grow(60)


# --- 28: mail and webhooks ------------------------------------------------------------------------


class Webhook:
    """Takes notifications; while it is moody, each answer is of another kind."""

    def __init__(self, random_):
        self._random = random_
        self._lock = threading.Lock()
        self.moody = False
        self.keys = set()  # of what it said yes to
        self.http = FakeHttp(self._respond)

    def _respond(self, method, path, body):
        with self._lock:
            mood = self._random.choice(["ok", "500", "503", "429", "404", "none"]) if self.moody else "ok"
        if mood == "none":
            return None, None
        return (200, {}) if mood == "ok" else (int(mood), {"error": "moody"})


def _webhook(run, stack):
    run.webhook = Webhook(run.random)
    stack.enter_context(run.webhook.http)
    return {"notification-worker": MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": run.webhook.http.url}}


def _told(run, history):
    """I5: what is Sent was asked for with the id of its event; what the server refused for good is Failed."""
    keys = {headers.get("Idempotency-Key") for _, _, headers, _ in run.webhook.http.requests}
    sent = {event for event, in run.databases.rows(
        "notification", "select event_id::text from notifications where status = 3")}
    missing = sent - keys
    return [f"I5: {event} is Sent, but nothing was sent" for event in sorted(missing)[:3]]


@row("28", "webhook: 4xx, 5xx, 429, connections closed without an answer", environment=_webhook,
     rate=40, more_files=48, check=_told)
def webhook(run):
    run.webhook.moody = True
    run.load.grow(60)
    run.pause(3)
    run.webhook.moody = False


# --- 29: resources --------------------------------------------------------------------------------


@row("29", "file descriptors run out; every system call is interrupted again and again")
def resources(run):
    for name in PROCESSES:
        pid = run.fleet[name].process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len_fds(pid) + 4, len_fds(pid) + 4))
    idle = []
    try:
        for _ in range(64):
            idle.append(socket.create_connection(run.fleet.address, timeout=5))
        run.pause(2)
    finally:
        for connection in idle:
            connection.close()
    run.load.grow(20)
    for name in PROCESSES:
        run.fleet.restart(name)
    for _ in range(200):  # stopped and continued: waits return EINTR
        for name in PROCESSES:
            run.fleet.signal(name, signal.SIGSTOP)
            run.fleet.signal(name, signal.SIGCONT)
        run.pause(0.005)


def len_fds(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


# --- 30: abuse ------------------------------------------------------------------------------------

@row("30", "HTTP abuse: slow heads, idle connections, broken and ambiguous requests, resets", rate=80)
def abuse(run):
    address = run.fleet.address
    slow = [socket.create_connection(address, timeout=5) for _ in range(300)]
    for connection in slow[:150]:
        connection.sendall(SLOW_HEAD)
    try:
        for _ in range(5):
            send_inputs(address)
        for connection in slow[150:]:
            connection.sendall(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
            connection.close()  # gone while its request is read
        run.load.grow(60)
    finally:
        for connection in slow:
            connection.close()


# --- 33: upgrades ---------------------------------------------------------------------------------

TABLES = {"order": "orders", "stock": "stock", "notification": "notifications"}


@row("33", "columns are added under load; a newer schema version appears and is taken back")
def upgrade(run):
    """A build that does not know the schema's version waits; one that does lives with columns it does not know."""
    try:
        for service, table in TABLES.items():
            run.databases.execute(service, f"alter table {table} add column fault_plan_new text default 'x'")
        run.load.grow(60)
        for service in TABLES:
            run.databases.execute(service, "insert into schema_migrations (version, name, checksum)"
                                           " select max(version) + 1, 'fault plan', '' from schema_migrations")
        for name in PROCESSES:  # a connection looks at the version when it is made
            run.fleet.restart(name, wait=False)
        run.pause(2)
        ready = [name for name in PROCESSES if run.fleet.is_ready(name)]
        assert not ready, f"I8: {ready} work on a schema that they do not know"
    finally:
        for service, table in TABLES.items():
            run.databases.execute(service, "delete from schema_migrations where name = 'fault plan'")
            run.databases.execute(service, f"alter table {table} drop column fault_plan_new")


# --- 16: no room on the disk ----------------------------------------------------------------------


@row("16", "the database's disk is full", poisoned=False)
def disk_full(run):
    """A tablespace on a small volume: the outbox and the orders move there, then the volume is filled."""
    with tempfile.TemporaryDirectory(prefix="cartwheel-volume-", dir="/var/tmp") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder], check=False)
        assert mounted.returncode == 0, "not injected: mounting a tmpfs is not allowed here"
        try:
            _fill_and_empty(run, pathlib.Path(folder))
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def _fill_and_empty(run, folder):
    data = folder / "data"
    data.mkdir()
    owner = _owner_of_cluster(run)
    subprocess.run(["chown", "-R", owner, str(folder)], check=True)
    with run.databases.superuser() as connection:
        connection.execute(f"create tablespace fault_plan location '{data}'")
        connection.execute("grant create on tablespace fault_plan to public")
    try:
        for table in ("orders", "order_items", "outbox"):
            run.databases.execute("order", f"alter table {table} set tablespace fault_plan")
        filler = folder / "filler"
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass
        run.pause(4)
        filler.unlink()
        run.load.grow(30)
    finally:
        for table in ("orders", "order_items", "outbox"):
            run.databases.execute("order", f"alter table {table} set tablespace pg_default")
        with run.databases.superuser() as connection:
            connection.execute("drop tablespace fault_plan")


def _owner_of_cluster(run):
    pid = run.system.processes["postgres"]["pid"]
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))

