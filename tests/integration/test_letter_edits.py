"""Dead letters with another body in their place, and as lines of a file: sent once, refused where it could harm, nothing lost."""

import json
import os
import socket
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from support.api import assert_problem, items_of, new_id
from support.dead_letters import dead_confirmations, dlq
from support.names import ORDER_CONFIRMED, STOCK_COMPLETED, STOCK_FAILED
from support.waits import eventually
from test_access import Guarded

QUEUE, OTHER_QUEUE = "order.stock.completed", "order.stock.fail"
WHY = "the shop sent nonsense"
NDJSON = {"Content-Type": "application/x-ndjson"}
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def guarded(apis):
    return Guarded(apis)


class Desk:
    """Somebody at the dead letters of the order service."""

    def __init__(self, guarded, role="admin", api="order-api"):
        self.subject = new_id()
        self._guarded, self._api = guarded, api
        self.token = guarded.issuer.token(self.subject, [role])

    def call(self, method, path="", **options):
        return self._guarded.call(self._api, method, "/api/dead-letters" + path, self.token, **options)

    def show(self, letter):
        answer = self.call("GET", f"/{letter}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def edit(self, letter, event, **members):
        body = event if isinstance(event, str) else json.dumps(event)
        return self.call("POST", f"/{letter}/edit", json={"body": body, **members}, headers={"X-Reason": WHY})

    def export(self, **query):
        """All lines, and how many pages they came in."""
        lines, pages, path = [], 0, ""
        while path is not None:
            answer = self.call("GET", path, params=query if not pages else None)
            assert answer.status_code == 200 and answer.headers["Content-Type"] == NDJSON["Content-Type"], answer.text
            lines += answer.content.splitlines()
            pages += 1
            link = answer.headers.get("Link")
            path = link and link[1:link.index(">")].removeprefix("/api/dead-letters")
        return lines, pages

    def take(self, lines):
        """What became of each line: {number: outcome}."""
        answer = self.call("POST", "/import", data=b"\n".join(lines), headers={**NDJSON, "X-Reason": WHY})
        assert answer.status_code == 200, answer.text
        outcomes = [json.loads(line) for line in answer.content.splitlines()]
        assert [outcome["line"] for outcome in outcomes] == list(range(1, len(lines) + 1))
        return outcomes


@pytest.fixture
def desk(guarded):
    return Desk(guarded)


@pytest.fixture(scope="module")
def stuck(system, orders, stocks):
    """Orders whose stock results died; each test takes one: [(letter, order)]."""
    return list(dead_confirmations(system, orders, stocks.create(50), 8).items())


@pytest.fixture
def written(databases):
    """Writes letters by SQL, each a second after the one before; gone afterwards."""
    made = []

    def write(n=1, body="{", queue=QUEUE, kind=STOCK_COMPLETED, subject=None, pieces=1):
        rows = databases.rows("order", "INSERT INTO dead_letters (id, queue, message_type, body, reason, attempts, subject, died_at,"
                              " body_bytes, body_sha256) SELECT gen_random_uuid(), %s, %s, b, 'made by hand', 3, %s::uuid,"
                              " now() - make_interval(secs => 100 - n), octet_length(b), sha256(b)"
                              " FROM convert_to(repeat(%s, %s), 'UTF8') b, generate_series(1, %s) n RETURNING id::text",
                              (queue, kind, subject, body, pieces, n))
        made.extend(letter for letter, in rows)
        return made[-n:]
    yield write
    databases.execute("order", "DELETE FROM dead_letters WHERE id = ANY(%s::uuid[])", (made,))


def renewed(letter, **data):
    """The event of a letter with an id of its own, and with other data."""
    event = json.loads(letter["body"])
    event["EventId"] = new_id()
    event["Data"].update(data)
    return event


def note_edit(connection, letter, message_id, body):
    """What an edit leaves in the database."""
    connection.execute("UPDATE dead_letters SET act = 'replayed', acted_by = 'ana', acted_why = 'so', acted_at = now() WHERE id = %s",
                       (letter,))
    connection.execute("INSERT INTO letter_edits (letter_id, message_id, body) VALUES (%s, %s, %s)", (letter, message_id, body.encode()))


def beside(databases, first, act):
    """What @act yields, which waits until the transaction of @first commits."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(act)
        eventually(lambda: databases.value("order", waiting, (first.info.backend_pid,)), "somebody to wait for the edit", 4)
        first.commit()
        return done.result()


def row_of(databases, letter):
    """What the letter's row says, but for its group, which comes later."""
    (row,), = databases.rows("order", "SELECT to_jsonb(l) - 'group_id' FROM dead_letters l WHERE id = %s", (letter,))
    return row


# --- editing ----------------------------------------------------------------------------------------


def test_another_body_is_sent_once_and_both_are_kept(desk, databases, orders, stuck):
    letter, order = stuck.pop()
    was = desk.show(letter)
    event = renewed(was, Note="by hand")
    answer = desk.edit(letter, event)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": letter, "act": "replayed", "replayedAs": event["EventId"], "dryRun": False, "before": False}
    orders.wait(order, "Confirmed")
    again = desk.edit(letter, event)
    assert again.status_code == 200 and again.json()["before"] is True
    now = desk.show(letter)
    assert (now["state"], now["replayedAs"], now["actedBy"], now["actedWhy"]) == ("replayed", event["EventId"], desk.subject, WHY)
    assert now["body"] == was["body"] and json.loads(now["editedBody"]) == event
    assert len(orders.history(order)) == 2
    eventually(lambda: databases.value("order", "SELECT count(*) FROM inbox WHERE event_id = %s", (event["EventId"],)) == 1,
               "the inbox to know the new event")
    (record,) = databases.rows("order", "SELECT subject, action, object, before, after, why FROM audit_log WHERE object_id = %s", (letter,))
    assert record[:3] == (desk.subject, "editDeadLetter", "dead-letter") and record[5] == WHY
    assert record[3] == {"state": "waiting", "messageId": was["messageId"], "bodySha256": was["bodySha256"]}
    assert (record[4]["state"], record[4]["messageId"]) == ("replayed", event["EventId"])
    assert "it was replayed by" in assert_problem(desk.edit(letter, renewed(was)), 409)["detail"]


def test_the_group_of_an_edited_letter_counts_it_as_replayed(desk, databases, stuck):
    letter, _ = stuck.pop()
    group = databases.value("order", "SELECT group_id::text FROM dead_letters WHERE id = %s", (letter,))
    counted = "SELECT waiting, (SELECT count(*) FROM dead_letters WHERE group_id = g.id AND act IS NULL), state" \
              " FROM failure_groups g WHERE id = %s"
    assert desk.edit(letter, renewed(desk.show(letter))).status_code == 200
    waiting, there, state = databases.rows("order", counted, (group,))[0]
    assert waiting == there and state == "replaying"


@pytest.mark.parametrize("spoil, fault", [
    (lambda event: event["Data"].pop("OrderId"), "OrderId"),
    (lambda event: event["Data"].update(OrderId="no id"), "OrderId"),
    (lambda event: event.update(EventType=STOCK_FAILED), "EventType"),
    (lambda event: event.update(EventId="no id"), "EventId"),
    (lambda event: event.pop("Data"), "Data"),
])
def test_what_its_consumer_would_not_take_is_told_and_changes_nothing(desk, databases, stuck, spoil, fault):
    letter, _ = stuck[0]
    before = row_of(databases, letter)
    event = renewed(desk.show(letter))
    spoil(event)
    problem = assert_problem(desk.edit(letter, event), 400, "body")
    assert fault.lower() in problem["errors"]["body"][0].lower()
    assert row_of(databases, letter) == before


def test_it_needs_an_id_of_its_own(desk, databases, stuck):
    letter, _ = stuck[0]
    before = row_of(databases, letter)
    same = json.loads(desk.show(letter)["body"])
    assert "another than the letter's own" in assert_problem(desk.edit(letter, same), 400, "body")["errors"]["body"][0]
    told_as = {**renewed(desk.show(letter)), "AnnouncementId": same["EventId"]}
    assert_problem(desk.edit(letter, told_as), 400, "body")
    assert_problem(desk.edit(letter, "{"), 400, "body")
    assert_problem(desk.edit(new_id(), same), 404)
    assert row_of(databases, letter) == before


def test_an_event_is_sent_in_the_place_of_one_letter_alone(desk, stuck):
    (letter, order), (other, _) = stuck.pop(), stuck[0]
    event = renewed(desk.show(letter))
    assert desk.edit(letter, event).status_code == 200
    taken = {**renewed(desk.show(other)), "EventId": event["EventId"]}
    detail = assert_problem(desk.edit(other, taken), 409)["detail"]
    assert letter in detail or "it took effect" in detail
    assert desk.show(other)["state"] == "waiting" and order


def test_a_dry_run_decides_and_changes_nothing(desk, databases, stuck):
    letter, _ = stuck[0]
    before = row_of(databases, letter)
    event = renewed(desk.show(letter))
    answer = desk.edit(letter, event, dryRun=True)
    assert answer.status_code == 200 and answer.json()["dryRun"] is True and answer.json()["replayedAs"] == event["EventId"]
    assert row_of(databases, letter) == before
    assert databases.value("order", "SELECT count(*) FROM letter_edits WHERE letter_id = %s", (letter,)) == 0


def test_what_took_effect_is_not_sent_as_another_event(desk, databases, stuck):
    letter, _ = stuck.pop()
    was = desk.show(letter)
    databases.execute("order", "INSERT INTO inbox (consumer, event_id) VALUES (%s, %s)", (QUEUE, was["messageId"]))
    assert "it took effect" in assert_problem(desk.edit(letter, renewed(was)), 409)["detail"]


def test_of_two_letters_of_one_event_one_has_its_effect(guarded, databases, notifications):
    """Both died: their message was sent twice. Neither another edit nor a replay of the second tells the customer again."""
    desk, order = Desk(guarded, api="notification-api"), new_id()
    event = {"EventId": new_id(), "EventType": ORDER_CONFIRMED,
             "Data": {"OrderId": order, "CustomerId": new_id(), "OrderTotal": "much"}}
    letters = [letter for letter, in databases.rows(
        "notification", "INSERT INTO dead_letters (id, queue, message_id, message_type, body, reason, attempts)"
        " SELECT gen_random_uuid(), 'order.confirmed.queue', %s, %s, %s, 'made by hand', 3 FROM generate_series(1, 2) RETURNING id::text",
        (event["EventId"], ORDER_CONFIRMED, json.dumps(event).encode()))]
    assert desk.edit(letters[0], renewed({"body": json.dumps(event)}, OrderTotal=7)).status_code == 200
    second = renewed({"body": json.dumps(event)}, OrderTotal=7)
    assert event["EventId"] in assert_problem(desk.edit(letters[1], second, dryRun=True), 409)["detail"]
    assert "it took effect" in assert_problem(desk.edit(letters[1], second), 409)["detail"]
    notifications.wait(order)
    assert databases.value("notification", "SELECT count(*) FROM notifications WHERE order_id = %s", (order,)) == 1
    assert databases.value("notification", "SELECT count(*) FROM events_apart WHERE event_id = %s", (event["EventId"],)) == 1
    assert desk.show(letters[1])["state"] == "waiting"


def test_a_letter_without_its_body_is_known_by_its_message(desk, databases, stuck, written):
    event, message_id = renewed(desk.show(stuck[0][0])), new_id()
    letter, = written(1, body="")
    databases.execute("order", "UPDATE dead_letters SET message_id = %s WHERE id = %s", (message_id, letter))
    databases.execute("order", "INSERT INTO inbox (consumer, event_id) VALUES (%s, %s)", (QUEUE, message_id))
    assert message_id in assert_problem(desk.edit(letter, event), 409)["detail"]


def test_an_edit_that_is_asked_for_again_while_it_commits_is_the_same(desk, databases, stuck, written):
    event, (letter,) = renewed(desk.show(stuck[0][0])), written(1)
    with databases.connect("order", autocommit=False) as first:
        note_edit(first, letter, event["EventId"], json.dumps(event))
        again = beside(databases, first, lambda: desk.edit(letter, event))
    assert again.status_code == 200 and again.json()["before"] is True, again.text


def test_a_final_order_is_not_settled_again(desk, orders, stocks, stuck):
    letter, _ = stuck[0]
    final = orders.placed((stocks.create(5), 1))
    orders.wait(final, "Confirmed")
    detail = assert_problem(desk.edit(letter, renewed(desk.show(letter), OrderId=final)), 409)["detail"]
    assert "final" in detail or "Confirmed" in detail


def test_old_letters_are_refused(desk, databases, stuck):
    letter, _ = stuck.pop()
    databases.execute("order", "UPDATE dead_letters SET died_at = now() - interval '31 days' WHERE id = %s", (letter,))
    assert "INBOX_RETENTION" in assert_problem(desk.edit(letter, renewed(desk.show(letter))), 409)["detail"]


def test_none_is_edited_while_a_job_replays_its_queue(guarded, desk, written):
    written(60, queue=OTHER_QUEUE, kind=STOCK_FAILED)
    letter, = written(1, body="no event", queue=OTHER_QUEUE, kind=STOCK_FAILED)
    event = {"EventId": new_id(), "EventType": STOCK_FAILED, "OccurredOn": "2026-11-22T10:47:00Z",
             "Data": {"OrderId": new_id(), "ErrorMessage": "Unexpected"}}
    made = guarded.call("order-api", "POST", "/api/replay-jobs", desk.token, json={"filter": {"queue": OTHER_QUEUE}, "rate": 1})
    assert made.status_code == 201, made.text
    job = made.json()["id"]
    try:
        assert job in assert_problem(desk.edit(letter, event), 409)["detail"]
        assert guarded.call("order-api", "POST", f"/api/replay-jobs/{job}/pause", desk.token).status_code == 200
        assert job not in assert_problem(desk.edit(letter, event), 409)["detail"]  # there is no such order
    finally:
        guarded.call("order-api", "POST", f"/api/replay-jobs/{job}/cancel", desk.token)


def test_an_operator_may_look_and_export_alone(guarded, stuck):
    letter, _ = stuck[0]
    operator = Desk(guarded, "operator")
    assert operator.show(letter)["state"] == "waiting"
    assert operator.call("GET", params={"limit": 1}, headers={"Accept": NDJSON["Content-Type"]}).content
    assert_problem(operator.edit(letter, "{}"), 403)
    assert_problem(operator.call("POST", "/import", data=b"{}", headers=NDJSON), 403)


def test_what_an_edited_letter_holds_of_a_customer_is_erased(guarded, desk, databases, written):
    customer, letter = new_id(), written(1)[0]
    databases.execute("order", "INSERT INTO letter_edits (letter_id, message_id, body) VALUES (%s, gen_random_uuid(), %s)",
                      (letter, json.dumps({"Data": {"CustomerId": customer}}).encode()))
    answer = guarded.call("order-api", "POST", f"/api/customers/{customer}/erase", desk.token)
    assert answer.status_code == 200, answer.text
    assert databases.rows("order", "SELECT body, reason FROM dead_letters WHERE id = %s", (letter,)) == [(b"", "erased")]
    assert databases.rows("order", "SELECT body FROM letter_edits WHERE letter_id = %s", (letter,)) == [(b"",)]


def test_an_edit_that_commits_beside_the_erasure_is_erased(guarded, desk, databases, written):
    customer = new_id()
    body = json.dumps({"Data": {"CustomerId": customer}})
    letter, = written(1, body=body)
    with databases.connect("order", autocommit=False) as first:
        note_edit(first, letter, new_id(), body)
        answer = beside(databases, first, lambda: guarded.call("order-api", "POST", f"/api/customers/{customer}/erase", desk.token))
    assert answer.status_code == 200, answer.text
    assert databases.rows("order", "SELECT body, acted_why FROM dead_letters WHERE id = %s", (letter,)) == [(b"", "erased")]
    assert databases.rows("order", "SELECT body FROM letter_edits WHERE letter_id = %s", (letter,)) == [(b"",)]


# --- out and in -------------------------------------------------------------------------------------


def emptied(databases, letters):
    databases.execute("order", "DELETE FROM dead_letters WHERE id = ANY(%s::uuid[])", (letters,))


def test_what_was_exported_comes_back_as_it_was_and_once(desk, databases, written):
    subject = new_id()
    letters = written(3, body='{"a": "é\\u0000"}', subject=subject)
    letters += written(1, body="\x01\x02\"", pieces=2000, subject=subject)
    databases.execute("order", "UPDATE dead_letters SET act = 'replayed', acted_by = 'ana', acted_why = 'so', acted_as = 'x',"
                      " acted_at = now() WHERE id = %s", (letters[0],))
    databases.execute("order", "INSERT INTO letter_edits (letter_id, message_id, body) VALUES (%s, gen_random_uuid(), '{\"b\": 1}')",
                      (letters[0],))
    databases.execute("order", "UPDATE dead_letters SET body = '\\xff00'::bytea WHERE id = %s", (letters[1],))
    databases.execute("order", "UPDATE dead_letters SET body_bytes = octet_length(body), body_sha256 = sha256(body)"
                      " WHERE id = ANY(%s::uuid[])", (letters,))
    rows = {letter: row_of(databases, letter) for letter in letters}
    edits = databases.rows("order", "SELECT letter_id, message_id, body FROM letter_edits WHERE letter_id = %s", (letters[0],))
    lines, _ = desk.export(subject=subject, limit=2)
    assert {json.loads(line)["id"] for line in lines} == set(letters)
    emptied(databases, letters)
    assert {outcome["outcome"] for outcome in desk.take(lines)} == {"added"}
    assert {letter: row_of(databases, letter) for letter in letters} == rows
    assert databases.rows("order", "SELECT letter_id, message_id, body FROM letter_edits WHERE letter_id = %s", (letters[0],)) == edits
    assert {outcome["outcome"] for outcome in desk.take(lines)} == {"known"}
    assert databases.value("order", "SELECT count(*) FROM audit_log WHERE object_id = ANY(%s::uuid[]) AND action = %s",
                           (letters, "importDeadLetters")) == len(letters)
    eventually(lambda: databases.value("order", "SELECT count(*) FROM dead_letters WHERE id = ANY(%s::uuid[]) AND group_id IS NULL",
                                       (letters,)) == 0, "the letters to be in their groups", 90)


def test_a_bad_line_is_told_by_its_number_and_costs_no_other(desk, databases, written):
    subject = new_id()
    letters = written(4, subject=subject)
    lines, _ = desk.export(subject=subject)
    emptied(databases, letters)
    good = [json.loads(line) for line in lines]
    spoilt = [
        ({**good[1], "body": "["}, "invalid"), ({**good[1], "diedAt": "2999-01-01T00:00:00Z"}, "invalid"),
        ({**good[1], "queue": "nobody.knows"}, "foreign"), ({**good[1], "state": "gone"}, "invalid"),
        ({**good[1], "state": "replayed"}, "invalid"), ({**good[1], "bodyBase64": "?", "body": None}, "invalid"),
        ({**good[0], "body": "[]", "bodySha256": None, "bodyBytes": None}, "differs"),
        ({**good[1], "diedAt": "1013-01-22T10:47:00Z"}, "invalid"),
    ]
    body = [lines[0], b"{", *(json.dumps(one).encode() for one, _ in spoilt), b"", lines[2]]
    outcomes = desk.take(body)
    assert [outcome["outcome"] for outcome in outcomes] == ["added", "invalid", *(word for _, word in spoilt), "invalid", "added"]
    assert all(("errors" in outcome) == (outcome["outcome"] == "invalid") for outcome in outcomes)
    assert "bodySha256" in outcomes[2]["errors"]["body"][0] and "future" in outcomes[3]["errors"]["diedAt"][0]
    assert databases.value("order", "SELECT count(*) FROM dead_letters WHERE subject = %s", (subject,)) == 2
    assert desk.take([lines[0], lines[0], lines[1], lines[1]]) == [
        {"line": n, "outcome": outcome, "id": good[place]["id"]}
        for n, (outcome, place) in enumerate([("known", 0), ("known", 0), ("added", 1), ("known", 1)], 1)
    ]


def test_an_edit_comes_with_its_letter_or_not_at_all(desk, databases, written):
    """Not to one that waits, and none for two letters."""
    subject = new_id()
    letters = written(4, subject=subject)
    lines, _ = desk.export(subject=subject)
    first, second, third, there = (json.loads(line) for line in lines)
    edited = {"state": "replayed", "actedBy": "ana", "actedWhy": "so", "actedAt": "2026-11-22T10:47:00Z", "editedBody": "{}"}
    taken = {**edited, "replayedAs": new_id()}
    with databases.connect("order") as connection:
        note_edit(connection, there["id"], taken["replayedAs"], "{}")
    emptied(databases, letters[:3])
    piece = [first, {**first, **edited, "replayedAs": new_id()}, {**second, **taken}, {**second, **edited, "replayedAs": (mine := new_id())},
             {**third, **edited, "replayedAs": mine}, {**there, **taken}]
    outcomes = [outcome["outcome"] for outcome in desk.take([json.dumps(line).encode() for line in piece])]
    assert outcomes == ["added", "known", "differs", "differs", "added", "known"]
    assert databases.rows("order", "SELECT letter_id::text, message_id::text FROM letter_edits WHERE letter_id = ANY(%s::uuid[])",
                          (letters[:3],)) == [(third["id"], mine)]
    assert desk.show(first["id"])["state"] == "waiting"
    assert [outcome["outcome"] for outcome in desk.take([json.dumps({**second, **edited, "replayedAs": mine}).encode()])] == ["differs"]


@pytest.mark.parametrize("member, text", [
    ("messageId", "é" * 200), ("type", "é" * 200), ("messageId", "x" * 256), ("reason", "x" * 4096),
    ("actedBy", "x" * 256), ("actedAs", "x" * 256), ("actedWhy", "x" * 501),
], ids=lambda text: text[:9])
def test_texts_have_bounds(desk, written, member, text):
    """A name that AMQP does not have would end at the broker; and pages of an export have to be small."""
    subject = new_id()
    written(1, subject=subject)
    (line,), _ = desk.export(subject=subject)
    acted = {"state": "discarded", "actedBy": "ana", "actedWhy": "so", "actedAt": "2026-11-22T10:47:00Z"}
    (told,) = desk.take([json.dumps({**json.loads(line), **acted, member: text}).encode()])
    assert told["outcome"] == "invalid" and list(told["errors"]) == [member], told


def test_pieces_have_bounds(desk, written):
    subject = new_id()
    letters = written(5, body="x" * 1024, pieces=600, subject=subject)
    lines, pages = desk.export(subject=subject, limit=1000)
    assert {json.loads(line)["id"] for line in lines} == set(letters) and pages == 3
    assert all(len(json.loads(line)["body"]) == 600 * 1024 for line in lines)
    assert_problem(desk.call("POST", "/import", data=b"{}\n" * 1001, headers=NDJSON), 400)
    assert_problem(desk.call("POST", "/import", data=b" " * (2 * MIB + 1), headers=NDJSON), 413)
    assert {outcome["outcome"] for outcome in desk.take(lines[:3])} == {"known"}  # a piece is more than any other body may be
    assert_problem(desk.call("GET", params={"limit": 1001}), 400, "limit")


def test_a_piece_counts_all_texts(desk, databases, written):
    subject = new_id()
    letters = written(3, subject=subject)
    databases.execute("order", "UPDATE dead_letters SET act = 'discarded', acted_by = 'ana', acted_why = repeat(chr(1), 300000),"
                      " acted_at = now() WHERE id = ANY(%s::uuid[])", (letters,))
    lines, pages = desk.export(subject=subject)
    assert len(lines) == 3 and pages == 3 and all(len(line) > 300000 * len("\\u0001") for line in lines)


def test_the_largest_letter_fits_a_piece(desk, databases, written):
    subject = new_id()
    letter, = written(1, body="\x01", pieces=MIB, subject=subject)
    row = row_of(databases, letter)
    (line,), _ = desk.export(subject=subject)
    emptied(databases, [letter])
    assert len(line) < 2 * MIB and desk.take([line])[0]["outcome"] == "added"
    assert row_of(databases, letter)["body"] == row["body"]


def test_pieces_on_their_way_keep_no_order_waiting(system, guarded, desk):
    """Eight MiB of them are counted for themselves; more is told to come again."""
    address = urlsplit(system.endpoints["order_api"])
    head = (f"POST /api/dead-letters/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {desk.token}\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: {2 * MIB - 1}\r\n\r\n").encode()
    held = []

    def hold():
        held.append(socket.create_connection((address.hostname, address.port)))
        held[-1].sendall(head + b" " * (2 * MIB - 100))

    try:
        for _ in range(4):
            hold()

        def fifth():
            hold()  # one more than fit, and again: one whose turn comes late may be refused in the place of this
            got = desk.call("POST", "/import", data=b" " * (2 * MIB - 100), headers=NDJSON)
            assert got.status_code in (400, 503), got.text
            return got.status_code == 503 and got

        answer = eventually(fifth, "the fifth to be told to come again")
        assert answer.headers["Retry-After"]
        order = guarded.call("order-api", "POST", "/api/orders", desk.token,
                             json={"customerId": new_id(), "items": items_of((new_id(), 1), price=1)})
        assert order.status_code == 201, order.text
    finally:
        for connection in held:
            connection.close()
    eventually(lambda: desk.call("POST", "/import", data=b"{}", headers=NDJSON).status_code == 200, "there to be room again")


# --- from a shell -----------------------------------------------------------------------------------


def test_editing_from_a_shell(system, desk, orders, stuck):
    letter, order = stuck.pop()
    set_note = ("--set", "Data.Note=by hand", "--why", WHY)
    code, (dry,), _ = dlq(system, "edit", letter, "--set", "Data.Note=by hand", "--dry-run")
    assert (code, dry["outcome"], dry["dryRun"], dry["service"]) == (0, "done", True, "order")
    _, (done,), _ = dlq(system, "edit", letter, *set_note)
    assert done["replayedAs"] == dry["replayedAs"] and done["before"] is False
    orders.wait(order, "Confirmed")
    now = desk.show(letter)
    event, was = json.loads(now["editedBody"]), json.loads(now["body"])
    assert (event["Data"]["Note"], event["EventId"]) == ("by hand", done["replayedAs"])
    assert event["Data"]["Id"] != was["Data"]["Id"] or was["Data"]["Id"] != was["EventId"]
    _, (again,), _ = dlq(system, "edit", letter, *set_note)
    assert again["before"] is True, "the same command is the same event"
    code, (refused,), _ = dlq(system, "edit", letter, "--set", "Data.Note=otherwise", "--why", WHY, check=False)
    assert code == 1 and "it was replayed by" in refused["why"]


def test_the_command_says_what_is_wrong(system, stuck, tmp_path):
    letter, _ = stuck[0]
    for arguments, words in (
        (("--set", "Data.Nowhere.Else=1"), "there is no such place"), (("--set", "Data.OrderId=no id"), "OrderId"), ((), "--body"),
        (("--body", str(tmp_path / "absent")), "absent"),
    ):
        code, said, errors = dlq(system, "edit", letter, *arguments, "--why", WHY, check=False)
        assert code != 0 and words in errors and not said, (arguments, errors)
    code, _, errors = dlq(system, "edit", new_id(), "--set", "a=1", "--why", WHY, check=False)
    assert code == 1 and "there is no dead letter" in errors
    assert "--why is missing" in dlq(system, "edit", letter, "--set", "a=1", check=False)[2]


def test_files_of_letters_from_a_shell(system, databases, written, tmp_path):
    """Also at the APIs of a system that a file names."""
    subject, file = new_id(), tmp_path / "letters.ndjson"
    letters = written(3, subject=subject)
    endpoints = tmp_path / "elsewhere.json"
    endpoints.write_text(json.dumps({key: url for key, url in system.endpoints.items() if key.endswith("_api")}))
    there = {"CARTWHEEL_TOKEN": system.endpoints["token"]}
    _, _, errors = dlq(system, "export", "--order", subject, "-o", str(file))
    assert "3 dead letters" in errors and stat.S_IMODE(os.stat(file).st_mode) == 0o600
    lines = file.read_bytes().splitlines()
    assert {json.loads(line)["id"] for line in lines} == set(letters)
    assert {json.loads(line)["service"] for line in lines} == {"order"}
    _, exported, _ = dlq(system, "export", "--order", subject, "--endpoints", str(endpoints), env=there)
    assert exported == [json.loads(line) for line in lines]
    emptied(databases, letters)
    file.write_bytes(b"\n".join([lines[0], b"nonsense", lines[1], lines[2].replace(b'"body":"{"', b'"body":"["')]) + b"\n")
    code, outcomes, _ = dlq(system, "import", str(file), "--why", WHY, check=False)
    assert code == 1
    assert {one["line"]: one["outcome"] for one in outcomes} == {1: "added", 2: "invalid", 3: "added", 4: "invalid"}
    file.write_bytes(b"\n".join(lines))
    code, outcomes, _ = dlq(system, "import", str(file), "--endpoints", str(endpoints), env=there)
    assert code == 0 and sorted(one["outcome"] for one in outcomes) == ["added", "known", "known"]
    text = system.launcher("dlq", "import", str(file))
    assert "3 lines: 3 known" in text
    assert databases.value("order", "SELECT count(*) FROM dead_letters WHERE subject = %s", (subject,)) == 3
    assert uuid.UUID(letters[0])
