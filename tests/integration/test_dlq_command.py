"""./cartwheel dlq: what an operator sees and does from a shell, over all workers."""

import collections
import json
import re
import time
import uuid

import pytest

from support import events
from support.api import new_id
from support.dead_letters import DeadLetterAdmin, dead_confirmations, dlq, rows_of
from support.names import STOCK_COMPLETED
from support.waits import eventually

pytestmark = pytest.mark.none_of_ours  # what it asks of a worker, test_dlq_api.py asks too

WHY = ("--why", "the cause is gone")


@pytest.fixture
def stuck(system, orders, stocks):
    """{letter: order} of orders whose stock results died; for a test that acts on all since they did."""
    return dead_confirmations(system, orders, stocks.create(50), 12)


@pytest.fixture(scope="module")
def many_stuck(system, orders, stocks):
    """The same, for tests that name what they act on: [(letter, order)]."""
    return list(dead_confirmations(system, orders, stocks.create(50), 20).items())


def died(system, letters):
    """When the first of them died: separates them from other tests' letters."""
    admin = DeadLetterAdmin(system, "order-worker")
    return min(admin.show(letter)["diedAt"] for letter in letters)


def test_list_and_show(system, many_stuck):
    stuck = dict(many_stuck[-3:])
    since = died(system, stuck)
    _, listed, _ = dlq(system, "list", "--service", "order", "--type", STOCK_COMPLETED, "--since", since)
    assert {letter["id"] for letter in listed} >= set(stuck)
    assert {(letter["service"], letter["state"]) for letter in listed} == {("order", "waiting")}
    assert {letter["replayable"] for letter in listed if letter["id"] in stuck} == {True}
    letter, order = next(iter(stuck.items()))
    _, (about,), _ = dlq(system, "list", "--order", order)
    assert (about["id"], about["subject"]) == (letter, order)
    _, everywhere, _ = dlq(system, "list", "--since", since, "--limit", "1000")
    assert {letter["id"] for letter in everywhere} >= set(stuck)
    assert len(dlq(system, "list", "--service", "order", "--limit", "3")[1]) == 3
    _, (shown,), _ = dlq(system, "show", next(iter(stuck)))
    assert shown["service"] == "order" and shown["replayable"] is True and "OrderId" in shown["body"]
    text = system.launcher("dlq", "list", "--service", "order", "--since", since)
    assert re.search(r"service +id +queue +message +order +died +state +reason", text) and next(iter(stuck)) in text
    assert "replayable" in system.launcher("dlq", "show", next(iter(stuck)))


def test_what_a_stranger_wrote_does_not_steer_the_terminal(system, broker, dead_letters):
    event = events.envelope(STOCK_COMPLETED, {"OrderId": new_id()})
    broker.to_queue("order.stock.completed", b"\x1b[2J{", events.properties(event, type="\x1b]0;owned\x07"))
    eventually(lambda: dead_letters.of(event["EventId"]), "the message to die", 60)
    _, listed, _ = dlq(system, "list", "--service", "order", "--since", "1h", "--limit", "1000")
    (letter,) = [found["id"] for found in listed if found.get("messageId") == event["EventId"]]
    for text in (system.launcher("dlq", "show", letter), system.launcher("dlq", "list", "--since", "1h")):
        assert "\x1b" not in text and "\x07" not in text


def test_a_dry_run_of_all_changes_nothing_and_then_all_is_replayed_once(system, databases, orders, notifications, stuck):
    scope = ("--service", "order", "--since", died(system, stuck), "--queue", "order.stock.completed")
    before = rows_of(databases, "order", stuck)
    _, foretold, _ = dlq(system, "replay", "--all", *scope, "--dry-run", check=False)
    assert {line["id"] for line in foretold if line["outcome"] == "done"} == set(stuck)
    assert all(line["dryRun"] for line in foretold)
    assert rows_of(databases, "order", stuck) == before

    outcomes = collections.Counter(line["outcome"] for line in foretold)
    _, (job,), _ = dlq(system, "replay", "--all", *scope, *WHY, "--rate", "1000", check=False)
    assert (job["state"], job["service"], job["replayed"], job["refused"]) == ("done", "order", outcomes["done"], outcomes["refused"])
    for order in stuck.values():
        orders.wait(order, "Confirmed")
        notifications.wait(order)
    assert databases.rows("order", "SELECT DISTINCT act, acted_by, acted_why FROM dead_letters"
                          " WHERE id = ANY(%s::uuid[])", (list(stuck),)) == [("replayed", job["createdBy"], WHY[1])]
    _, again, _ = dlq(system, "replay", "--all", *scope, *WHY, check=False)
    assert [line["replayed"] for line in again] in ([], [0]), "what was replayed waits no more"
    code, named, _ = dlq(system, "replay", *stuck, *WHY, "--rate", "1000", check=False)
    assert code == 1 and {line["outcome"] for line in named} == {"refused"}
    assert all(f"was replayed by {job['createdBy']}" in line["why"] for line in named)
    assert all(len(orders.history(order)) == 2 for order in stuck.values())


def test_the_pace_is_kept(system, many_stuck):
    """Letters a second at most: the lower bound of the time holds on any machine."""
    rate, letters = 10, [many_stuck.pop()[0] for _ in range(11)]
    started = time.monotonic()
    _, done, _ = dlq(system, "replay", *letters, *WHY, "--rate", str(rate))
    assert time.monotonic() - started >= (len(letters) - 1) / rate
    assert [line["id"] for line in done] == letters


def test_discard_by_ids_and_by_filter(system, databases, orders, stuck):
    first, *others = sorted(stuck, key=uuid.UUID)
    dlq(system, "discard", first, "--why", "customer was called", "--by", "bob", "--service", "order")
    scope = ("--service", "order", "--since", died(system, stuck), "--type", STOCK_COMPLETED)
    code, done, errors = dlq(system, "discard", "--all", *scope, "--why", "the rest too", "--by", "bob", check=False)
    assert code != 0 and not done and "--yes" in errors, "nobody is there to be asked"
    _, done, _ = dlq(system, "discard", "--all", "--yes", *scope, "--why", "the rest too", "--by", "bob", "--rate", "1000")
    assert {line["id"] for line in done} >= set(others) and first not in {line["id"] for line in done}
    assert set(databases.rows("order", "SELECT act, acted_by, acted_why FROM dead_letters WHERE id = ANY(%s::uuid[])",
                              (list(stuck),))) == {("discarded", "bob", "customer was called"),
                                                   ("discarded", "bob", "the rest too")}
    assert {orders.status(order) for order in stuck.values()} == {"Created"}
    said = system.launcher("dlq", "list", "--service", "order", "--state", "discarded")
    assert "discarded by bob" in said


@pytest.mark.parametrize("arguments, word", [
    (("replay", *WHY), "give IDs, or --all"), (("replay", "--all", new_id(), *WHY), "give IDs, or --all"),
    (("discard", new_id()), "--why is missing"), (("replay", new_id(), "--queue", "x", *WHY), "filters go with --all"),
    (("list", "--since", "yesterday"), "since must be a time"), (("show", "42"), "no dead letter 42"),
    (("list", "--url", "http://127.0.0.1:1"), "ADMIN_TOKEN"), (("replay", "--all", "--rate", "0", *WHY), "above 0"),
])
def test_what_is_wrong_is_said(system, arguments, word):
    code, _, errors = dlq(system, *arguments, check=False)
    assert code != 0 and word in errors and "Traceback" not in errors


def test_unknown_ids_are_told_and_the_others_done(system, orders, many_stuck):
    letter, order = many_stuck.pop()
    code, lines, _ = dlq(system, "replay", new_id(), letter, *WHY, check=False)
    assert code == 1
    assert [line["outcome"] for line in lines] == ["unknown", "done"]
    orders.wait(order, "Confirmed")


def test_a_wrong_token_and_another_address(system, orders, many_stuck):
    letter, order = many_stuck.pop()
    url = system.admin("order-worker")
    code, _, errors = dlq(system, "list", env={"ADMIN_TOKEN": "x" * 20}, check=False)
    assert code == 1 and "401" in errors and "ADMIN_TOKEN" in errors
    token = system.endpoints["admin_token"]
    nowhere = {"CARTWHEEL_HOME": "/nonexistent/cartwheel", "ADMIN_TOKEN": ""}
    code, _, errors = dlq(system, "list", "--url", url, env=nowhere, check=False)
    assert code == 1 and "ADMIN_TOKEN" in errors
    _, (line,), _ = dlq(system, "replay", letter, *WHY, "--url", url, env={**nowhere, "ADMIN_TOKEN": token})
    assert json.dumps(line).count(letter) == 1
    orders.wait(order, "Confirmed")


def test_the_token_may_come_from_a_file(system, tmp_path):
    path = tmp_path / "token"
    path.write_text(system.endpoints["admin_token"] + "\n")
    dlq(system, "list", "--limit", "1", env={"ADMIN_TOKEN_FILE": str(path)})
