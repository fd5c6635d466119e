"""Random acts of two operators at once, while workers are killed, against a model of what the answers promise: nothing takes
effect twice, and no letter is lost.

Each run prints its seed; CARTWHEEL_ACTS_SEED takes one again: the same acts in the same order of each operator, though not the
same meetings of the two.
"""

import collections
import contextlib
import json
import os
import random
import threading
import time

import pytest
import requests

from support.api import new_id
from support.broker import Broker
from support.dead_letters import DeadLetterAdmin, let_die
from support.invariants import (check_ledger, check_no_findings, check_notifications, check_order_states, check_reservations,
                                check_stock, demand, states_of)
from support.names import SERVICES, STATUS_NUMBER
from support.quiet import wait_drained, wait_sent
from support.tokens import issuer
from support.waits import eventually

UNITS, DEAD, CANCELLED = 1000, 24, 8   # orders whose stock result died; whose cancellation died
LEAST_ACTS = 150                       # of each operator, and as many as fit in beside the kills
QUEUES = {"order.stock.completed": "order", "stock.ordercancelled": "stock"}
CONTROLS = {**QUEUES, "order.relay": "order", "stock.relay": "stock", "email": "notification"}
UNKNOWN = None                         # the status of an act whose answer did not come
FATES = {"replay": "replayed", "discard": "discarded", "edit": "replayed"}  # of a letter, by the act upon it
WAITS = "select id::text, convert_from(body, 'UTF8') from dead_letters where message_id = any(%s)"


class Operator(threading.Thread):
    """Does one act after the other; notes what each was answered."""

    def __init__(self, scene, name, seed):
        super().__init__(daemon=True)
        self.subject = new_id()
        self.answers = []  # (act, object, status)
        self.failure = None
        self._random = random.Random(f"{seed}-{name}")
        self._scene = scene
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {issuer().token(self.subject, ['admin'])}", "X-Reason": "an act"})
        self._admins = {service: DeadLetterAdmin(scene.system, f"{service}-worker") for service in QUEUES.values()}
        self._acts = [act for act, weight in ACTS.items() for _ in range(weight)]
        self.over = threading.Event()

    def run(self):
        try:
            while len(self.answers) < LEAST_ACTS or not self.over.is_set():
                self._random.choice(self._acts)(self)
                time.sleep(self._random.uniform(0, 0.04))
        except Exception as error:
            self.failure = error

    def ask(self, act, what, service, path, body=None):
        """Notes the status of an API's answer; gives the answer."""
        with contextlib.suppress(requests.RequestException):
            answer = self._session.post(self._scene.system.api(service) + path, json=body, timeout=10)
            return self._note(act, what, answer)
        self.answers.append((act, what, UNKNOWN))
        return None

    def _note(self, act, what, answer):
        assert answer.status_code < 500 or answer.status_code == 503, f"{act} {what}: {answer.status_code} {answer.text}"
        self.answers.append((act, what, UNKNOWN if answer.status_code == 503 else answer.status_code))
        return answer

    # --- the acts -------------------------------------------------------------------------------

    def act_on_letter(self, act):
        letter, service = self._random.choice(list(self._scene.letters.items()))
        try:
            request = {"by": self.subject, "why": "an act"}
            self._note(act, letter, self._admins[service].post(f"/dead-letters/{letter}/{act}", request))
        except requests.RequestException:
            self.answers.append((act, letter, UNKNOWN))

    def replay(self):
        self.act_on_letter("replay")

    def discard(self):
        self.act_on_letter("discard")

    def edit(self):
        """The same event under another id, as if somebody had put it right."""
        letter, service = self._random.choice(list(self._scene.letters.items()))
        event = {**self._scene.bodies[letter], "EventId": new_id()}
        self.ask("edit", letter, service, f"/api/dead-letters/{letter}/edit", {"body": json.dumps(event)})

    def make_job(self):
        queue, service = self._random.choice(list(QUEUES.items()))
        answer = self.ask("job", queue, service, "/api/replay-jobs", {"filter": {"queue": queue}, "rate": self._random.choice([2, 5]),
                                                                      "dryRun": self._random.random() < 0.3})
        if answer is not None and answer.status_code == 201:
            self._scene.jobs[answer.json()["id"]] = service

    def steer_job(self):
        if jobs := list(self._scene.jobs.items()):
            job, service = self._random.choice(jobs)
            step = self._random.choice(["pause", "resume", "cancel"])
            self.ask(f"{step} job", job, service, f"/api/replay-jobs/{job}/{step}")

    def pause(self):
        name, service = self._random.choice(list(CONTROLS.items()))
        self.ask("pause", name, service, f"/api/controls/{name}/pause", {"why": "an act"})

    def resume(self):
        name, service = self._random.choice(list(CONTROLS.items()))
        self.ask("resume", name, service, f"/api/controls/{name}/resume")

    def announce(self):
        order = self._random.choice(self._scene.orders)
        self.ask("announce", order, "order", f"/api/orders/{order}/announce")

    def cancel(self):
        order = self._random.choice(self._scene.orders)
        self.ask("cancel", order, "order", f"/api/orders/{order}/cancel", {"reason": "an act"})

    def release(self):
        order = self._random.choice(self._scene.orders)
        self.ask("release", order, "stock", f"/api/stocks/orders/{order}/release")

    def resend(self):
        rows = self._scene.system.databases.rows("notification", "select id::text from notifications where order_id = any(%s::uuid[])"
                                                 " order by id", (self._scene.orders,))
        if rows:
            notification = self._random.choice(rows)[0]
            self.ask("resend", notification, "notification", f"/api/notifications/{notification}/resend")


# How often each comes. Another act is a method above and a line here.
ACTS = {Operator.replay: 6, Operator.edit: 3, Operator.discard: 2, Operator.make_job: 3, Operator.steer_job: 3, Operator.pause: 2, Operator.resume: 5,
        Operator.announce: 2, Operator.cancel: 1, Operator.release: 1, Operator.resend: 2}


class Scene:
    """Orders whose stock result is a dead letter, orders whose cancellation is one, and what was done about them."""

    def __init__(self, system, orders, stocks, admin):
        self.system, self.databases = system, system.databases
        self.jobs = {}  # {job: service}
        self.given_up = False
        self._admin = admin
        self.product = stocks.create(UNITS)
        settled = [orders.placed((self.product, 1)) for _ in range(CANCELLED)]
        for order in settled:
            orders.wait(order, "Confirmed")
        with self._paused("stock.ordercancelled"), self._paused("order.stock.completed"):
            with Broker(system.amqp_url) as broker:
                eventually(lambda: not any(map(broker.consumers, QUEUES)), "both queues to have no consumer")
            for order in settled:
                assert orders.cancel(order).status_code == 202
            unanswered = [orders.placed((self.product, 2)) for _ in range(DEAD)]
            died = {queue: let_die(system.amqp_url, queue, count)
                    for queue, count in (("stock.ordercancelled", CANCELLED), ("order.stock.completed", DEAD))}
        self.orders = settled + unanswered
        self.events = {event for events in died.values() for event in events}
        found = {queue: eventually(lambda q=queue: self._recorded(q, died[q]), f"the letters of {queue}") for queue in QUEUES}
        self.letters = {letter: QUEUES[queue] for queue, rows in found.items() for letter, _ in rows}
        self.bodies = {letter: json.loads(body) for rows in found.values() for letter, body in rows}

    def _recorded(self, queue, events):
        rows = self.databases.rows(QUEUES[queue], WAITS, (events,))
        return rows if len(rows) == len(events) else None

    @contextlib.contextmanager
    def _paused(self, name):
        self.control(name, "pause")
        worker = f"{CONTROLS[name]}-worker"
        eventually(lambda: name in requests.get(self.system.admin(worker) + "/health/ready", timeout=5).json().get("paused", ()),
                   f"{worker} to pause {name}")
        yield
        self.control(name, "resume")

    def control(self, name, act):
        answer = self._admin[CONTROLS[name]].post(f"/api/controls/{name}/{act}", {"why": "a test"} if act == "pause" else None)
        assert answer.status_code == 200, answer.text

    def kill(self, worker, given_up):
        """kill -9, and another that may give up orders without an answer."""
        environ = {"ORDER_STUCK_AFTER": "1s", "ORDER_DEADLINE": "2s"} if given_up else None
        self.given_up = self.given_up or given_up
        self.system.launcher("restart", worker, "--kill", env=environ)

    def settle(self):
        """Until nothing is left to do: all goes on, what waits is replayed, and what was discarded is announced again."""
        for name in CONTROLS:
            self.control(name, "resume")
        self.system.restart("order-worker")  # gives up no more
        for queue, service in QUEUES.items():
            for job in self._admin[service].get("/api/replay-jobs", queue=queue).json()["items"]:
                if job["state"] in ("running", "paused"):
                    self._admin[service].post(f"/api/replay-jobs/{job['id']}/cancel")
            answer = self._admin[service].post("/api/replay-jobs", {"filter": {"queue": queue}, "rate": 1000})
            assert answer.status_code == 201, answer.text
            self.jobs[answer.json()["id"]] = service
        for job, service in self.jobs.items():
            eventually(lambda j=job, s=service: self.job(j, s)["state"] not in ("running", "paused"), f"job {job} to end", 30)
        wait_drained(self.system)
        self.repair()
        wait_drained(self.system)
        wait_sent(self.databases, 60)

    def repair(self):
        """What a discarded letter would have done: a result is asked for again, held stock is released."""
        for order, status in states_of(self.databases, self.orders).items():
            if status == STATUS_NUMBER["Created"]:
                assert self._admin["order"].post(f"/api/orders/{order}/announce").status_code == 202
            elif status == STATUS_NUMBER["Cancelled"]:
                assert self._admin["stock"].post(f"/api/stocks/orders/{order}/release").status_code in (200, 404, 409)
        eventually(lambda: STATUS_NUMBER["Created"] not in states_of(self.databases, self.orders).values(), "all orders to be final", 30)

    def job(self, job, service):
        return self._admin[service].get(f"/api/replay-jobs/{job}").json()


def done(operators, act):
    """{object: (how often it was told that the act is done, how often nobody knows)}"""
    found = collections.defaultdict(lambda: [0, 0])
    for operator in operators:
        for name, what, status in operator.answers:
            if name == act and status in (200, 202, UNKNOWN):
                found[what][status is UNKNOWN] += 1
    return found


def wrong_letters(scene, operators):
    """Each letter has one fate, the one that somebody was told, and each event came back to its consumer once."""
    wrong = []
    told = {act: done(operators, act) for act in FATES}
    for service in QUEUES.values():
        rows = scene.databases.rows(service, "select l.id::text, act, replay_job::text, queue, e.letter_id is not null, exists (select"
                                    " from inbox i where i.consumer = queue and i.event_id::text = coalesce(e.message_id::text, l.message_id))"
                                    " from dead_letters l left join letter_edits e on e.letter_id = l.id"
                                    " where l.message_id = any(%s)", (list(scene.events),))
        mine = {letter for letter, its in scene.letters.items() if its == service}
        if {row[0] for row in rows} != mine or len(rows) != len(mine):
            wrong.append(f"letters of {service} were lost or came again: {mine ^ {row[0] for row in rows}}")
        for letter, fate, job, queue, edited, taken in rows:
            sure = {act: told[act][letter][0] for act in FATES if told[act][letter][0]}
            maybe = {act for act in FATES if told[act][letter][1]}
            if sum(sure.values()) + (job is not None) > 1:
                wrong.append(f"letter {letter}: done is said {sure} times, job {job}")
            if any(FATES[act] != fate for act in sure):
                wrong.append(f"letter {letter} is {fate}, though {sure} was said to be done")
            if edited and (fate != "replayed" or "edit" not in {*sure, *maybe}) or ("edit" in sure and not edited):
                wrong.append(f"letter {letter} is {fate}, edited: {edited}, though {sure} was said to be done")
            if fate is not None and not job and fate not in {FATES[act] for act in {*sure, *maybe}}:
                wrong.append(f"letter {letter} is {fate} by nobody")
            if fate is None and not _refused_by_a_job(scene, service, letter):
                wrong.append(f"letter {letter} still waits")
            if fate == "replayed" and not taken:
                wrong.append(f"letter {letter} was replayed, and {queue} did not take it in")
    return wrong


def _refused_by_a_job(scene, service, letter):
    """Where it could have no effect any more; the last job of all looked at each that waited."""
    return scene.databases.value(service, "select count(*) from replay_refusals where letter_id = %s", (letter,)) > 0


def wrong_jobs(scene):
    """What a job says that it replayed are the letters that say that it did."""
    wrong = []
    for job, service in scene.jobs.items():
        says = scene.job(job, service)["replayed"]
        did = scene.databases.value(service, "select count(*) from dead_letters where replay_job = %s", (job,))
        if says != did:
            wrong.append(f"job {job} says {says} were replayed, {did} letters say so")
    return wrong


def wrong_orders(scene, operators):
    """A cancellation that was told is the end, nobody else cancels, and each is in the audit log."""
    wrong = []
    cancelled = done(operators, "cancel")
    audited = collections.Counter(order for order, in scene.databases.rows(
        "order", "select object_id::text from audit_log where action = 'cancelOrder' and object_id = any(%s::uuid[])", (scene.orders,)))
    for number, (order, status) in enumerate((order, states_of(scene.databases, [order])[order]) for order in scene.orders):
        before = number < CANCELLED  # cancelled before the acts began
        sure, maybe = cancelled[order]
        is_cancelled = status == STATUS_NUMBER["Cancelled"]
        if sure + before > 1 or ((sure or before) and not is_cancelled):
            wrong.append(f"order {order} is {status}, {sure} operators were told that they cancelled it")
        if is_cancelled and not (sure or maybe or before or scene.given_up):
            wrong.append(f"order {order} was cancelled by nobody")
        if not sure + before <= audited[order] <= sure + before + maybe:
            wrong.append(f"order {order}: {audited[order]} cancellations in the audit log, {sure + before} were told")
    return wrong


def wrong_notifications(scene, operators, kills):
    """One row for each end of an order, sent as often as somebody asked for; a sender that was killed may have sent once more."""
    resent = done(operators, "resend")
    return [f"notification {row} was sent {attempts} times, {resent[row]} asked for it again" for row, attempts in scene.databases.rows(
        "notification", "select id::text, attempts from notifications where order_id = any(%s::uuid[])", (scene.orders,))
            if not 1 <= attempts <= 1 + sum(resent[row]) + kills["notification-worker"]]


@pytest.mark.xdist_group("with-sql")
def test_no_act_takes_effect_twice_and_no_letter_is_lost(system, orders, stocks, apis):
    seed = int(os.environ.get("CARTWHEEL_ACTS_SEED") or random.randrange(2**31))
    print(f"CARTWHEEL_ACTS_SEED={seed}")
    rng = random.Random(seed)
    scene = Scene(system, orders, stocks, apis)
    operators = [Operator(scene, name, seed) for name in ("first", "second")]
    kills = collections.Counter(["order-worker", rng.choice(["stock-worker", "notification-worker"]), "order-worker"])
    for operator in operators:
        operator.start()
    for number, worker in enumerate(kills.elements()):
        scene.kill(worker, given_up=worker == "order-worker" and number > 0 and rng.random() < 0.5)
    for operator in operators:
        operator.over.set()
    for operator in operators:
        operator.join(60)
        assert not operator.is_alive() and operator.failure is None, operator.failure
    acts = collections.Counter((act, status) for operator in operators for act, _, status in operator.answers)
    print(", ".join(f"{act} {status}: {n}" for (act, status), n in sorted(acts.items(), key=str)))
    scene.settle()
    states = states_of(scene.databases, scene.orders)
    demand(wrong_letters(scene, operators) + wrong_jobs(scene) + wrong_orders(scene, operators) +
           wrong_notifications(scene, operators, kills) + check_order_states(scene.databases, scene.orders) +
           check_notifications(scene.databases, scene.orders) + check_stock(scene.databases, states, {scene.product: UNITS}) +
           check_no_findings(scene.databases, [*scene.orders, scene.product]))
    a_lie_is_noticed(scene, operators)


def a_lie_is_noticed(scene, operators):
    """The model is not blind: an act too many would be found."""
    for act, what, wrong in (("replay", next(iter(scene.letters)), wrong_letters), ("cancel", scene.orders[0], wrong_orders)):
        operators[0].answers += [(act, what, 200), (act, what, 202)]
        assert any(what in text for text in wrong(scene, operators)), f"{act} of {what}"
