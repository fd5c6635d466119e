"""The admin API of the dead letters: what it shows, what is refused and why, and that acts are recorded."""

import base64
import concurrent.futures
import hashlib
import json

import pika
import pytest

from support import events
from support.api import TIME, assert_problem, new_id
from support.dead_letters import ACTS, MESSAGE, DeadLetterAdmin, broken, dead_confirmations, letters_about, rows_of, slow
from support.names import ORDER_CREATED, STOCK_COMPLETED
from support.waits import eventually

WORLD = [
    ("order", "SELECT * FROM dead_letters ORDER BY id"),
    ("order", "SELECT id FROM outbox"),
    ("order", "SELECT * FROM orders WHERE id = %(order)s"),
    ("order", "SELECT * FROM order_history WHERE order_id = %(order)s ORDER BY status"),
]


@pytest.fixture
def admin(system):
    return DeadLetterAdmin(system, "order-worker")


@pytest.fixture
def stock_desk(system):
    return DeadLetterAdmin(system, "stock-worker")


@pytest.fixture(scope="module")
def many_stuck(system, orders, stocks):
    """Letters take seconds to die, so they die together."""
    return list(dead_confirmations(system, orders, stocks.create(50), 20).items())


@pytest.fixture
def stuck(many_stuck):
    """An order that is Created although its stock is taken, and the dead letter that says so."""
    return many_stuck.pop()


def dead_stranger(broker, dead_letters, databases, queue="order.stock.completed", body=None):
    """The id of a letter that no replay can cure: its body is bad, or nobody knows its order."""
    event = events.envelope(STOCK_COMPLETED, {"OrderId": new_id(), "EventId": new_id(), "Items": []})
    text = json.dumps(event) if body is None else body
    broker.to_queue(queue, text, events.properties(event))
    eventually(lambda: dead_letters.of(event["EventId"]), "the message to die", 60)
    return databases.value("order", "SELECT id::text FROM dead_letters WHERE message_id = %s", (event["EventId"],))


# ---- what is malformed ----


def test_unknown_ids_are_404(admin):
    for unknown in (new_id(), "42", "%2e%2e"):
        assert admin.get(f"/dead-letters/{unknown}").status_code in (400, 404)
    assert_problem(admin.get(f"/dead-letters/{new_id()}"), 404)
    assert_problem(admin.get("/dead-letters/42"), 404)
    for act in ACTS:
        assert_problem(admin.post(f"/dead-letters/{new_id()}/{act}", MESSAGE), 404)
        assert_problem(admin.post(f"/dead-letters/{new_id()}/{act}", {"dryRun": True}), 404)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("body, paths", [
    ({}, ("by", "why")), ({"by": "x"}, ("why",)), ({"why": "x"}, ("by",)), ({"by": "", "why": ""}, ("by", "why")),
    ({"by": 7, "why": []}, ("by", "why")), ({"by": "x" * 101, "why": "x" * 501}, ("by", "why")),
    ({**MESSAGE, "dryRun": "yes"}, ("dryRun",)), ([], ("",)), ("text", ("",)),
])
def test_bad_bodies_are_400(admin, act, body, paths):
    assert_problem(admin.post(f"/dead-letters/{new_id()}/{act}", body), 400, *paths)


@pytest.mark.parametrize("act", ACTS)
def test_no_json_at_all(admin, act):
    path = f"/dead-letters/{new_id()}/{act}"
    assert_problem(admin.call("POST", path, data=b"{", headers={"Content-Type": "application/json"}), 400)
    assert_problem(admin.call("POST", path, headers={"Content-Type": "application/json"}), 400)
    assert_problem(admin.call("POST", path, data=b"by=ana", headers={"Content-Type": "text/plain"}), 415)
    assert_problem(admin.post(path, {**MESSAGE, "why": "x" * 20000}), 413)
    assert admin.get(path).status_code == 405


@pytest.mark.parametrize("query, path", [
    ({"limit": 0}, "limit"), ({"limit": 1001}, "limit"), ({"cursor": "x"}, "cursor"), ({"state": "dead"}, "state"),
    ({"since": "yesterday"}, "since"), ({"queue": ""}, "queue"), ({"type": "x" * 256}, "type"),
])
def test_bad_filters_are_400(admin, query, path):
    assert_problem(admin.call("GET", "/dead-letters", params=query), 400, path)


# ---- looking ----


def test_a_letter_is_listed_and_shown_with_its_body(admin, broker, dead_letters, databases):
    letter = dead_stranger(broker, dead_letters, databases)
    (listed,) = [found for found in admin.list(state="waiting") if found["id"] == letter]
    assert listed["queue"] == "order.stock.completed" and listed["type"] == STOCK_COMPLETED
    assert listed["attempts"] == 3 and "there is no order" in listed["reason"]
    assert TIME.match(listed["diedAt"]) and listed["state"] == "waiting"
    shown = admin.show(letter)
    assert {**shown, **listed} == shown
    assert json.loads(shown["body"])["EventId"] == listed["messageId"] and shown["bodyCut"] is False
    assert shown["replayable"] is False and "there is no order" in shown["objection"]


def test_a_body_that_is_no_text_is_shown_as_base64(admin, broker, dead_letters, databases):
    body = b"\xff\x00\xfe binary"
    letter = dead_stranger(broker, dead_letters, databases, body=body)
    shown = admin.show(letter)
    assert base64.b64decode(shown["bodyBase64"]) == body and "body" not in shown
    assert shown["replayable"] is False


def test_a_large_body_is_cut_between_characters(admin, broker, dead_letters, databases):
    body = ("x" + "\u00fc" * 600_000).encode()  # the cut falls into a character; more than 1 MiB
    letter = dead_stranger(broker, dead_letters, databases, body=body)
    shown = admin.show(letter)
    assert shown["bodyBytes"] == len(body) and shown["bodyCut"] is True
    assert body.decode().startswith(shown["body"]) and len(shown["body"]) > 30_000
    assert "bytes, more than" in shown["objection"]
    assert shown["bodySha256"] == hashlib.sha256(body).hexdigest()
    kept = databases.value("order", "SELECT octet_length(body) FROM dead_letters WHERE id = %s", (letter,))
    assert kept == 1024 * 1024


def test_a_letter_without_a_message_id_is_found_by_its_event_and_its_order(admin, broker, databases):
    event = events.envelope(STOCK_COMPLETED, {"OrderId": new_id(), "EventId": new_id(), "Items": []})
    broker.to_queue("order.stock.completed", json.dumps(event))
    (letter,) = eventually(lambda: list(admin.list(subject=event["Data"]["OrderId"])), "the message to die", 60)
    assert letter["messageId"] == event["EventId"] and letter["subject"] == event["Data"]["OrderId"]


def test_an_id_of_another_letter_makes_no_letter_vanish(admin, broker, dead_letters, databases):
    """It comes in a header, which anybody can write; the same letter that comes again is the same row."""
    taken = dead_stranger(broker, dead_letters, databases)
    bodies = [b"{forged " + new_id().encode() for _ in range(2)]
    for body in [*bodies, *bodies]:
        broker.publish("order.dlq", "order.stock.completed", body, pika.BasicProperties(
            message_id=(name := new_id()), headers={"x-dead-letter-id": taken, "x-error": "mine"}))
        eventually(lambda n=name, b=body: dead_letters.of(n) or databases.value(
            "order", "SELECT count(*) > 0 FROM dead_letters WHERE body = %s", (b,)), "the forged letter", 30)
    broker.wait_dead_letters_recorded()
    for body in bodies:
        assert databases.value("order", "SELECT count(*) FROM dead_letters WHERE body = %s", (body,)) >= 1
    assert admin.show(taken)["id"] == taken


@pytest.mark.parametrize("harm, condition", [(broken, "message_id = '{}'"), (slow, "NEW.message_id = '{}'")],
                         ids=["refused", "too-slow"])
def test_a_letter_whose_row_cannot_be_written_is_kept_without_its_body(broker, databases, dead_letters, harm, condition):
    """No server is away: the lane goes on, with the letters behind it."""
    marker, behind = new_id(), new_id()
    with harm(databases, "order", "dead_letters", condition.format(marker)):
        for name in (marker, behind):
            broker.publish("order.dlq", "order.stock.fail", b"odd " + name.encode(),
                           pika.BasicProperties(message_id=name, headers={"x-error": "why"}))
        eventually(lambda: dead_letters.of(behind), "the letter behind it", 60)
    found = databases.rows("order", "SELECT message_id, octet_length(body), body_bytes FROM dead_letters"
                           " WHERE body_sha256 = sha256(%s)", (b"odd " + marker.encode(),))
    assert found == [(None, 0, 40)]


def test_filters_and_pages(admin, broker, dead_letters, databases):
    letters = {dead_stranger(broker, dead_letters, databases, body=b"{") for _ in range(3)}
    other = dead_stranger(broker, dead_letters, databases, queue="order.stock.fail", body=b"{")
    died = min(found["diedAt"] for found in admin.list() if found["id"] in letters)

    def ids(limit=2, **query):
        listed = admin.list(limit=limit, **query)  # small pages of few: neighbours leave many letters
        found = [letter["id"] for letter in listed]
        assert len(found) == len(set(found)) and listed == sorted(listed, key=lambda letter: (letter["diedAt"], letter["id"]))
        return set(found)

    assert letters | {other} <= ids(limit=100) and letters | {other} <= ids(state="waiting", since=died)
    assert letters <= ids(queue="order.stock.completed", since=died) and other not in ids(limit=100, queue="order.stock.completed")
    assert ids(queue="order.stock.fail", since=died) == {other}
    assert letters <= ids(type=STOCK_COMPLETED, since=died) and not ids(type="NobodysEvent") and not ids(queue="no.queue")
    assert not (letters & ids(since="2126-01-01T00:00:00Z")) and not (letters & ids(state="replayed", since=died))


MANY, SHOWN = 20000, 20
READ = "SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes WHERE relname = 'dead_letters'"
READ_WHOLE = "SELECT seq_tup_read::int FROM pg_stat_user_tables WHERE relname = 'dead_letters'"
LISTED = "SELECT idx_scan::int FROM pg_stat_user_indexes WHERE indexrelname = 'dead_letters_queue'"


def put_crowd(databases, rare):
    """Letters of which the last to have died, @rare of them, are of a kind of their own."""
    databases.execute("order", """
        INSERT INTO dead_letters (id, queue, message_type, body, reason, attempts, subject, died_at, group_id, act, acted_by, acted_why, acted_at)
        SELECT gen_random_uuid(), CASE WHEN rare THEN 'rare.queue' ELSE 'busy.queue' END,
            CASE WHEN rare THEN 'RareEvent' ELSE 'BusyEvent' END, '', 'crowd', 3, gen_random_uuid(), now() - make_interval(secs => %(n)s - n),
            '00000000-0000-0000-0000-00000000c0de', CASE WHEN rare THEN 'discarded' END, CASE WHEN rare THEN 'ana' END,
            CASE WHEN rare THEN 'w' END, CASE WHEN rare THEN now() END
        FROM generate_series(1, %(n)s) AS n, LATERAL (SELECT n > %(n)s - %(rare)s AS rare) AS kind""", {"n": MANY, "rare": rare})


@pytest.fixture
def crowd(request, databases):
    """Whoever walks over all of them finds the rare ones late."""
    put_crowd(databases, getattr(request, "param", 10))
    yield
    databases.execute("order", "DELETE FROM dead_letters WHERE reason = 'crowd'")


def told(admin, databases):
    """Entries of indexes that were read; a session tells of what it read when it rests, and then of all of it."""
    listed = databases.value("order", LISTED)

    def more():
        admin.list(queue="no.queue")
        return databases.value("order", LISTED) > listed
    eventually(more, "the sessions to tell what they read", 30)
    return databases.value("order", READ)


def test_a_list_reads_no_more_than_it_shows(admin, databases, crowd):
    """However many letters there are, and whether the tables' statistics are new or were never made."""
    subject, since = databases.rows("order", "SELECT subject::text, to_char(died_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
                                    " FROM dead_letters WHERE reason = 'crowd' ORDER BY died_at DESC OFFSET 5 LIMIT 1")[0]
    nobody = [{"queue": "busy.queue", "state": "replayed"}, {"type": "BusyEvent", "state": "discarded"}, {"since": since, "queue": "busy.queue"}]
    kinds = [{}, {"queue": "busy.queue"}, {"queue": "rare.queue"}, {"type": "RareEvent"}, {"type": "BusyEvent"},
             {"queue": "rare.queue", "type": "RareEvent"}, {"state": "discarded"}, {"state": "waiting"},
             {"queue": "rare.queue", "state": "discarded"}, {"since": since}, {"subject": subject}, *nobody]

    admin.list(queue="no.queue")
    for prepare in ("SELECT 1", "ANALYZE dead_letters"):
        with databases.connect("order") as connection:
            connection.execute(prepare)
        before, whole = told(admin, databases), databases.value("order", READ_WHOLE)
        for query in kinds:
            page = admin.get("/dead-letters", **query, limit=SHOWN).json()["items"]
            assert bool(page) == (query not in nobody)
            assert all(letter[name] == value for letter in page for name, value in query.items() if name != "since")
        assert told(admin, databases) - before < len(kinds) * (3 * (SHOWN + 1) + 20)
        assert databases.value("order", READ_WHOLE) == whole


@pytest.mark.parametrize("crowd", [0], indirect=True)
def test_where_all_letters_are_alike_others_are_found_missing_at_once(admin, databases, crowd):
    """Statistics then say that a filter leaves nothing out: a plan that believes them walks over all."""
    nobody = [{"queue": "no.queue"}, {"type": "NobodysEvent"}, {"queue": "no.queue", "type": "BusyEvent"}]
    databases.execute("order", "DELETE FROM dead_letters WHERE reason <> 'crowd' OR queue <> 'busy.queue'")
    with databases.connect("order") as connection:
        connection.execute("ANALYZE dead_letters")
    before = told(admin, databases)
    for query in nobody:
        assert admin.list(**query) == []
    assert told(admin, databases) - before < 100


# ---- replaying ----


def test_a_dry_run_tells_the_truth_and_changes_nothing(admin, databases, orders, stuck):
    letter, order = stuck

    def world():
        return [databases.rows(service, statement, {"order": order}) for service, statement in WORLD]

    before = world()
    answer = admin.replay(letter, dryRun=True)
    assert (answer.status_code, answer.json()) == (200, {"id": letter, "act": "replayed", "dryRun": True})
    assert admin.discard(letter, dryRun=True).json()["dryRun"] is True
    assert admin.post(f"/dead-letters/{letter}/replay", {"dryRun": True}).status_code == 200
    assert admin.show(letter)["replayable"] is True
    assert world() == before
    assert admin.replay(letter).status_code == 200  # it was the truth
    orders.wait(order, "Confirmed")
    refused = admin.replay(letter, dryRun=True)
    assert "was replayed by ana@ops" in assert_problem(refused, 409)["detail"]


def test_a_replay_takes_effect_and_is_recorded(system, admin, databases, orders, notifications, tap, stuck):
    letter, order = stuck
    assert orders.status(order) == "Created"
    seen = [m.routing_key for m in tap.of_order(order)].count(STOCK_COMPLETED)
    answer = admin.replay(letter, by="ana@ops", why="constraint dropped, see the incident's log")
    assert (answer.status_code, answer.json()) == (200, {"id": letter, "act": "replayed", "dryRun": False})
    orders.wait(order, "Confirmed")
    notifications.wait(order)
    shown = admin.show(letter)
    assert (shown["state"], shown["actedBy"], shown["actedWhy"]) == (
        "replayed", "ana@ops", "constraint dropped, see the incident's log")
    assert TIME.match(shown["actedAt"])
    event_id = json.loads(shown["body"])["EventId"]
    assert databases.value("order", "SELECT count(*) FROM inbox WHERE event_id = %s", (event_id,)) == 1
    # to the failed queue alone: the exchange saw it when the stock service announced it, and not again
    assert [m.routing_key for m in tap.of_order(order)].count(STOCK_COMPLETED) == seen
    assert letter in [found["id"] for found in admin.list(state="replayed")]
    assert letter not in [found["id"] for found in admin.list(state="waiting")]
    (line,) = [json.loads(text) for text in system.log("order-worker").splitlines() if letter in text]
    assert (line["message"], line["act"], line["by"]) == ("dead letter acted upon", "replayed", "ana@ops")


def test_a_second_replay_is_refused_and_changes_nothing(admin, databases, orders, notifications, stuck):
    letter, order = stuck
    assert admin.replay(letter).status_code == 200
    orders.wait(order, "Confirmed")
    notifications.wait(order)
    before = rows_of(databases, "order", [letter])
    detail = assert_problem(admin.replay(letter, by="bob"), 409)["detail"]
    assert "was replayed by ana@ops" in detail and MESSAGE["why"] in detail
    assert_problem(admin.discard(letter, by="bob"), 409)
    assert rows_of(databases, "order", [letter]) == before
    assert len(orders.history(order)) == 2 and len(notifications.of_order(order)) == 1


def test_a_replay_that_fails_again_is_a_new_letter_with_all_its_attempts(admin, databases, orders, stocks, system):
    customer = new_id()
    condition = f"customer_id = '{customer}' AND status = 2"
    with broken(databases, "order", "orders", condition):
        order = orders.placed((stocks.create(5), 1), customer=customer)
        first = eventually(lambda: letters_about(databases, "order", [order], 1), "the result to die", 60)
        (letter,) = first
        assert admin.replay(letter).status_code == 200
        (second,) = eventually(lambda: letters_about(databases, "order", [order], 1), "it to die again", 60)
    assert second != letter
    assert admin.show(second)["attempts"] == 3 and admin.show(second)["messageId"] == admin.show(letter)["messageId"]
    assert admin.replay(second).status_code == 200
    orders.wait(order, "Confirmed")


def test_what_took_effect_is_refused(admin, broker, databases, orders, stuck):
    """The event got through on another way: the inbox knows it, and the order is final."""
    letter, order = stuck
    event = json.loads(admin.show(letter)["body"])
    broker.to_queue("order.stock.completed", json.dumps(event), events.properties(event))
    orders.wait(order, "Confirmed")
    assert "it took effect" in assert_problem(admin.replay(letter), 409)["detail"]
    assert admin.show(letter)["state"] == "waiting"


def test_an_order_that_is_final_is_refused_with_the_reason(admin, orders, stuck):
    letter, order = stuck
    assert orders.cancel(order, "took too long").status_code == 202
    orders.wait(order, "Cancelled")
    detail = assert_problem(admin.replay(letter), 409)["detail"]
    assert detail == f"order {order} is final: Cancelled"
    assert admin.discard(letter, why="the customer cancelled").status_code == 200
    assert orders.status(order) == "Cancelled"


def test_an_order_that_was_given_up_is_final(stock_desk, databases, orders, stocks):
    """What no attempt could take was refused with the last one: the order ended, and stays so."""
    product = stocks.create(5)
    with broken(databases, "stock", "stock_movements", f"product_id = '{product}' AND kind = 'taken'"):
        order = orders.placed((product, 1))
        (letter,) = eventually(lambda: letters_about(databases, "stock", [order], 1), "the order to be given up", 60)
        orders.wait(order, "Cancelled")
    shown = stock_desk.show(letter)
    assert shown["type"] == ORDER_CREATED and shown["replayable"] is False
    assert_problem(stock_desk.replay(letter), 409)
    # Even when the inbox has forgotten it, the reservation is the guard.
    databases.execute("stock", "DELETE FROM inbox WHERE event_id = %s::uuid", (shown["messageId"],))
    assert assert_problem(stock_desk.replay(letter), 409)["detail"] == f"order {order} is decided: its stock is refused"
    assert stocks.quantity(product) == 5


def test_a_cancellation_that_would_give_nothing_back_is_refused(stock_desk, broker, databases, orders, stocks):
    product = stocks.create(5)
    order = orders.placed((product, 2))
    orders.wait(order, "Confirmed")
    with broken(databases, "stock", "stock_reservations", f"order_id = '{order}' AND status = 3"):
        assert orders.cancel(order).status_code == 202
        (letter,) = eventually(lambda: letters_about(databases, "stock", [order], 1), "the cancellation to die", 60)
    assert stocks.quantity(product) == 3 and stock_desk.show(letter)["replayable"] is True
    assert stock_desk.replay(letter).status_code == 200
    stocks.wait(product, 5)
    # a second one of the same order, as another event
    body = json.loads(stock_desk.show(letter)["body"])
    event = events.envelope("OrderCancelledEvent", body["Data"])
    with broken(databases, "stock", "inbox", f"event_id = '{event['EventId']}'"):
        broker.to_queue("stock.ordercancelled", json.dumps(event), events.properties(event))
        (second,) = eventually(lambda: letters_about(databases, "stock", [order], 1), "the copy to die", 60)
    detail = assert_problem(stock_desk.replay(second), 409)["detail"]
    assert detail == f"order {order} is decided: its stock is given back"
    assert stocks.quantity(product) == 5


def test_a_notification_that_is_there_is_not_made_again(system, databases, orders, stocks, notifications):
    admin, customer = DeadLetterAdmin(system, "notification-worker"), new_id()
    with broken(databases, "notification", "notifications", f"customer_id = '{customer}'"):
        order = orders.placed((stocks.create(5), 1), customer=customer)
        (letter,) = eventually(lambda: letters_about(databases, "notification", [order], 1), "the event to die", 60)
    assert not notifications.of_order(order)
    assert admin.replay(letter).status_code == 200
    notifications.wait(order)
    # the same message once more, as if its dead letter had come twice; the inbox has forgotten it
    row = "SELECT gen_random_uuid(), queue, message_id, message_type, body, reason, attempts, traceparent"
    copy = databases.value("notification", "INSERT INTO dead_letters (id, queue, message_id, message_type, body,"
                           f" reason, attempts, traceparent) {row} FROM dead_letters WHERE id = %s RETURNING id::text",
                           (letter,))
    assert "it took effect" in assert_problem(admin.replay(copy), 409)["detail"]
    databases.execute("notification", "DELETE FROM inbox WHERE event_id = %s::uuid", (admin.show(copy)["messageId"],))
    assert "has its notification" in assert_problem(admin.replay(copy), 409)["detail"]
    assert len(notifications.of_order(order)) == 1


def test_what_would_die_again_is_refused(admin, broker, dead_letters, databases):
    event = events.envelope(STOCK_COMPLETED, {"OrderId": "nobody", "EventId": new_id(), "Items": []})
    for body, word in ((b"{", "not an event"), (json.dumps(event).encode(), "Data.OrderId")):
        letter = dead_stranger(broker, dead_letters, databases, body=body)
        detail = assert_problem(admin.replay(letter), 409)["detail"]
        assert detail.startswith("it would die again") and word in detail


def test_what_is_older_than_the_inbox_remembers_is_refused(admin, databases, orders, stuck):
    letter, order = stuck
    databases.execute("order", "UPDATE dead_letters SET died_at = died_at - interval '31 days' WHERE id = %s", (letter,))
    assert "INBOX_RETENTION" in assert_problem(admin.replay(letter), 409)["detail"]
    databases.execute("order", "UPDATE dead_letters SET died_at = died_at + interval '31 days' WHERE id = %s", (letter,))
    assert admin.replay(letter).status_code == 200
    orders.wait(order, "Confirmed")


# ---- discarding ----


def test_a_discard_is_recorded_and_final(admin, databases, orders, stuck):
    letter, order = stuck
    answer = admin.discard(letter, by="bob", why="the customer was called")
    assert (answer.status_code, answer.json()) == (200, {"id": letter, "act": "discarded", "dryRun": False})
    shown = admin.show(letter)
    assert (shown["state"], shown["actedBy"], shown["actedWhy"]) == ("discarded", "bob", "the customer was called")
    before = rows_of(databases, "order", [letter])
    for again in (admin.discard, admin.replay):
        assert "was discarded by bob" in assert_problem(again(letter), 409)["detail"]
    assert rows_of(databases, "order", [letter]) == before
    assert orders.status(order) == "Created"


def test_acts_at_the_same_time_are_one(admin, databases, orders, notifications, stuck):
    letter, order = stuck
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: admin.replay(letter, by=f"client {n}").status_code, range(16)))
    assert sorted(answers) == [200] + [409] * 15
    orders.wait(order, "Confirmed")
    notifications.wait(order)
    assert len(orders.history(order)) == 2 and len(notifications.of_order(order)) == 1
