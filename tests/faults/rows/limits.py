"""Rows 29b to 29d and 30b: memory, room for the log, and connections run out."""

import contextlib
import json
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import time

from support import poison, rawhttp
from support.fleet import KILLED
from support.names import APIS, PROCESSES
from support.urls import address_of
from support.waits import eventually

from faults.rows import row
from faults.rows.processes import queues_of

# --- 29b, 29c: memory -----------------------------------------------------------------------------

# Without memory a process ends at once: so do g_error() and g_assert(), the latter after libraries that say NULL.
ENDS = {-signal.SIGTRAP, -signal.SIGABRT}
END_WORDS = ("failed to allocate", "assertion failed")
TOLD = "could not allocate memory"  # by a library, as the reason why a lane connects again


def _start_again(run, changes=lambda: None):
    """Starts what ended for want of memory, as a supervisor would; its names."""
    ended = run.fleet.crashed()
    for name in ended:
        last = run.fleet[name].log[-400:]
        assert any(words in last for words in END_WORDS), f"I9: {name} ended without a word of memory: {last}"
        run.note("out of memory", name)
        run.fleet.wait_end(name, ENDS)
        run.fleet.start(name, changes(), wait=False)
    return ended


PATHS = {"order-api": "/api/orders", "stock-api": "/api/stocks", "notification-api": "/api/notificationtemplates"}


@contextlib.contextmanager
def _pressure(run, name):
    """What @name has to keep is 15 MiB: a message, or 60 bodies that wait for their last byte."""
    with contextlib.ExitStack() as stack:
        if name in APIS:
            with contextlib.suppress(OSError):  # it ends in the middle
                for _ in range(60):
                    connection = stack.enter_context(rawhttp.RawConnection(address_of(run.fleet.base(name))))
                    connection.send(rawhttp.post(PATHS[name], b" " * 250_000)[:-1])
        else:
            queue = run.random.choice(queues_of(name))
            run.poison_with([m for m in poison.every_kind() if m[0] == "15-mib" and m[1] == queue])
        yield


@row("29b", "one process after the other has no more memory for the 15 MiB that it is sent", poisoned=False)
def memory(run):
    """RLIMIT_DATA: glibc reserves its arenas' addresses beforehand, so that RLIMIT_AS would never be felt."""
    for name in run.random.sample(PROCESSES, len(PROCESSES)):
        process = run.fleet[name]
        limit = (run.fleet.memory_kib(name, "VmData") + run.random.randrange(2048)) * 1024
        resource.prlimit(process.process.pid, resource.RLIMIT_DATA, (limit, limit))
        with _pressure(run, name):
            eventually(lambda n=name, p=process: n in run.fleet.crashed() or TOLD in p.log,
                       f"not injected: {name} to feel it", 20)
        if name not in _start_again(run):
            run.note("went on without memory", name)
            run.fleet.stop(name, ENDS | {0})
            run.fleet.start(name)
        run.fleet[name].wait_ready()
        run.load.grow(20)


EVERY = (20_000, 80_000)  # allocations: seconds of the load


def _failing_malloc(run, stack):
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-malloc-"))
    run.failing_malloc = f"{folder}/failing_malloc.so"
    source = pathlib.Path(__file__).parents[1] / "failing_malloc.c"
    subprocess.run(["cc", "-std=c17", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    "-o", run.failing_malloc, str(source)], check=True)
    return {}


@row("29c", "one in so many allocations of every process fails, for 20 s", environment=_failing_malloc)
def failing_malloc(run):
    def changes():
        return {"LD_PRELOAD": run.failing_malloc, "FAILING_MALLOC_EVERY": str(run.random.randint(*EVERY))}

    for name in PROCESSES:
        run.fleet.restart(name, changes(), wait=False)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        _start_again(run, changes)
        run.pause(0.1)
    run.note("failures lived through", sum(run.fleet[n].log.count("failing_malloc:") for n in PROCESSES))
    for name in PROCESSES:
        if name not in _start_again(run):
            run.fleet.signal(name, signal.SIGKILL)
            run.fleet.wait_end(name, ENDS | {KILLED})
            run.fleet.start(name, wait=False)
    run.fleet.wait_ready()


# --- 29d: room for the log ------------------------------------------------------------------------

PAGE = 4096


@contextlib.contextmanager
def _small_volume():
    with tempfile.TemporaryDirectory(prefix="cartwheel-log-", dir="/var/tmp") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=False)
        assert mounted.returncode == 0, "not injected: mounting a tmpfs is not allowed here"
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


@row("29d", "no room for the log of any process, then there is room again")
def full_log(run):
    with _small_volume() as folder:
        for name in PROCESSES:
            run.fleet.prefix = ("sh", "-c", f'exec "$0" >>{folder}/{name} 2>&1')
            run.fleet.restart(name)
        run.fleet.prefix = ()
        filler = folder / "filler"
        _fill(filler)
        pages = _pages(folder)
        run.load.grow(260)
        assert _pages(folder) == pages, "not injected: the log had room"
        full = _sizes(folder)
        filler.unlink()
        run.load.grow(100)
        for name in PROCESSES:
            run.fleet.restart(name)
            assert _sizes(folder)[name] > full[name], f"{name} has not logged again"
            _check_lines(folder / name)


def _fill(path):
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(PAGE))


def _sizes(folder):
    return {name: (folder / name).stat().st_size for name in PROCESSES}


def _pages(folder):
    """Each file may fill its last one, and gets no other while there is no room."""
    return {name: -(-size // PAGE) for name, size in _sizes(folder).items()}


def _check_lines(path):
    """One line may be torn, where the room ended; the next begins at its own start."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    torn = [line for line in lines if not _is_json(line)]
    assert len(torn) <= 1, f"torn lines in the log of {path.name}: {torn}"


def _is_json(line):
    try:
        return bool(json.loads(line))
    except ValueError:
        return False


# --- 30b, 30c: connections ------------------------------------------------------------------------

IDLE = 10_000
FILES = IDLE + 1000
LIMIT = 2048      # connections of a listener (chassis/http/server.c)
SILENT_S = 10     # a connection without its first request is cut after that time,
CROWDED_S = 1     # one that waits for the next request after this, when there is hardly room left
KEPT_KIB = 128 * 1024
QUESTION = rawhttp.request("GET", "/api/orders/00000000-0000-4000-8000-000000000000")


def more_files(run, stack):
    """For us, and for the processes that we start."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = before[1]
    assert most == resource.RLIM_INFINITY or most >= FILES, f"not injected: {most} files are allowed, not {FILES}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))
    stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def _idle_connections(run, asks):
    """So many that are opened, or wait to be accepted; with @asks each asks once and stays."""
    idle = []
    try:
        for _ in range(IDLE):
            connection = socket.socket()
            idle.append(connection)
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.connect(run.fleet.address)
            if asks:
                with contextlib.suppress(OSError):
                    connection.send(QUESTION)
        eventually(lambda: _connections(run) >= LIMIT, "not injected: the limit of connections")
        yield
    finally:
        for connection in idle:
            connection.close()


def _connections(run):
    return run.fleet["order-api"].metrics().value("cartwheel_http_connections")


def _shut_out(run, asks, most_s):
    """Who is connected is served as ever; who comes new gets in once the idle ones are cut."""
    before = _connections(run)
    with _idle_connections(run, asks):
        started = time.monotonic()
        run.load.grow(60)
        eventually(lambda: rawhttp.exchange(run.fleet.address, QUESTION, timeout=2), "I10: a new client to get in",
                   most_s, forgive=(OSError,))
        run.note("a new client waited s", round(time.monotonic() - started, 1))
        open_now = _connections(run)
        assert open_now <= LIMIT + 10, f"{open_now} connections"  # the admin listener counts its own too
        run.load.grow(60)
    # Some were accepted after their client had gone, and are found out when their first request is due.
    eventually(lambda: _connections(run) <= before + 5, "the idle connections to be gone", SILENT_S + 10)


def _others_unhurt(run, history):
    run.note("most KiB", run.fleet.memory_kib("order-api", "VmHWM"))
    run.note("p99 meanwhile ms", history.p99_ms(run.fault_at, run.healed_at))
    unanswered = [call for call in history.calls if call[2] == "info"]
    return [f"I10: {len(unanswered)} requests of clients that were there before failed: {unanswered[:3]}"] \
        if unanswered else []


@row("30b", "10,000 connections to the order API that say nothing, twice", rate=80, setup=more_files,
     check=_others_unhurt)
def silent_connections(run):
    for _ in range(2):
        _shut_out(run, False, SILENT_S + 10)


@row("30c", "10,000 connections to the order API that ask once and stay", rate=80, setup=more_files,
     resident_kib=KEPT_KIB, check=_others_unhurt)
def kept_connections(run):
    _shut_out(run, True, CROWDED_S + 10)
