"""Row 8b: a small volume of its own for the broker's data, and no room on it."""

import contextlib
import subprocess

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


def _data_of(run):
    return run.system.home / "rabbitmq" / "mnesia"


def _start_broker(run):
    """Its disk alarm would go off before the volume is full, and save it: it is as good as off."""
    run.system.start("rabbitmq")
    evaluate(run, "rabbit_disk_monitor:set_disk_free_limit(1)")


def _new_data_on_volume(run, stack):
    """What the other rows use lies below the volume meanwhile, untouched."""
    run.system.stop("rabbitmq")
    stack.callback(run.system.start, "rabbitmq")
    stack.enter_context(volume(_data_of(run), BROKER_MIB))
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


def _descriptions(run):
    """{file: content} of the small file that says of a quorum queue what it is, beside its messages."""
    return {path: path.read_bytes() for path in _data_of(run).glob("*/quorum/*/*/config")}


def _give_back(run, descriptions):
    """A broker that starts a queue again while there is no room writes its description anew, and what it leaves may be
    empty: it has all of the queue's messages then, and cannot start it. The operator's copy helps."""
    spoilt = [path for path, content in descriptions.items() if path.stat().st_size < len(content)]
    for path in spoilt:
        path.write_bytes(descriptions[path])
    run.note("descriptions given back", len(spoilt))


@row("8b", "the broker's disk is really full, no alarm before, then the broker is restarted",
     setup=_new_data_on_volume)
def broker_disk_full(run):
    """The queues' log cannot be written, and is given up for good after a few tries: the broker ends, or lives on
    without its queues."""
    descriptions = _descriptions(run)
    gave_up = run.system.log("rabbitmq").count(GAVE_UP)
    filler = _fill(_data_of(run), run.nth(500))
    eventually(lambda: run.system.log("rabbitmq").count(GAVE_UP) > gave_up, "the broker to find no room", 60)
    run.load.grow(run.nth(200))  # the API needs no broker
    run.note("broker", "lives" if alive(run.system.pid("rabbitmq")) else "died")
    filler.unlink()
    run.system.launcher("stop", "rabbitmq", "--kill")
    _give_back(run, descriptions)
    _start_broker(run)
