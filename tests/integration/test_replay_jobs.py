"""Replay jobs: what they replay, once each whatever dies, how they are steered, when they stop by themselves."""

import json
import os
import signal

import pytest

from support.api import assert_problem, new_id
from support.dead_letters import broken, dead_confirmations, dlq, letters_about, rows_of
from support.names import STOCK_COMPLETED
from support.waits import eventually
from test_access import Guarded

QUEUE, QUIET_QUEUE, OTHER_QUEUE = "order.stock.completed", "replays.queue", "order.stock.fail"
WHY = "the constraint was dropped"


@pytest.fixture(scope="module")
def guarded(apis):
    return Guarded(apis)


class Desk:
    """An operator of the order service."""

    def __init__(self, guarded):
        self.subject = new_id()
        self._guarded = guarded
        self.token = guarded.issuer.token(self.subject, ["operator"])

    def call(self, method, path="", token=None, **options):
        return self._guarded.call("order-api", method, "/api/replay-jobs" + path, token or self.token, **options)

    def make(self, **wish):
        answer = self.call("POST", json=wish, headers={"X-Reason": WHY})
        assert answer.status_code == 201, answer.text
        job = answer.json()
        assert answer.headers["Location"] == f"/api/replay-jobs/{job['id']}"
        return job

    def show(self, job):
        answer = self.call("GET", f"/{job['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def steer(self, job, step):
        answer = self.call("POST", f"/{job['id']}/{step}", headers={"X-Reason": "so"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until(self, job, state, seconds=60):
        return eventually(lambda: (shown := self.show(job))["state"] == state and shown, f"job {job['id']} to be {state}", seconds)

    def trials(self, job):
        """{letter: (verdict, why)} of a dry run."""
        answer = self.call("GET", f"/{job['id']}/trials", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        return {trial["letter"]: (trial["verdict"], trial.get("why")) for trial in answer.json()["items"]}

    def refusals(self, job, **query):
        return self.call("GET", f"/{job['id']}/refusals", params=query).json()["items"]


@pytest.fixture
def desk(guarded):
    return Desk(guarded)


@pytest.fixture
def unreadable(databases):
    """Letters that cannot be replayed, each a second after the one before; gone afterwards."""
    marker, written = new_id(), []

    def write(n, message_type=STOCK_COMPLETED, subject=None, queue=QUIET_QUEUE):
        rows = databases.rows("order", "INSERT INTO dead_letters (id, queue, message_type, body, reason, attempts, subject, died_at)"
                              " SELECT gen_random_uuid(), %s, %s, '{', %s, 3, %s::uuid, now() - make_interval(secs => 100 - n)"
                              " FROM generate_series(1, %s) AS n RETURNING id::text", (queue, message_type, marker, subject, n))
        written.extend(letter for letter, in rows)
        return written[-n:]
    yield write
    databases.execute("order", "DELETE FROM dead_letters WHERE id = ANY(%s::uuid[])", (written,))


# --- replaying --------------------------------------------------------------------------------------


def test_a_killed_worker_goes_on_where_it_was_and_replays_nothing_twice(system, desk, databases, orders, stocks):
    letters = dead_confirmations(system, orders, stocks.create(50), 24)
    (group,), = databases.rows("order", "SELECT DISTINCT group_id::text FROM dead_letters WHERE id = ANY(%s::uuid[])", (list(letters),))
    job = desk.make(group=group, rate=4)
    assert (job["state"], job["queue"], job["group"], job["rate"], job["createdBy"], job["why"]) == (
        "running", QUEUE, group, 4, desk.subject, WHY)
    eventually(lambda: desk.show(job)["replayed"] >= 6, "some to be replayed")
    os.kill(system.pid("order-worker"), signal.SIGKILL)
    try:
        halfway = desk.show(job)
    finally:
        system.restart("order-worker")
    assert halfway["replayed"] < len(letters), "the kill came too late to prove anything"
    done = desk.until(job, "done")
    assert done["looked"] == done["total"] == done["replayed"] + done["refused"] and done["replayed"] >= len(letters)
    assert done["returned"] == 0 and "secondsLeft" not in done
    for order in letters.values():
        orders.wait(order, "Confirmed")
    assert all(len(orders.history(order)) == 2 for order in letters.values())
    assert databases.rows("order", "SELECT DISTINCT act, acted_by, acted_as, acted_why, replay_job::text FROM dead_letters"
                          " WHERE id = ANY(%s::uuid[])", (list(letters),)) == [("replayed", desk.subject, desk.subject, WHY, job["id"])]
    assert databases.rows("order", "SELECT subject, action, object, before, after->>'state', why FROM audit_log WHERE object_id = %s",
                          (job["id"],)) == [(desk.subject, "makeReplayJob", "replay-job", None, "running", WHY)]


def test_it_stops_when_too_many_come_back_and_goes_on_when_resumed(system, desk, databases, orders, stocks):
    """The cause is still there; then it is gone."""
    product, customers = stocks.create(50), [new_id() for _ in range(60)]
    mine = ", ".join(f"'{customer}'" for customer in customers)
    with broken(databases, "order", "orders", f"customer_id IN ({mine}) AND status = 2"):
        placed = [orders.placed((product, 1), customer=customer) for customer in customers[:40]]
        letters = eventually(lambda: letters_about(databases, "order", placed, 40), "the stock results to die", 90)
        job = desk.make(filter={"queue": QUEUE, "since": died(databases, letters)}, rate=3, stopAfter={"failures": 2, "of": 100})
        stopped = desk.until(job, "stopped")
        assert stopped["returned"] >= 2 and stopped["replayed"] < 40 and "came back while" in stopped["note"]
        assert stopped["stopAfter"] == {"failures": 2, "of": 100}
        looked = stopped["looked"]
        # what is on its way dies again
        eventually(lambda: desk.show(job)["returned"] == desk.show(job)["replayed"], "all that were replayed to come back", 60)
    assert desk.show(job)["looked"] == looked
    assert "note" not in desk.steer(job, "resume")
    done = desk.until(job, "done")
    assert done["replayed"] + done["refused"] == done["total"] and done["returned"] >= stopped["replayed"]
    assert desk.until(desk.make(filter={"queue": QUEUE, "since": died(databases, letters)}, rate=100), "done")["replayed"] >= looked
    for order in placed:
        orders.wait(order, "Confirmed")
    assert all(len(orders.history(order)) == 2 for order in placed)


def died(databases, letters):
    """When the first of them died."""
    return databases.value("order", "SELECT to_char(min(died_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
                           " FROM dead_letters WHERE id = ANY(%s::uuid[])", (list(letters),))


# --- trying -----------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_come_of_each_letter_and_changes_nothing(desk, databases, orders, stocks, unreadable):
    """One letter whose cause is still there, one whose rows somebody holds, one that nobody can read, and one that is cured."""
    product, customers = stocks.create(50), [new_id() for _ in range(3)]
    mine = ", ".join(f"'{customer}'" for customer in customers)
    with broken(databases, "order", "orders", f"customer_id IN ({mine}) AND status = 2"):
        placed = [orders.placed((product, 1), customer=customer) for customer in customers]
        letters = eventually(lambda: letters_about(databases, "order", placed, 3), "the stock results to die", 90)
    ill, held, cured = ([letter for letter, order in letters.items() if order == each][0] for each in placed)
    garbage, = unreadable(1, queue=QUEUE)
    before = rows_of(databases, "order", letters)
    with broken(databases, "order", "orders", f"customer_id = '{customers[0]}' AND status = 2"), databases.connect("order") as holder:
        with holder.transaction():
            holder.execute("SELECT FROM orders WHERE id = %s FOR UPDATE", (placed[1],))
            job = desk.until(desk.make(filter={"queue": QUEUE}, rate=1000, dryRun=True), "done")
    trials = desk.trials(job)
    assert trials[ill][0] == "fails" and "violates check constraint" in trials[ill][1]
    assert trials[held][0] == "untried" and "lock timeout" in trials[held][1]
    assert trials[garbage][0] == "refused" and "it would die again" in trials[garbage][1]
    assert trials[cured] == ("works", None)
    assert (job["dryRun"], job["replayed"], job["returned"]) == (True, 0, 0)
    assert job["works"] + job["fails"] + job["untried"] + job["refused"] == job["looked"] == job["total"]
    assert rows_of(databases, "order", letters) == before
    assert all(orders.order(order)["status"] == "Created" and len(orders.history(order)) == 1 for order in placed)
    again = desk.until(desk.make(filter={"queue": QUEUE}, rate=1000, dryRun=True), "done")
    assert {desk.trials(again)[letter] for letter in letters} == {("works", None)}
    assert desk.until(desk.make(filter={"queue": QUEUE}, rate=100), "done")["replayed"] >= 3
    for order in placed:
        orders.wait(order, "Confirmed")


def test_a_letter_that_ended_its_worker_is_not_tried_again(desk, databases, unreadable):
    unreadable(30)
    job = desk.make(filter={"queue": QUIET_QUEUE}, rate=5, dryRun=True)
    eventually(lambda: desk.show(job)["looked"] >= 2, "the first letters")
    desk.steer(job, "pause")
    deadly, = databases.rows("order", "UPDATE replay_jobs j SET trying = (SELECT l.id FROM dead_letters l WHERE l.queue = j.queue AND"
                             " act IS NULL AND (l.died_at, l.id) > (j.last_died, j.last_id) ORDER BY l.died_at LIMIT 1)"
                             " WHERE j.id = %s RETURNING trying::text", (job["id"],))[0]
    desk.steer(job, "resume")
    done = desk.until(job, "done")
    assert (done["untried"], done["refused"], done["total"]) == (1, 29, 30)
    assert desk.trials(job)[deadly] == ("untried", "its worker ended, or lost its database, while it was tried")


# --- which letters ----------------------------------------------------------------------------------


def test_what_cannot_be_replayed_is_refused_and_listed_in_order(desk, databases, unreadable):
    letters = unreadable(5)
    in_order = [letter for letter, in databases.rows("order", "SELECT id::text FROM dead_letters WHERE id = ANY(%s::uuid[])"
                                                     " ORDER BY died_at", (letters,))]
    job = desk.until(desk.make(filter={"queue": QUIET_QUEUE}, rate=1000), "done")
    assert (job["replayed"], job["refused"], job["total"]) == (0, 5, 5)
    assert [refusal["letter"] for refusal in desk.refusals(job, sort="oldest")] == in_order
    assert [refusal["letter"] for refusal in desk.refusals(job, limit=2)] == in_order[:-3:-1]
    assert all("does not consume" in refusal["why"] for refusal in desk.refusals(job))
    assert {state for state, in databases.rows("order", "SELECT act FROM dead_letters WHERE id = ANY(%s::uuid[])", (letters,))} == {None}


def test_an_erased_customer_leaves_no_words_in_a_refusal(desk, guarded, databases, unreadable):
    letters, customer = unreadable(2), new_id()
    databases.execute("order", "UPDATE dead_letters SET body = %s WHERE id = %s",
                      (json.dumps({"Data": {"CustomerId": customer}}).encode(), letters[0]))
    job = desk.until(desk.make(filter={"queue": QUIET_QUEUE}, rate=1000), "done")
    tried = desk.until(desk.make(filter={"queue": QUIET_QUEUE}, rate=1000, dryRun=True), "done")
    admin = guarded.issuer.token(new_id(), ["admin"])
    assert guarded.call("order-api", "POST", f"/api/customers/{customer}/erase", admin).json()["erased"]["deadLetters"] == 1
    why = {refusal["letter"]: refusal["why"] for refusal in desk.refusals(job)}
    assert why[letters[0]] == "erased" and why[letters[1]] != "erased"
    assert desk.trials(tried)[letters[0]] == ("refused", "erased") and desk.trials(tried)[letters[1]][1] != "erased"


def test_a_filter_narrows_it(desk, databases, unreadable):
    order = new_id()
    unreadable(3), unreadable(2, message_type="AnotherEvent")
    about = unreadable(2, subject=order)
    since = died(databases, about[-1:])
    for narrower, count in (({"type": "AnotherEvent"}, 2), ({"subject": order}, 2), ({"type": "AnotherEvent", "subject": order}, 0),
                            ({"since": since}, 2), ({"since": since, "subject": order}, 1), ({}, 7)):
        job = desk.until(desk.make(filter={"queue": QUIET_QUEUE, **narrower}, rate=1000), "done")
        assert (job["refused"], job["total"]) == (count, count), narrower


# --- steering ---------------------------------------------------------------------------------------


def test_paused_resumed_cancelled_each_safe_to_repeat(desk, databases, unreadable):
    unreadable(30)
    job = desk.make(filter={"queue": QUIET_QUEUE}, rate=5)
    running = eventually(lambda: (shown := desk.show(job))["looked"] >= 2 and shown, "the first letters")
    assert running["total"] == 30 and running["secondsLeft"] >= 1 and 0 < running["pace"] <= 10
    assert_problem(desk.call("POST", json={"filter": {"queue": QUIET_QUEUE}}), 409)
    assert desk.steer(job, "pause")["state"] == "paused"
    paused = desk.steer(job, "pause")
    assert_problem(desk.call("POST", json={"filter": {"queue": QUIET_QUEUE}}), 409)
    other = desk.until(desk.make(filter={"queue": "another.queue"}), "done")  # which goes on meanwhile
    assert other["total"] == 0 and desk.show(job)["looked"] == paused["looked"]
    assert desk.steer(job, "resume")["state"] == "running"
    eventually(lambda: desk.show(job)["looked"] > paused["looked"], "it to go on")
    for _ in range(2):
        cancelled = desk.steer(job, "cancel")
    assert cancelled["state"] == "cancelled" and cancelled["looked"] < 30 and "endedAt" in cancelled
    for step in ("pause", "resume"):
        assert_problem(desk.call("POST", f"/{job['id']}/{step}"), 409)
    rows = databases.rows("order", "SELECT action, before->>'state', after->>'state', why FROM audit_log WHERE object_id = %s"
                          " ORDER BY number", (job["id"],))
    assert rows == [("makeReplayJob", None, "running", WHY), ("pauseReplayJob", "running", "paused", "so"),
                    ("resumeReplayJob", "paused", "running", "so"), ("cancelReplayJob", "running", "cancelled", "so")]
    found = desk.call("GET", params={"queue": QUIET_QUEUE, "state": "cancelled"}).json()["items"]
    assert found[0]["id"] == job["id"] and {each["state"] for each in found} == {"cancelled"}


@pytest.mark.parametrize("wish, name", [
    ({}, ""), ({"group": new_id(), "filter": {"queue": "x"}}, ""), ({"filter": {}}, "filter.queue"),
    ({"filter": {"queue": "x"}, "rate": 0}, "rate"), ({"filter": {"queue": "x"}, "rate": 1001}, "rate"),
    ({"filter": {"queue": "x"}, "stopAfter": {"failures": 5}}, "stopAfter.of"),
    ({"filter": {"queue": "x", "since": "yesterday"}}, "filter.since")])
def test_a_wish_that_is_none_is_400(desk, wish, name):
    assert_problem(desk.call("POST", json=wish), 400, name)


def test_unknown_jobs_are_404_and_strangers_403(desk, guarded):
    support = guarded.issuer.token(new_id(), ["support"])
    for method, path in (("GET", ""), ("GET", "/refusals"), ("GET", "/trials"), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/cancel")):
        for job in (new_id(), "42"):
            assert_problem(desk.call(method, f"/{job}{path}"), 404)
        assert_problem(desk.call(method, f"/{new_id()}{path}", token=support), 403)
    assert_problem(desk.call("POST", json={"group": new_id()}), 404)
    assert_problem(desk.call("POST", token=support, json={"filter": {"queue": "x"}}), 403)


# --- ./cartwheel dlq --------------------------------------------------------------------------------


def test_the_command_makes_shows_and_steers(system, desk, unreadable, tmp_path):
    elsewhere = tmp_path / "endpoints.json"
    elsewhere.write_text(json.dumps({f"{name}_api": system.api(name) for name in ("order", "stock", "notification")}))
    there = {"env": {"CARTWHEEL_TOKEN": desk.token}}
    letters = unreadable(4, queue=OTHER_QUEUE)
    eventually(lambda: [group for group in dlq(system, "groups", "--queue", OTHER_QUEUE)[1] if group["waiting"] >= 4], "the letters to be filed")
    code, (job,), _ = dlq(system, "replay", "--all", "--queue", OTHER_QUEUE, "--rate", "1000", "--why", "so", "--stop-after", "1/2",
                          "--endpoints", str(elsewhere), check=False, **there)
    assert code == 1 and (job["state"], job["createdBy"], job["why"]) == ("done", desk.subject, "so")
    _, jobs, _ = dlq(system, "jobs", "--queue", OTHER_QUEUE)
    assert {"service": "order", **job} in jobs
    _, (shown,), _ = dlq(system, "job", job["id"])
    assert shown == {"service": "order", **job}
    _, refused, _ = dlq(system, "job", job["id"], "refusals")
    assert {refusal["letter"] for refusal in refused} >= set(letters)
    code, (tried,), _ = dlq(system, "try", "--queue", OTHER_QUEUE, "--rate", "1000", check=False)
    assert (code, tried["dryRun"], tried["works"]) == (1, True, 0) and tried["refused"] >= len(letters)
    _, trials, _ = dlq(system, "job", tried["id"], "trials")
    assert {(trial["letter"], trial["verdict"]) for trial in trials} >= {(letter, "refused") for letter in letters}
    assert f"0 would work, 0 would fail, {tried['refused']} refused" in system.launcher("dlq", "job", tried["id"])
    running = desk.make(filter={"queue": OTHER_QUEUE}, rate=1)
    _, (paused,), _ = dlq(system, "job", running["id"], "pause", "--why", "lunch")
    assert paused["state"] == "paused"
    code, _, errors = dlq(system, "job", job["id"], "resume", check=False)
    assert code == 1 and "409" in errors
    _, (gone,), _ = dlq(system, "job", running["id"], "cancel")
    assert gone["state"] == "cancelled"
    text = system.launcher("dlq", "jobs", "--service", "order")
    assert running["id"] in text and "replay jobs" in text
    assert "no replay job" in dlq(system, "job", new_id(), check=False)[2]
