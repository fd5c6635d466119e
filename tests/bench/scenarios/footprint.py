"""What the processes use: memory, time, bytes."""

import json
import time

from .. import exact, meter, placing
from ..figures import Bar, Chart, Result

NAME = "footprint"
TITLE = "Footprint: what each process uses"
IDLE_SECONDS = 3
SERVERS = ("postgres", "rabbitmq")
OURS_IDLE = Bar(most=24)
OURS_READY = Bar(most=300)


def steps(plan):
    return 3


def run(rig):
    result = Result()
    names = tuple(rig.system.processes)
    rig.step("footprint, start-up")
    rig.empty()
    ready = {name: restart(rig, name) for name in names}
    rig.step("footprint, idle")
    pids = {name: rig.pid(name) for name in (*names, *SERVERS)}
    before = {name: meter.cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(IDLE_SECONDS)
    idle_cpu = {name: (meter.cpu_seconds(pid) - before[name]) / IDLE_SECONDS for name, pid in pids.items()}
    idle = {name: resident(name, pid) for name, pid in pids.items()}
    rig.step("footprint, under load")
    used = measure_load(rig, result, pids)
    report(result, names, ready, idle, idle_cpu, used)
    return result


def restart(rig, name):
    """From exec to ready, in ms."""
    component = rig.system.component(name)
    rig.stop(name)
    start = time.monotonic()
    child = component.launch(rig.quiet)
    meter.until(lambda: component.probe() is None)
    took = time.monotonic() - start
    rig.system.registry.add(name, child.pid, component.admin_url)
    return took * 1000


def resident(name, pid):
    return meter.family_mib(pid) if name in SERVERS else meter.resident_mib(pid)


def broker_bytes(rig):
    """Bytes that the broker received and sent, on all connections."""
    lines = json.loads(rig.rabbitmqctl("--silent", "--formatter", "json", "list_connections", "recv_oct", "send_oct"))
    return sum(line["recv_oct"] for line in lines), sum(line["send_oct"] for line in lines)


def database_bytes(rig):
    """Bytes of WAL, and how many pages in it are whole."""
    return rig.superuser_sql("select wal_bytes::bigint, wal_fpi, wal_sync from pg_stat_wal")[0]


def measure_load(rig, result, pids):
    """A saga: what each process and each order of it cost."""
    rig.checkpoint()
    cpu = {name: meter.cpu_seconds(pid) for name, pid in pids.items()}
    wal, broker = database_bytes(rig), broker_bytes(rig)
    with meter.PeakMemory({name: pid for name, pid in pids.items() if name not in SERVERS}) as peak:
        saga = placing.run_saga(rig)
    orders = saga.placed.ok
    time.sleep(1)  # PostgreSQL's statistics arrive with a delay
    used = {
        "cpu": {name: (meter.cpu_seconds(pid) - cpu[name]) * 1000 / orders for name, pid in pids.items()},
        "wal": [(after - at) / orders for after, at in zip(database_bytes(rig), wal)],
        "broker": [(after - at) / orders for after, at in zip(broker_bytes(rig), broker)],
        "memory": {**peak.mib, **{name: resident(name, pids[name]) for name in SERVERS}},
    }
    placing.all_accepted(result, "footprint", [saga])
    exact.saga_agrees(rig, result, "footprint")
    return used


def report(result, names, ready, idle, idle_cpu, used):
    for name in (*names, *SERVERS):
        result.add(f"{name}: resident, idle", "MiB", idle[name], OURS_IDLE if name in names else None)
        result.add(f"{name}: resident, under load", "MiB", used["memory"][name])
        result.add(f"{name}: CPU of 1,000 orders", "s", used["cpu"][name])
        result.add(f"{name}: CPU when idle", "%", idle_cpu[name] * 100)
        if name in names:
            result.add(f"{name}: exec to ready", "ms", ready[name], OURS_READY)
    result.add("all: resident, idle", "MiB", sum(idle.values()))
    result.add("all: CPU of 1,000 orders", "s", sum(used["cpu"].values()))
    result.add("WAL an order", "bytes", used["wal"][0])
    result.add("whole pages in the WAL an order", "", used["wal"][1])
    result.add("WAL flushes an order", "", used["wal"][2])
    result.add("bytes to the broker an order", "bytes", used["broker"][0])
    result.add("bytes from the broker an order", "bytes", used["broker"][1])
    result.notes.append("resident size of the servers: all their processes, shared pages counted once; under load: right after it")
    labels = [name.replace("notification", "notif.") for name in (*names, *SERVERS)]
    series = {"CPU seconds of 1,000 orders": [[used["cpu"][name]] for name in (*names, *SERVERS)]}
    result.charts.append(Chart("Where the time of an order goes", "s", labels, series))
    memory = {
        "idle": [[idle[name]] for name in (*names, *SERVERS)],
        "under load": [[used["memory"][name]] for name in (*names, *SERVERS)],
    }
    result.charts.append(Chart("Resident memory", "MiB", labels, memory))
