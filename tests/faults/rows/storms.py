"""Row 31c: a backlog of 300,000 events and 5,000 clients that do not take no for an answer."""

import pathlib
import re
import tempfile
import threading
import time

from bench.load import loadgen
from bench.rig import compile_generators, write_ids
from support.waits import eventually

from faults.rows import row
from faults.rows.limits import more_files
from faults.rows.servers import LATENCY_MS

BACKLOG = 300_000
CLIENTS = 5_000
FILLERS = 64          # clients that make the backlog
FILLING = 20_000      # orders between two looks at it
STORMING = 50_000     # requests between two looks at the clock
BEFORE_S, AFTER_S = 5, 15  # the storm goes on around the broker's return
DRAINED_S = 240      # for one step of the saga
FEW = 500            # events of a moment's load
PRICE = "19.99"       # of what the load generator orders; the clients of every run pay another
CALM_S = 5


class Generator:
    """What bench.load asks of a rig; counts what was answered, and keeps the ids of what was accepted."""

    def __init__(self, folder, products, seed, apis):
        self.folder = pathlib.Path(folder)
        self.loadgen, _ = compile_generators(self.folder)
        self.products = write_ids(self.folder / "products", products)
        self.accepted = self.refused = self.unanswered = 0
        self.ids = set()
        self._seed = seed * 1000
        self._apis = apis

    def next_seed(self):
        self._seed += 1
        return self._seed

    def place(self, total, connections):
        placed = loadgen(self, total, connections, self._apis)
        self.ids.update(order for _, _, status, order in placed.lines() if status == 201)


def _listens(copy):
    """host:port of an API that was given any free port."""
    return "127.0.0.1:" + re.search(r'"message":"ready to serve".*?"port":(\d+)', copy.log)[1]


def _fill(run):
    started = time.monotonic()
    while (pending := run.databases.outbox_pending("order")) < BACKLOG:
        run.storm.place(FILLING, FILLERS)
    run.note("backlog", pending)
    run.note("made in s", round(time.monotonic() - started, 1))


def _repeat(generator, over):
    while not over.is_set():
        generator.place(STORMING, CLIENTS)


def _drain(run):
    """Each step is the next one's backlog: orders are answered first, notifications come last."""
    eventually(lambda: not run.databases.value("order", "select count(*) from orders where status = 1 and created_at"
                                               " < now() - interval '5 seconds'"), "I8: orders to be final", DRAINED_S)
    run.note("orders final s after the broker's return", round(time.monotonic() - run.healed_at, 1))
    for service in ("order", "stock"):
        eventually(lambda s=service: run.databases.outbox_pending(s) < FEW, f"I8: {service}'s outbox to drain",
                   DRAINED_S)
    run.calm_at = time.monotonic()
    run.note("drained s after the broker's return", round(run.calm_at - run.healed_at, 1))
    run.pause(CALM_S)
    run.others = run.databases.value(
        "order", f"select count(distinct order_id) from order_items where unit_price = {PRICE}")


def _exact_and_calm(run, history):
    """I1 for the storm's own orders; I8: placing is as fast as before it."""
    mine, orders = run.storm, run.others
    run.note("storm", {"accepted": mine.accepted, "refused": mine.refused, "unanswered": mine.unanswered})
    there = {order for order, in run.databases.rows(
        "order", f"select distinct order_id::text from order_items where unit_price = {PRICE}")}
    wrong = [f"I1: accepted {order}, found nothing" for order in sorted(mine.ids - there)[:3]]
    if len(mine.ids) != mine.accepted or not mine.accepted <= orders <= mine.accepted + mine.unanswered:
        wrong.append(f"I1: {mine.accepted} accepted, {mine.unanswered} without an answer, {orders} orders")
    usual = max(3 * history.p99_ms(0, run.fault_at), LATENCY_MS)
    p99 = history.p99_ms(run.calm_at, run.calm_at + CALM_S)
    run.note("p99 before and after ms", (history.p99_ms(0, run.fault_at), p99))
    if p99 is None or p99 > usual:
        wrong.append(f"I8: placing takes {p99} ms after the storm, {usual} are usual")
    return wrong


def _return_amid_storm(run):
    over = threading.Event()
    clients = threading.Thread(target=_repeat, args=(run.storm, over))
    clients.start()
    try:
        eventually(lambda: run.storm.refused > STORMING, "not injected: nobody is refused", 60)
        run.pause(BEFORE_S)
        run.system.launcher("start", "rabbitmq")
        run.healed()
        run.pause(AFTER_S)
    finally:
        over.set()
        clients.join()


@row("31c", "5,000 clients repeat at once what is refused, a backlog of 300,000 events, the broker comes back",
     alone=True, rate=80, tapped=False, setup=more_files, resident_kib=128 * 1024, check=_exact_and_calm,
     environment={"order-api": {"OUTBOX_MAX_PENDING": str(BACKLOG)}})
def storm(run):
    with tempfile.TemporaryDirectory(prefix="cartwheel-storm-") as folder:
        plenty = [product for product, units in run.products.items() if units == max(run.products.values())]
        apis = [run.fleet["order-api"].http, _listens(run.fleet.second("order-api"))]
        run.storm = Generator(folder, plenty, run.nth(1000), apis)
        run.system.stop("rabbitmq")
        try:
            _fill(run)
            _return_amid_storm(run)
        finally:
            run.system.launcher("start", "rabbitmq")  # whatever failed: the checks need it
    _drain(run)
