"""tools/operators: what three services tell of an order, as one story and one sentence."""

import datetime
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from operators.order_story import Story  # noqa: E402

ORDER = "0190a000-0000-7000-8000-0000000000a1"
PLACED, ENDED, TOLD = "2026-11-28T05:00:00.000000Z", "2026-11-28T05:00:01.000000Z", "2026-11-28T05:00:02.000000Z"
SOON = datetime.datetime(2026, 11, 28, 5, 0, 5, tzinfo=datetime.timezone.utc)
LATER = SOON + datetime.timedelta(minutes=1)
LETTER = {"place": "DeadLetter", "id": "0190a000-0000-7000-8000-0000000000d1", "type": "OrderCreatedEvent",
          "queue": "stock.ordercreated", "reason": "no such thing", "attempts": 3, "since": ENDED}  # fmt: skip
ANSWER = {"place": "Outbox", "id": ORDER, "type": "OrderStockProcessCompletedDomainEvent", "attempts": 0, "since": ENDED}
EVENTS = {"Placed": "OrderCreatedEvent", "Confirmed": "OrderConfirmedEvent", "Cancelled": "OrderCancelledEvent"}


def step(name, at, **members):
    return {"step": name, "at": at, "cause": name.lower(), "event": EVENTS[name], "published": True, **members}


def order(status="Confirmed", state="Done", **members):
    steps = [step("Placed", PLACED)] + ([step(status, ENDED)] if status != "Created" else [])
    return {"orderId": ORDER, "status": status, "state": state, "steps": steps, "pending": [], **members}


def open_order(state, **members):
    expected = {"what": "an answer", "of": "stock-worker", "since": PLACED, "by": "2026-11-28T05:00:10.000000Z"}
    return order("Created", state, expected={**expected, **members})


def stock(status="Taken", pending=()):
    movement = {"id": ORDER, "productId": ORDER, "delta": -2, "kind": "taken", "at": ENDED}
    return {"orderId": ORDER, "reservation": {"status": status, "createdAt": ENDED, "updatedAt": ENDED},
            "movements": [movement], "pending": list(pending)}  # fmt: skip


def told(status="Sent", end="Confirmed", attempts=1, **members):
    entry = {"event": EVENTS[end], "status": status, "attempts": attempts, "updatedAt": TOLD, "dueAt": TOLD, **members}
    return {"orderId": ORDER, "notifications": [{**entry, **({"sentAt": TOLD} if status == "Sent" else {})}], "pending": []}


class VerdictTest(unittest.TestCase):
    def check(self, state, words, *told_by, now=SOON):
        found, sentence = Story(*told_by, now).verdict()
        self.assertEqual(found, state, sentence)
        self.assertIn(words, sentence)

    def test_what_is_confirmed_and_told_is_done(self):
        self.check("done", f"is confirmed, its customer was told at {TOLD}", order(), stock(), told())

    def test_an_open_order_waits_and_says_for_whom_and_until_when(self):
        self.check("waiting", f"an answer of stock-worker since {PLACED}; late after 2026-11-28T05:00:10",
                   open_order("Waiting"), None, None)

    def test_an_open_order_that_is_over_its_time_is_late(self):
        self.check("late", "which was due at 2026-11-28T05:00:10", open_order("Late"), None, None)

    def test_what_the_watch_knows_is_stuck(self):
        self.check("stuck", f"./cartwheel logs --order {ORDER}", open_order("Stuck"), None, None)

    def test_an_answer_in_the_outbox_of_stock_is_what_is_waited_for(self):
        self.check("waiting", f"OrderStockProcessCompletedDomainEvent is published of stock-worker since {ENDED}",
                   open_order("Waiting"), stock(pending=[ANSWER]), None)

    def test_a_dead_letter_anywhere_is_stuck_and_named(self):
        words = f"a dead letter of stock.ordercreated: no such thing in the stock service; ./cartwheel dlq show {LETTER['id']}"
        self.check("stuck", words, open_order("Waiting"), {**stock(pending=[LETTER])}, None)

    def test_a_dead_letter_about_a_final_order_holds_up_nothing(self):
        self.check("done", "is confirmed", {**order(), "pending": [LETTER]}, stock(), told())

    def test_stock_of_a_cancelled_order_comes_back(self):
        cancelled = order("Cancelled")
        self.check("waiting", "its stock to be given back", cancelled, stock("Taken"), told(end="Cancelled"))
        self.check("late", "its stock to be given back", cancelled, stock("Taken"), told(end="Cancelled"), now=LATER)
        self.check("done", "is cancelled", cancelled, stock("Released"), told(end="Cancelled"))

    def test_the_customer_is_told_of_each_end(self):
        self.check("waiting", "a notification of OrderConfirmedEvent by notification-worker", order(), stock(), None)
        self.check("late", "a notification of OrderConfirmedEvent", order(), stock(), None, now=LATER)
        self.check("late", "a notification of OrderConfirmedEvent", order(), stock(), told(end="Cancelled"), now=LATER)

    def test_a_notification_that_is_tried_again_says_why(self):
        self.check("waiting", f"at {TOLD}", order(), stock(), told("Pending", attempts=0))
        self.check("late", "(no mail server)", order(), stock(), told("Pending", attempts=2, error="no mail server"))
        self.check("stuck", "no such address", order(), stock(), told("Failed", error="no such address"))

    def test_one_that_is_sent_again_is_waited_for_and_not_missed(self):
        before = {"sentAt": TOLD, "resentAt": TOLD}
        self.check("waiting", "OrderConfirmedEvent is to be sent", order(), stock(), told("Pending", attempts=5, **before))
        self.check("done", "was told", order(), stock(), told("Failed", attempts=6, error="no such address", **before))

    def test_who_sees_no_pending_messages_gets_a_verdict_too(self):
        shown = order()
        del shown["pending"]
        self.check("done", "is confirmed", shown, stock(), told())


class LinesTest(unittest.TestCase):
    def test_steps_of_all_services_are_in_the_order_of_time(self):
        lines = Story(order(), stock(), told(), SOON).lines()
        self.assertEqual([(at, service) for at, service, _ in lines],
                         [(PLACED, "order"), (ENDED, "order"), (ENDED, "stock"), (TOLD, "notification")])
        self.assertIn("taken: -2 of", lines[2][2])

    def test_what_is_held_up_has_its_line(self):
        lines = Story(open_order("Stuck"), stock(pending=[LETTER, ANSWER]), None, SOON).lines()
        self.assertTrue(any("is a dead letter of stock.ordercreated: no such thing" in text for _, _, text in lines))
        self.assertTrue(any("waits in the outbox" in text for _, _, text in lines))

    def test_sending_again_has_its_line(self):
        again = told("Pending", sentAt=TOLD, resentAt="2026-11-28T05:00:09.000000Z")
        (line,) = [line for line in Story(order(), stock(), again, SOON).lines() if "sent again" in line[2]]
        self.assertEqual(line[:2], ("2026-11-28T05:00:09.000000Z", "notification"))

    def test_json_holds_all_three(self):
        found = Story(order(), stock(), None, LATER).as_json()
        self.assertEqual((found["orderId"], found["state"], found["notifications"]), (ORDER, "late", None))


if __name__ == "__main__":
    unittest.main()
