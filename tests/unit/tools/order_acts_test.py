"""tools/operators: how ./cartwheel order ID ACT asks, and what it makes of an answer that comes late."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher.layout import LauncherError  # noqa: E402
from operators.order_acts import OrderDesk  # noqa: E402

ORDER = "0190a000-0000-7000-8000-0000000000a1"
BEFORE = {"detail": "the order was cancelled before"}


class ScriptedDesk(OrderDesk):
    """Answers from a script in place of an API; an exception in it is raised."""

    def __init__(self, *script):
        super().__init__("order", "http://127.0.0.1:1", "token", lambda text: None)
        self.script, self.asked = list(script), []

    def _try(self, method, path, body, headers):
        self.asked.append((method, path, body, headers))
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


class ActsTest(unittest.TestCase):
    def test_the_reason_goes_with_the_act(self):
        desk = ScriptedDesk((202, {"event": "OrderConfirmedEvent"}), (202, {"status": "Cancelled"}))
        announced, cancelled = desk.announce(ORDER, "lösch"), desk.cancel(ORDER, "so")
        self.assertEqual((announced.done, announced.why), (True, "OrderConfirmedEvent is announced again"))
        self.assertEqual((cancelled.done, cancelled.why), (True, "is cancelled"))
        self.assertEqual(desk.asked, [
            ("POST", f"/api/orders/{ORDER}/announce", None, {"X-Reason": "lösch".encode()}),
            ("POST", f"/api/orders/{ORDER}/cancel", {"reason": "so"}, None),
        ])  # fmt: skip

    def test_the_last_notification_is_sent_again(self):
        entries = [{"id": "1", "event": "OrderConfirmedEvent"}, {"id": "2", "event": "OrderCancelledEvent"}]
        desk = ScriptedDesk((200, {"notifications": entries}), (202, {"id": "2", "status": "Pending"}))
        self.assertEqual(desk.resend(ORDER, "so").why, "its customer is told again of OrderCancelledEvent")
        self.assertEqual([path for _, path, _, _ in desk.asked], [f"/api/notifications/orders/{ORDER}", "/api/notifications/2/resend"])
        for nothing in ((404, {"detail": "nothing is known"}), (200, {"notifications": []})):
            with self.assertRaisesRegex(LauncherError, "nobody was told anything"):
                ScriptedDesk(nothing).resend(ORDER, "so")

    def test_stock_is_released_once(self):
        desk = ScriptedDesk((200, {"reservation": "Released"}), (409, {"detail": "no cancellation came"}))
        self.assertEqual(desk.release(ORDER, "so").why, "holds no stock: released")
        self.assertEqual(desk.asked, [("POST", f"/api/stocks/orders/{ORDER}/release", None, {"X-Reason": b"so"})])
        refused = desk.release(ORDER, "so")
        self.assertEqual((refused.done, refused.why), (False, "no cancellation came"))

    def test_a_refusal_has_its_reason(self):
        outcome = ScriptedDesk((409, BEFORE)).cancel(ORDER, "so")
        self.assertEqual((outcome.done, outcome.why), (False, BEFORE["detail"]))

    def test_an_answer_that_was_lost_is_no_refusal(self):
        outcome = ScriptedDesk(ConnectionResetError("gone"), (409, BEFORE)).cancel(ORDER, "so")
        self.assertTrue(outcome.done)

    def test_what_is_not_there_and_what_is_forbidden_say_so(self):
        for status, words in ((404, "there is no such order"), (403, "answers 403: the token has no scope support")):
            with self.assertRaisesRegex(LauncherError, words):
                ScriptedDesk((status, {"detail": words.rpartition(": ")[2]})).announce(ORDER, "so")


if __name__ == "__main__":
    unittest.main()
