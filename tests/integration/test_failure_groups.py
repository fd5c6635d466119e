"""What failed, in groups: filed with the letters, counted exactly by several workers, bounded, closed, and open again."""

import contextlib
import itertools
import json
import pathlib
import re
import subprocess

import pika
import pytest

from support.api import assert_problem, new_id
from support.child import Child, child
from support.dead_letters import MESSAGE, DeadLetterAdmin, dead_confirmations, dlq
from support.names import STOCK_COMPLETED
from support.waits import eventually
from test_access import Guarded

QUEUE, SERVICE = "order.stock.completed", "order"
LIMIT, BATCH = 200, 32  # groups of a queue that are not closed; letters that a worker files at once
BUILDS = "SELECT build_id FROM builds ORDER BY number"


@pytest.fixture(scope="module")
def guarded(apis):
    return Guarded(apis)


class Desk:
    """An operator of the order service, and what he sees of the failures of these tests."""

    def __init__(self, guarded, broker, databases):
        self.subject = new_id()
        self._guarded, self._broker, self._databases = guarded, broker, databases
        self._token = guarded.issuer.token(self.subject, ["operator"])

    def call(self, method, path, **options):
        return self._guarded.call("order-api", method, "/api/failure-groups" + path, self._token, **options)

    def page(self, **query):
        answer = self.call("GET", "", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def all(self, **query):
        found, cursor = [], {}
        while cursor is not None:
            page = self.page(limit=100, **query, **cursor)
            found += page["items"]
            cursor = {"cursor": page["nextCursor"]} if "nextCursor" in page else None
        return found

    def of(self, fingerprint):
        """The group, or None."""
        found = [group for group in self.all(queue=QUEUE) if group["fingerprint"] == fingerprint]
        assert len(found) <= 1
        return found[0] if found else None

    def counted(self, fingerprint, count):
        """The group, once so many letters of it have come."""
        def look():
            group = self.of(fingerprint)
            return group if group and group["count"] >= count else None
        group = eventually(look, f"{count} letters of {fingerprint}", 60)
        assert group["count"] == count
        return group

    def close(self, group, **options):
        answer = self.call("POST", f"/{group['id']}/close", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fail(self, *reasons, letter_id=None):
        """Letters as a consumer that gives up leaves them to the worker; their bodies cannot be read."""
        for reason in reasons:
            headers = {"x-error": reason, "x-retry-count": 3, "x-dead-letter-id": letter_id or new_id()}
            self._broker.to_queue(QUEUE + ".dlq", b"{", pika.BasicProperties(type=STOCK_COMPLETED, headers=headers))

    def write(self, reason, n, act=None):
        """Letters as former versions of the worker wrote them: in no group."""
        self._databases.execute(SERVICE, """
            INSERT INTO dead_letters (id, queue, message_type, body, reason, attempts, act, acted_by, acted_why, acted_at)
            SELECT gen_random_uuid(), %(queue)s, %(type)s, '', %(reason)s || n, 3, %(act)s::text,
                CASE WHEN %(act)s::text IS NOT NULL THEN 'ana' END, CASE WHEN %(act)s::text IS NOT NULL THEN 'w' END,
                CASE WHEN %(act)s::text IS NOT NULL THEN now() END FROM generate_series(1, %(n)s) AS n""",
            {"queue": QUEUE, "type": STOCK_COMPLETED, "reason": reason, "act": act, "n": n})


@pytest.fixture
def desk(guarded, broker, databases):
    return Desk(guarded, broker, databases)


WORDS = ("".join(word) for word in itertools.product("ghjkmnpqrstvwxyz", repeat=6))


@pytest.fixture
def word():
    """A word that no other reason has."""
    return next(WORDS)


# --- filing -----------------------------------------------------------------------------------------


def test_letters_of_one_reason_are_one_group(desk, databases, word):
    desk.fail(*(f'{word} take.c:{n}: order {new_id()} wants "{n}" of {n}' for n in range(7)))
    group = desk.counted(f'{word} take.c:#: order # wants "..." of #', 7)
    build, = group["builds"]
    assert build["version"] == "0.1.0" and re.fullmatch(r"[0-9a-f]{16,64}", build["buildId"])
    assert (group["queue"], group["type"], group["state"], group["waiting"]) == (QUEUE, STOCK_COMPLETED, "open", 7)
    newest = databases.rows(SERVICE, "SELECT id::text FROM dead_letters WHERE group_id = %s ORDER BY died_at DESC", (group["id"],))
    assert len(group["samples"]) == 5 and set(group["samples"]) <= {letter for letter, in newest}
    assert group["firstSeenAt"] <= group["lastSeenAt"]


def test_the_rate_is_of_the_last_minutes(desk, databases, word):
    """Each weighs half as much for every minute: 60 that died two minutes ago are worth 15, 0.69 of them a minute."""
    desk.write(f"{word} fails ", 60)
    group = desk.counted(f"{word} fails #", 60)
    assert 35 < group["rate"] <= 41.6
    databases.execute(SERVICE, "UPDATE failure_groups SET pulse = 60, pulse_at = now() - interval '2 minutes' WHERE id = %s", (group["id"],))
    assert 9 < desk.of(f"{word} fails #")["rate"] <= 10.4
    databases.execute(SERVICE, "UPDATE failure_groups SET pulse_at = now() - interval '2 years' WHERE id = %s", (group["id"],))
    assert desk.of(f"{word} fails #")["rate"] == 0
    desk.write(f"{word} fails ", 1)
    assert desk.counted(f"{word} fails #", 61)["rate"] <= 0.7


def test_a_letter_that_comes_again_is_counted_once(desk, word):
    letter = new_id()
    for _ in range(3):
        desk.fail(f"{word} again", letter_id=letter)
    desk.fail(f"{word} last")
    desk.counted(f"{word} last", 1)
    assert desk.of(f"{word} again")["count"] == 1


def test_two_workers_count_every_letter_and_do_not_wait_for_each_other(system, desk, databases, word):
    """Two reasons each, in both orders: who locks them as they come waits for the other in a circle."""
    deadlocks = databases.deadlocks()
    with child(system, "order-worker") as other:
        other.wait_ready()
        for n in range(40):
            desk.fail(f"{word} one {n}", f"{word} two {n}", f"{word} two {n}", f"{word} one {n}")
        desk.counted(f"{word} one #", 80)
        desk.counted(f"{word} two #", 80)
        assert other.metrics().value("cartwheel_dead_letters_stored_total", queue=QUEUE) > 0, "the other worker had none of them"
    assert databases.deadlocks() == deadlocks


def test_letters_of_before_are_filed(desk, word):
    desk.write(f"{word} old ", 600)
    desk.write(f"{word} done ", 3, act="replayed")
    group = desk.counted(f"{word} old #", 600)
    assert (group["state"], group["waiting"], group["builds"], len(group["samples"])) == ("open", 600, [], 5)
    group = desk.counted(f"{word} done #", 3)
    assert (group["state"], group["waiting"]) == ("closed", 0) and "closedBy" not in group


def test_reasons_that_never_repeat_end_in_other(desk, databases, word):
    """Of 300 about 200 have a group of their own, with those that are there; none is lost."""
    known = (desk.of("other") or {"count": 0})["count"]
    try:
        for _ in range(300):
            desk.write(f"{word} {next(WORDS)}", 1)
        desk.fail(*(f"{word} {next(WORDS)}" for _ in range(5)))
        def all_came():
            filed = "SELECT count(*) FROM dead_letters WHERE reason LIKE %s AND group_id IS NOT NULL"
            return databases.value(SERVICE, filed, (f"%{word} %",)) == 305
        eventually(all_came, "all letters to be filed", 60)
        groups = desk.all(queue=QUEUE)
        other = desk.of("other")
        assert sum(group["count"] for group in groups if f"{word} " in group["fingerprint"]) + other["count"] - known == 305
        assert len([group for group in groups if group["state"] != "closed"]) <= LIMIT + BATCH + 1
        assert other["count"] - known >= 305 - LIMIT - BATCH and "type" not in other
    finally:
        mine = "SELECT id FROM failure_groups WHERE fingerprint LIKE %s OR fingerprint = 'other'"
        databases.execute(SERVICE, f"DELETE FROM dead_letters WHERE group_id IN ({mine})", (word + " %",))
        databases.execute(SERVICE, f"DELETE FROM failure_groups WHERE id IN ({mine})", (word + " %",))


# --- states -----------------------------------------------------------------------------------------


def test_closed_is_open_again_when_the_same_build_fails(desk, word):
    reason = f"{word} fails"
    desk.fail(reason)
    group = desk.counted(reason, 1)
    closed = desk.close(group)
    assert (closed["state"], closed["closedBy"], closed["waiting"]) == ("closed", desk.subject, 1)
    desk.fail(reason)
    again = desk.counted(reason, 2)
    assert again["state"] == "open" and again["builds"] == group["builds"]


@contextlib.contextmanager
def failed_with_an_older_build(databases, group):
    """As if another build than ours, which was seen before it, had failed so."""
    databases.execute(SERVICE, "INSERT INTO builds (number, version, build_id) OVERRIDING SYSTEM VALUE VALUES (-1, '0.0.9', 'old')")
    databases.execute(SERVICE, "UPDATE failure_groups SET builds = '{-1}' WHERE id = %s", (group["id"],))
    yield
    databases.execute(SERVICE, "UPDATE failure_groups SET builds = array_remove(builds, -1)")
    databases.execute(SERVICE, "DELETE FROM builds WHERE number = -1")


def test_closed_has_regressed_when_a_newer_build_fails(desk, databases, word):
    reason = f"{word} fails"
    desk.fail(reason)
    group = desk.counted(reason, 1)
    with failed_with_an_older_build(databases, group):
        desk.fail(reason)
        assert desk.counted(reason, 2)["state"] == "open"  # it was not closed
        databases.execute(SERVICE, "UPDATE failure_groups SET builds = '{-1}' WHERE id = %s", (group["id"],))
        desk.close(group)
        desk.fail(reason)
        regressed = desk.counted(reason, 3)
        assert regressed["state"] == "regressed"
        assert [build["version"] for build in regressed["builds"]] == ["0.0.9", "0.1.0"]
        desk.fail(reason)
        assert desk.counted(reason, 4)["state"] == "regressed"
        desk.close(group)
        desk.fail(reason)
        assert desk.counted(reason, 5)["state"] == "open"  # that build is known by now


def test_another_build_is_known_by_itself_and_comes_later(system, databases, tmp_path):
    """The note of the linker is changed in a copy of the program: that is another build."""
    own, = [found for found, in databases.rows(SERVICE, BUILDS) if found in build_of(system.binary("order-worker"))]
    program = pathlib.Path(system.binary("order-worker")).read_bytes()
    changed = own[:-2] + ("00" if own[-2:] != "00" else "11")
    copy = tmp_path / "order-worker"
    copy.write_bytes(program.replace(bytes.fromhex(own), bytes.fromhex(changed)))
    copy.chmod(0o755)
    other = Child(system, "order-worker", prefix=("bash", "-c", f"exec {copy}"))
    try:
        other.wait_ready()
        builds = eventually(lambda: changed in (found := [build for build, in databases.rows(SERVICE, BUILDS)]) and found,
                            "the other build to be seen")
        assert other.stop() == 0
    finally:
        other.discard()
    assert builds.index(own) < builds.index(changed)
    databases.execute(SERVICE, "DELETE FROM builds WHERE build_id = %s", (changed,))


def build_of(binary):
    return subprocess.run(["readelf", "-n", binary], capture_output=True, text=True, check=True).stdout


def test_what_operators_do_about_letters_shows(system, desk, word):
    """A letter that was acted upon waits no more; what was refused changes nothing."""
    reason, admin = f"{word} fails", DeadLetterAdmin(system, "order-worker")
    desk.fail(reason, reason, reason)
    group = desk.counted(reason, 3)
    assert_problem(admin.replay(group["samples"][0]), 409)  # its body cannot be read
    assert desk.of(reason)["state"] == "open" and desk.of(reason)["waiting"] == 3
    assert admin.discard(group["samples"][0]).status_code == 200
    assert admin.post(f"/dead-letters/{group['samples'][0]}/discard", MESSAGE).status_code == 409
    assert (desk.of(reason)["waiting"], desk.of(reason)["state"], desk.of(reason)["count"]) == (2, "open", 3)


def test_a_replay_shows_until_it_fails_again(system, desk, databases, orders, stocks):
    (letter, order), = dead_confirmations(system, orders, stocks.create(5), 1).items()
    (fingerprint, reason), = databases.rows(SERVICE, "SELECT fingerprint, reason FROM dead_letters d JOIN failure_groups g"
                                            " ON g.id = d.group_id WHERE d.id = %s", (letter,))
    before = desk.of(fingerprint)
    assert letter in before["samples"] and before["state"] == "open"
    assert DeadLetterAdmin(system, "order-worker").replay(letter).status_code == 200
    replayed = desk.of(fingerprint)
    assert (replayed["state"], replayed["waiting"], replayed["count"]) == ("replaying", before["waiting"] - 1, before["count"])
    orders.wait(order, "Confirmed")
    desk.fail(reason)
    assert desk.counted(fingerprint, before["count"] + 1)["state"] == "open"


def test_an_erased_customer_leaves_no_words_in_a_group(guarded, desk, databases, word):
    """But for those that others' letters have too."""
    customer, other = new_id(), new_id()
    for person, reason in ((customer, f"{word} alone"), (customer, f"{word} shared"), (other, f"{word} shared")):
        databases.execute(SERVICE, "INSERT INTO dead_letters (id, queue, body, reason, attempts) VALUES (%s, %s, %s, %s, 3)",
                          (new_id(), QUEUE, json.dumps({"Data": {"CustomerId": person}}).encode(), reason))
    alone, shared = desk.counted(f"{word} alone", 1), desk.counted(f"{word} shared", 2)
    admin = guarded.issuer.token(new_id(), ["admin"])
    answer = guarded.call("order-api", "POST", f"/api/customers/{customer}/erase", admin)
    assert answer.status_code == 200 and answer.json()["erased"]["deadLetters"] == 2
    found = {group["id"]: group["fingerprint"] for group in desk.all(queue=QUEUE)}
    assert (found[alone["id"]], found[shared["id"]]) == ("erased", f"{word} shared")


# --- the API ----------------------------------------------------------------------------------------


def test_the_list_is_filtered_and_paged(desk, word):
    for n in range(5):
        desk.fail(f"{word} {'x' * (n + 1)}")
        desk.counted(f"{word} {'x' * (n + 1)}", 1)
    mine = [group for group in desk.all(queue=QUEUE) if group["fingerprint"].startswith(word)]
    assert [group["fingerprint"] for group in mine] == [f"{word} {'x' * n}" for n in (5, 4, 3, 2, 1)]
    oldest = [group for group in desk.all(queue=QUEUE, sort="oldest") if group["fingerprint"].startswith(word)]
    assert oldest == mine[::-1]
    desk.close(mine[2])
    closed = desk.all(state="closed")
    assert mine[2]["id"] in [group["id"] for group in closed] and {group["state"] for group in closed} == {"closed"}
    assert mine[2]["id"] not in [group["id"] for group in desk.all(queue=QUEUE, state="open")]
    assert desk.all(queue="no.such.queue") == []
    pages, cursor = [], {}
    while cursor is not None:
        page = desk.page(limit=3, queue=QUEUE, **cursor)
        assert len(page["items"]) <= 3
        pages += [group["id"] for group in page["items"]]
        cursor = {"cursor": page["nextCursor"]} if "nextCursor" in page else None
    assert len(set(pages)) == len(pages) and {group["id"] for group in mine} <= set(pages)


@pytest.mark.parametrize("query, name", [({"state": "waiting"}, "state"), ({"queue": ""}, "queue"), ({"limit": 101}, "limit"),
                                         ({"type": "x"}, "type"), ({"cursor": "x"}, "cursor")])
def test_a_filter_that_is_none_is_400(desk, query, name):
    assert_problem(desk.call("GET", "", params=query), 400, name)


def test_closing_is_safe_to_repeat_and_unknown_is_404(desk, databases, word):
    desk.fail(word)
    group = desk.counted(word, 1)
    first, second = (desk.close(group, headers={"X-Reason": "fixed in „0.2“".encode()}) for _ in range(2))
    assert first == second
    rows = databases.rows(SERVICE, "SELECT subject, action, object, before, after, why FROM audit_log WHERE object_id = %s",
                          (group["id"],))
    assert rows == [(desk.subject, "closeFailureGroup", "failure-group", {"state": "open"}, {"state": "closed"}, "fixed in „0.2“")]
    for unknown in (new_id(), "42"):
        assert_problem(desk.call("POST", f"/{unknown}/close"), 404)


# --- ./cartwheel dlq --------------------------------------------------------------------------------


def test_the_command_lists_and_closes(system, desk, word, tmp_path):
    desk.fail(f"{word} \x1b[2J fails")
    group = eventually(lambda: next((g for g in desk.all(queue=QUEUE) if word in g["fingerprint"]), None), "the group")
    _, listed, _ = dlq(system, "groups", "--queue", QUEUE)
    assert {"service": "order", **group} in listed
    text = system.launcher("dlq", "groups", "--service", "order")
    assert group["id"] in text and "\x1b" not in text and "groups of failures" in text
    elsewhere = tmp_path / "endpoints.json"
    elsewhere.write_text(json.dumps({f"{name}_api": system.api(name) for name in ("order", "stock", "notification")}))
    token = {"CARTWHEEL_TOKEN": desk._token}
    _, (closed,), _ = dlq(system, "close", group["id"], "--why", "mended „so“", "--endpoints", str(elsewhere), env=token)
    assert (closed["id"], closed["state"], closed["closedBy"]) == (group["id"], "closed", desk.subject)
    assert group["id"] not in [found["id"] for found in dlq(system, "groups", "--queue", QUEUE)[1]]
    assert group["id"] in [found["id"] for found in dlq(system, "groups", "--state", "closed", "--service", "order")[1]]
    code, _, errors = dlq(system, "close", new_id(), "--why", "x", check=False)
    assert code == 1 and "there is no group" in errors
    code, _, errors = dlq(system, "groups", "--endpoints", str(elsewhere), check=False, env={"CARTWHEEL_TOKEN": ""})
    assert code == 1 and "CARTWHEEL_TOKEN" in errors
