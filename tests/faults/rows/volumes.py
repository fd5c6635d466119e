"""Rows 8b and 16b: a small volume of its own for the broker's data, then for the database's log, and no room on it."""

import collections
import contextlib
import os
import pathlib
import re
import subprocess
import tempfile
import time

from support.logs import BROKER_FAILED
from support.system import alive
from support.waits import eventually

from faults.rows import row
from faults.rows.cluster import declare_topology
from faults.rows.servers import evaluate


@contextlib.contextmanager
def volume(folder, mebibytes):
    """A new file system of that size over @folder, which looks the same from outside."""
    owner = folder.stat()
    options = f"size={mebibytes}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=False)
    assert mounted.returncode == 0, "not injected: mounting a tmpfs is not allowed here"
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# --- 8b: the broker's data ------------------------------------------------------------------------

BROKER_MIB = 160  # the log of its quorum queues is 64 MiB long, then its parts are written out
GAVE_UP = "{error,enospc}"


def broker_data(run):
    return run.system.home / "rabbitmq" / "mnesia"


def _start_broker(run):
    """Its disk alarm would go off before the volume is full, and save it: it is as good as off."""
    run.system.start("rabbitmq")
    evaluate(run, "rabbit_disk_monitor:set_disk_free_limit(1)")


def _new_data_on_volume(run, stack):
    """What the other rows use lies below the volume meanwhile, untouched."""
    run.system.stop("rabbitmq")
    stack.callback(run.system.start, "rabbitmq")
    stack.enter_context(volume(broker_data(run), BROKER_MIB))
    stack.callback(run.system.launcher, "stop", "rabbitmq", "--kill")
    _start_broker(run)
    declare_topology(run)


def _fill(folder, kibibytes):
    """A file that leaves only so much room."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        file.truncate(file.tell() - kibibytes * 1024)
    return filler


def descriptions_of(run):
    """{file: content} of the small file that says of a quorum queue what it is, beside its messages."""
    return {path: path.read_bytes() for path in broker_data(run).glob("*/quorum/*/*/config")}


def give_back(run, descriptions):
    """A broker that starts a queue again while there is no room writes its description anew, and what it leaves may be
    empty: it has all of the queue's messages then, and cannot start it. The operator's copy helps."""
    spoilt = [path for path, content in descriptions.items() if path.stat().st_size < len(content)]
    for path in spoilt:
        path.write_bytes(descriptions[path])
    run.note("descriptions given back", len(spoilt))


@row("8b", "the broker's disk is really full, no alarm before, then the broker is restarted",
     setup=_new_data_on_volume, may_log=(BROKER_FAILED,))
def broker_disk_full(run):
    """The queues' log cannot be written, and is given up for good after a few tries: the broker ends, or lives on
    without its queues."""
    descriptions = descriptions_of(run)
    gave_up = run.system.log("rabbitmq").count(GAVE_UP)
    filler = _fill(broker_data(run), run.nth(500))
    eventually(lambda: run.system.log("rabbitmq").count(GAVE_UP) > gave_up, "the broker to find no room", 60)
    run.load.grow(run.nth(200))  # the API needs no broker
    run.note("broker", "lives" if alive(run.system.pid("rabbitmq")) else "died")
    filler.unlink()
    run.system.launcher("stop", "rabbitmq", "--kill")
    give_back(run, descriptions)
    _start_broker(run)


# --- 16b: the database's log ----------------------------------------------------------------------

SEGMENT_MIB = 16
ROOM_MIB = 1024  # a limit: memory is taken for what is there


def _log_of(run):
    return run.system.home / "postgres" / "data" / "pg_wal"


def _copy(source, target):
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


def _needed_segment(run, programs):
    """What a server that was shut down begins with: older ones are done with, later ones are spares."""
    done = subprocess.run([str(programs / "pg_controldata"), str(_log_of(run).parent)], env={"LC_ALL": "C"},
                          check=True, capture_output=True, text=True)
    return _log_of(run) / re.search(r"REDO WAL file: +(\w+)", done.stdout)[1]


def _log_on_volume(run, stack):
    """Room for one segment after the first, and not for all of the next."""
    log, owner = _log_of(run), _log_of(run).stat()
    kept = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-wal-", dir="/var/tmp")))
    os.chown(kept, owner.st_uid, owner.st_gid)
    programs = pathlib.Path(os.readlink(f"/proc/{run.system.pid('postgres')}/exe")).parent
    run.system.stop("postgres")
    stack.callback(run.system.start, "postgres")
    subprocess.run(["cp", "-a", str(_needed_segment(run, programs)), str(kept)], check=True)
    stack.callback(_copy, kept, log)
    stack.enter_context(volume(log, 2 * SEGMENT_MIB + run.nth(SEGMENT_MIB - 1)))
    _copy(kept, log)
    stack.callback(_copy, log, kept)
    stack.callback(run.system.stop, "postgres")
    run.system.start("postgres")


def _refused(run, history):
    """I10: while the database was away, who placed an order was told so."""
    statuses = collections.Counter(status for t, op, _, status, *_ in history.calls
                                   if op == "place" and run.away_at < t < run.back_at)
    run.note("answers while it was away", dict(statuses))
    return [] if set(statuses) == {503} else [f"I10: the answers while the database was away: {dict(statuses)}"]


@row("16b", "no room for the database's log: it panics under load, and does not start before there is room",
     setup=_log_on_volume, check=_refused)
def log_full(run):
    pid = run.system.pid("postgres")
    eventually(lambda: not alive(pid), "the database to end", 90)
    assert "No space left on device" in run.system.log("postgres"), "not injected: it ended for another reason"
    run.away_at = time.monotonic()
    run.system.launcher("start", "postgres", check=False)
    assert run.system.pid("postgres") is None or not alive(run.system.pid("postgres")), "not injected: it started"
    run.pause(1, 4)
    run.back_at = time.monotonic()
    subprocess.run(["mount", "-o", f"remount,size={ROOM_MIB}m", str(_log_of(run))], check=True)
    run.system.start("postgres")
