"""The load generators."""

import dataclasses
import json
import re
import subprocess

from .rig import HERE, libpq_environ

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
WRK_PATIENCE = "10s"


@dataclasses.dataclass
class Closed:
    """What a closed loop reached."""

    answers: int
    rate: float
    refused: int  # answers that were not 2xx
    broken: int  # no answer at all
    p50_ms: float
    p99_ms: float


def _wrk(script, api, arguments, connections, seconds, meanwhile=None):
    """@api: an address, or a URL. meanwhile(process) runs beside it."""
    threads = min(2, connections)
    command = [
        "wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", WRK_PATIENCE,
        "-s", str(HERE / "load" / script), api if "://" in api else f"http://{api}", "--", *arguments,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if meanwhile is not None:
            meanwhile(process)
        output = process.communicate()[0]
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    found = re.search(r"^RESULT (.*)$", output, re.MULTILINE)
    answers, duration_us, refused, broken, p50, p99 = (int(float(word)) for word in found[1].split())
    return Closed(answers, answers / duration_us * 1e6, refused, broken, p50 / 1000, p99 / 1000)


def place_orders(rig, api, connections, seconds, products=None):
    """Orders in a closed loop: each connection places the next when the last is answered."""
    arguments = [str(products or rig.products), str(rig.next_seed()), rig.token]
    return _wrk("post_orders.lua", api, arguments, connections, seconds)


def read_orders(rig, api, ids, connections, seconds, words=()):
    """@words: "close" for a connection each."""
    return _wrk("get_orders.lua", api, [str(ids), str(rig.next_seed()), rig.token, *words], connections, seconds)


def list_orders(rig, api, path, connections, seconds, meanwhile=None):
    """The same page over and over; see _wrk() for @meanwhile."""
    return _wrk("get_lists.lua", api, [path, rig.token], connections, seconds, meanwhile)


def storm(api, key, addresses, connections, pause_ms, seconds, meanwhile):
    """Tokens that are none, naming the key of that id, from so many addresses; see _wrk() for @meanwhile."""
    return _wrk("storm.lua", api, [key, str(pause_ms), str(addresses)], connections, seconds, meanwhile)


@dataclasses.dataclass
class Placed:
    """What became of a number of orders."""

    sent: int
    ok: int
    statuses: dict
    unanswered: int
    start_s: float  # since 1970
    seconds: float  # to the last answer
    latency_ms: dict
    record: object  # file: intended us, latency us, status, id

    def lines(self):
        """(intended time in s, latency in s, status, id) of each order."""
        for line in self.record.read_text().splitlines():
            intended, latency, status, *rest = line.split(" ")
            yield int(intended) / 1e6, int(latency) / 1e6, int(status), rest[0] if rest else ""


def loadgen(rig, total, connections, apis, rate=None, warm_up=0.0, products=None):
    """Places exactly @total orders over the APIs in turn: @rate a second, or one after the other."""
    record = rig.folder / "record"
    command = [
        str(rig.loadgen), "--total", str(total), "--connections", str(connections),
        "--products", str(products or rig.products), "--seed", str(rig.next_seed()),
        "--warm-up", str(warm_up), "--record", str(record), "--token", rig.token,
    ]  # fmt: skip
    command += ["--rate", str(rate)] if rate else []
    done = subprocess.run([*command, *apis], check=True, capture_output=True, text=True)
    report = json.loads(done.stdout)
    placed = Placed(
        sent=report["sent"],
        ok=sum(count for status, count in report["statuses"].items() if status.startswith("2")),
        statuses=report["statuses"],
        unanswered=report["failed"] + report["unanswered"],
        start_s=report["start_us"] / 1e6,
        seconds=report["seconds"],
        latency_ms={name: value / 1000 for name, value in report["latency_us"].items()},
        record=record,
    )
    rig.accepted += placed.ok
    rig.unanswered += placed.unanswered
    rig.refused += placed.sent - placed.ok - placed.unanswered
    return placed


@dataclasses.dataclass
class Transactions:
    """What pgbench reached."""

    done: int
    failed: int
    rate: float
    connecting: float  # seconds before the first of them


def pgbench(rig, url, clients, length, body):
    """Orders by pgbench, a transaction each. @length: -T seconds, which begin when it begins to
    connect, or -t transactions a client."""
    command = [
        "/usr/bin/pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)),
        *length, "-f", str(HERE / "load" / "place_order.pgbench"),
        "-D", "n=0", "-D", f"body={body}", "-D", f"traceparent={TRACEPARENT}",
        f"--random-seed={rig.next_seed()}",
    ]  # fmt: skip
    done = subprocess.run(command, env=libpq_environ(url), check=True, capture_output=True, text=True)

    def said(pattern):
        found = re.search(pattern, done.stdout)
        if found is None:
            raise TimeoutError(f"pgbench did not get to work:\n{done.stdout}")
        return float(found[1])

    failed = int(said(r"failed transactions: (\d+)"))
    return Transactions(
        done=int(said(r"actually processed: (\d+)")) - failed,
        failed=failed,
        rate=said(r"tps = ([\d.]+) \(without initial"),
        connecting=said(r"initial connection time = ([\d.]+)") / 1000,
    )


def pqreads(rig, url, ids, clients, warm_up, seconds):
    """Orders read a second, a query each, by clients that do nothing else."""
    command = [str(rig.pqreads), str(ids), str(clients), str(warm_up), str(seconds)]
    done = subprocess.run(command, env=libpq_environ(url), check=True, capture_output=True, text=True)
    report = json.loads(done.stdout)
    return report["reads"] / report["seconds"], report["failed"]
