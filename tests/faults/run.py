"""One run: a row of the plan with one seed. Clean tables, load, fault, healing, quiet, every invariant."""

import contextlib
import dataclasses
import random
import re
import signal
import time
import traceback

from support import invariants, poison
from support.api import StockApi, new_id
from support.broker import Broker, publish_all
from support.fleet import KILLED, Fleet
from support.history import read_history
from support.invariants import DeadLetterMark
from support.names import PROCESSES, SERVICES
from support.proxy import Proxy
from support.quiet import wait_drained, wait_final, wait_sent
from support.tap import LastingTap
from support.urls import address_of, with_address
from support.waits import SLOWNESS, TookTooLong, eventually

from faults import audit, oracles
from faults.load import Load

PLENTY, SCARCE = 8, 4
PLENTY_UNITS, SCARCE_UNITS = 1_000_000, 60
P99_MS = 3000            # once recovered; a loaded machine's, far above the product's
BEFORE, AFTER = 60, 60   # orders accepted before the fault, and after the healing
RATE, CLIENTS = 100, 12  # orders a second: two such systems leave room on two cores to make up for an outage
QUIET_S = 60
REACH_S = 90             # a fault point must be reached in this time, on a loaded machine too
POISON = 6
LIGHT_KINDS = ("empty", "not-utf-8", "cut-off", "deep", "no-data", "duplicate-names", "nan", "raw-nul", "another-type",
               "order-id-is-no-uuid", "no-properties", "retry-count-text", "event-id-is-no-uuid", "total-1e400",
               "quantity-zero", "quantity-beyond-int64")


@dataclasses.dataclass
class Result:
    row: str
    seed: int
    violations: list
    recovery_s: float = None
    p99_ms: float = None
    took_s: float = 0.0
    calls: dict = dataclasses.field(default_factory=dict)
    notes: dict = dataclasses.field(default_factory=dict)


class Run:
    """What a row's fault gets to work with."""

    def __init__(self, system, row, seed, quiet_s=QUIET_S):
        self.system = system
        self._quiet_s = quiet_s
        self.databases = system.databases
        self.random = random.Random(f"{row.number}-{seed}")
        self.fleet = Fleet(system, row.may_log)
        self.notes = {}
        self.foreign = set()     # event ids that the row publishes itself, and the orders they are about
        self.doomed = set()      # ids of innocent events that the row lets die
        self.others = 0          # orders that the row makes itself
        self.load = None
        self.proxies = {}
        self.stocks = None
        self.products = {}
        self._row = row
        self._seed = seed
        self.fault_at = None     # monotonic seconds
        self.healed_at = None
        self._poison = []
        self.tap = None
        self._late = []

    # --- what rows do -------------------------------------------------------------------------

    def at_points(self, name, points, meanwhile=None):
        """Kills @name at each of @points (FAULT_POINT), one after the other, and starts it again each time.

        @meanwhile: makes the work that brings @name there, where the load does not.
        """
        for point in points:
            self.fleet.restart(name, {"FAULT_POINT": point}, wait=False)
            if meanwhile is not None:
                meanwhile()
            self.note("killed at", point)
            try:
                self.fleet.wait_end(name, {KILLED}, REACH_S * SLOWNESS)
            except AssertionError:
                raise NotInjected(f"{name} never reached {point}") from None
        self.fleet.start(name)

    def poison_with(self, messages):
        """Publishes @messages (of support.poison); each has to end as a dead letter."""
        self._poison += messages
        self.foreign.update(marker for _, _, marker, _, _ in messages)
        publish_all(self.system.amqp_url, [("", queue, body, properties) for _, queue, _, body, properties in messages])

    def poison_queue(self, queue, count=3):
        """A few unreadable messages into @queue: each is a dead letter at once."""
        kinds = [m for _ in range(count) for m in poison.every_kind()]
        self.poison_with([m for m in kinds if m[0] == "cut-off" and m[1] == queue])

    def expect_dead(self, kind, queue, marker):
        """What the row published itself has to end as a dead letter."""
        self._poison.append((kind, queue, marker, None, None))

    def nth(self, most):
        return self.random.randint(1, most)

    def note(self, what, value):
        self.notes.setdefault(what, []).append(value)

    def pause(self, least, most=None):
        """Lets a fault last; in seconds."""
        time.sleep(least if most is None else self.random.uniform(least, most))

    def healed(self):
        """The fault is over: from here on counts the recovery. The end of the fault does it by itself."""
        if self.healed_at is None:
            self.healed_at = time.monotonic()

    # --- the run itself -----------------------------------------------------------------------

    def go(self):
        """Never raises for what the system did."""
        started = time.monotonic()
        result = Result(self._row.number, self._seed, [], notes=self.notes)
        path = self.system.home / f"row-{self._row.number}-seed-{self._seed}.jsonl"
        path.unlink(missing_ok=True)
        try:
            with contextlib.ExitStack() as stack:
                self._prepare(stack)
                stack.callback(self._leave)  # first of all: while its servers are there
                self._storm(path)
                self._judge(result, read_history(path))
        except NotInjected as error:
            result.violations.append(f"not injected: {error}")
        except Exception as error:  # the harness goes on with the next seed and tells all at the end
            where = traceback.extract_tb(error.__traceback__)[-1]
            named = re.match(r"I\d+:", str(error))
            result.violations.append(str(error) if named else f"{type(error).__name__} in {where.name}: {error}")
        finally:
            self._finish(result)
        result.took_s = time.monotonic() - started
        return result

    def _prepare(self, stack):
        if self._row.setup is not None:
            self._row.setup(self, stack)
        with Broker(self.system.amqp_url) as broker:
            broker.purge_all()  # a run that failed may have left something
        audit.clean(self.databases)
        self.tap = LastingTap(self.system.amqp_url, self._row.tapped)
        self._deadlocks = self.databases.deadlocks()
        self.fleet.configure(self._environment(stack))
        self.fleet.start_all()
        self.stocks = StockApi(self.fleet.base("stock-api"))
        plenty = [self.stocks.create(PLENTY_UNITS) for _ in range(PLENTY)]
        scarce = [self.stocks.create(SCARCE_UNITS) for _ in range(SCARCE)]
        self.products = {**dict.fromkeys(plenty, PLENTY_UNITS), **dict.fromkeys(scarce, SCARCE_UNITS)}
        self._plenty, self._scarce = plenty, scarce
        self._resources = self.fleet.resources()
        if self._row.prepare is not None:
            stack.enter_context(contextlib.closing(_Generator(self._row.prepare(self))))

    def _environment(self, stack):
        """The row's environment, with our proxies between the processes and the servers it names."""
        given = self._row.environment
        given = given(self, stack) if callable(given) else given
        changes = {name: dict(values) for name, values in given.items()}
        changes.setdefault("", {}).update(self._row.everywhere)
        if "rabbitmq" in self._row.proxied:
            proxy = stack.enter_context(Proxy(address_of(self.system.amqp_url), self._seed))
            self.proxies["rabbitmq"] = proxy
            for name in PROCESSES:
                url = self.system.environment(name)["AMQP_URL"]
                changes.setdefault(name, {})["AMQP_URL"] = with_address(url, proxy.port)
        if "postgres" in self._row.proxied:
            proxy = stack.enter_context(Proxy(address_of(self.databases.url("order")), self._seed))
            self.proxies["postgres"] = proxy
            for name in PROCESSES:
                url = self.databases.url(name.split("-")[0])
                changes.setdefault(name, {})["DATABASE_URL"] = with_address(url, proxy.port)
        return changes

    def _storm(self, path):
        with Load(path, self.fleet.address, self._seed, self._plenty, self._scarce, self._row.rate or RATE,
                  CLIENTS) as self.load:
            self._publish_poison()  # its three attempts take 6 s, and so meet the fault
            self.load.grow(BEFORE)
            self.fault_at = time.monotonic()
            self._row.fault(self)
            self.healed()
            self.fleet.wait_ready()
            try:
                self._wait_backlog()
            except TookTooLong as error:  # what is wrong shows in the checks
                self._late.append(f"I8: {error}")
            self._recovered_at = time.monotonic()
            self.load.grow(AFTER)

    def _publish_poison(self):
        """A few of the kinds, to queues of the seed's choice."""
        kinds = [m for m in poison.every_kind() if m[0] in LIGHT_KINDS]
        if self._row.poisoned:
            self.poison_with(self.random.sample(kinds, POISON))

    def _wait_backlog(self):
        """Until what the fault held up is worked off: no order of before the healing is open."""
        healed = self.databases.value("order", "select clock_timestamp() - %s * interval '1 second'",
                                      (time.monotonic() - self.healed_at,))
        eventually(lambda: not self.databases.value(
            "order", "select count(*) from fault_plan.outbox_log l join orders o on o.id::text = l.order_id"
            " where o.status = 1 and l.at < %s", (healed,)), "the backlog of the fault to be worked off",
            self._row.backlog_s or self._quiet_s)

    def _judge(self, result, history):
        result.calls = history.counts_of_calls()
        result.recovery_s = self._recovered_at - self.healed_at
        result.p99_ms = history.p99_ms(self._recovered_at)
        if result.p99_ms is not None and result.p99_ms > P99_MS * SLOWNESS:
            result.violations.append(f"I8: p99 of placing is {result.p99_ms:.0f} ms after the recovery")
        judge = self._row.judge or Run._everything_holds
        result.violations += judge(self, history)
        result.violations += invariants.check_no_open_transactions(self.databases)
        result.violations += oracles.check_resources(self._resources, self.fleet.resources(),
                                                     self._row.more_files, self._row.resident_kib, self.system.is_sanitized)
        result.violations += oracles.check_answers(history, self._row.may_hang)
        if (found := self.databases.deadlocks() - self._deadlocks) > 0 and not self._row.may_deadlock:
            result.violations.append(f"I8: {found} deadlocks")
        if self._row.check is not None:
            result.violations += self._row.check(self, history)
        if "not counted" in self.notes and not result.violations:
            result.violations.append(f"not injected: {self.notes['not counted']} stayed 0")

    def _everything_holds(self, history):
        """I1 to I7 and I11, after the quiet."""
        wrong = self._late + self._quiet()
        with self.databases.snapshot() as snapshot:
            log = oracles.outbox_log(snapshot)
            self.collect(log)
            strayed, states = oracles.check_states(snapshot, history)
            wrong += invariants.check_clients(snapshot, history, self.others) + strayed
            wrong += invariants.check_stock(snapshot, states, self.products)
            wrong += oracles.check_notifications(snapshot, log, self.foreign)
            wrong += oracles.check_wire(log, self.tap, self.foreign)
            wrong += oracles.check_consumers(snapshot, log, states, self.foreign, self.doomed)
            wrong += oracles.check_dead_letters(snapshot, self._poison, self.note)
            wrong += oracles.check_audit(snapshot)
        return wrong

    def collect(self, log):
        """Until the tap has seen every event that was committed, or sees no more."""
        expected = {message for message, _, _ in oracles.committed(log)}
        self.tap.collect(expected, self._quiet_s)
        if self.tap.listens and expected - self.tap.event_ids():
            self.note("the tap saw", len(self.tap.seen))
            self.note("queues that hold messages", queues_that_hold(self.system))

    def _quiet(self):
        """I7 and I8: everything drains; what remains is told with its numbers."""
        try:
            ids = [order for order, in self.databases.rows("order", "select id::text from orders")]
            wait_final(self.databases, ids, self._quiet_s)
            wait_drained(self.system, self._quiet_s)
            self._wait_dead_letters()
            for service in SERVICES:
                eventually(lambda s=service: not self.databases.outbox_pending(s), f"the {service} outbox to drain",
                           self._quiet_s)
            self._wait_notified()
            eventually(lambda: not oracles.on_their_way(self.databases), "every event to be recorded", self._quiet_s)
            wait_drained(self.system, self._quiet_s)
        except TookTooLong as error:
            self.note("queues that hold messages", queues_that_hold(self.system))
            return [f"I8: not quiet: {error}"]
        return []

    def _wait_dead_letters(self):
        mark = DeadLetterMark(self.system)
        mark.assert_none_about([new_id()])  # waits until the dead letter queues are empty
        if self._poison:
            others = "select count(*) from dead_letters where message_id is null or message_id <> all(%s)"
            eventually(lambda: sum(self.databases.value(s, others, (list(self.doomed),)) for s in SERVICES)
                       >= len(self._poison), "the poison to be recorded", self._quiet_s)

    def _wait_notified(self):
        """A notification of each terminal event, and none still on its way when the row sends them."""
        expected = "select count(*) from fault_plan.outbox_log where message_type in" \
                   " ('OrderConfirmedEvent', 'OrderCancelledEvent') and failed_queue is null"
        eventually(lambda: self.databases.value("notification", "select count(*) from notifications")
                   >= self.databases.value("order", expected), "all notifications", self._quiet_s)
        wait_sent(self.databases, 90)

    def _leave(self):
        self.fleet.complaints += [f"I9: {name} ended by itself" for name in self.fleet.crashed()]
        for name in self.fleet.names:
            with contextlib.suppress(ProcessLookupError):
                self.fleet.signal(name, signal.SIGCONT)
        self.fleet.stop_all()
        if self.tap is not None:
            tap, self.tap = self.tap, None
            tap.delete()

    def _finish(self, result):
        try:
            self._leave()
        except Exception as error:
            result.violations.append(f"at the end: {type(error).__name__}: {error}")
        finally:
            self.fleet.discard()
        result.violations += self.fleet.complaints


def queues_that_hold(system):
    """Lines of name, all, ready, unacknowledged messages. What is neither ready nor unacknowledged, the broker is
    moving to another queue."""
    lines = system.launcher("rabbitmqctl", "-q", "list_queues", "-p", "cartwheel", "--no-table-headers", "name",
                            "messages", "messages_ready", "messages_unacknowledged", check=False).splitlines()
    return [" ".join(line.split()) for line in lines if not line.endswith("\t0\t0\t0")]


def run_row(system, task):
    """The work of a job: a row and a seed."""
    return Run(system, *task).go()


class NotInjected(Exception):
    """The fault did not happen: the run shows nothing."""


class _Generator:
    """A row's preparation as a closable: runs to its yield, and to its end when closed."""

    def __init__(self, generator):
        self._generator = generator
        next(generator)

    def close(self):
        next(self._generator, None)
