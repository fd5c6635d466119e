"""tools/operators: the pace of ./cartwheel dlq, and what it does when an answer is lost."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher.layout import LauncherError  # noqa: E402
from operators.dead_letters import DeadLetterAdmin, Pace  # noqa: E402

REQUEST = {"by": "ana", "why": "cured", "dryRun": False}


class Clock:
    """A clock that moves only when somebody sleeps or works."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class PaceTest(unittest.TestCase):
    def let_through(self, rate, works):
        """When each act began; works[i] is how long act i takes."""
        clock, began = Clock(), []
        pace = Pace(rate, clock, clock.sleep)
        for work in works:
            pace.wait()
            began.append(clock.now - 100)
            clock.now += work
        return began

    def test_the_first_does_not_wait_and_the_others_keep_their_distance(self):
        for number, at in enumerate(self.let_through(5, [0] * 20)):
            self.assertAlmostEqual(at, number / 5)

    def test_in_any_second_there_are_no_more_than_the_rate(self):
        began = self.let_through(10, [0.03, 0, 0.7, 0, 0, 0.09, 0, 2.5] * 10)
        for at in began:
            self.assertLessEqual(sum(at <= other < at + 0.999 for other in began), 10)

    def test_a_stall_is_not_made_up_for(self):
        began = self.let_through(2, [10, 0, 0])
        self.assertAlmostEqual(began[1], 10)
        self.assertAlmostEqual(began[2], 10.5)

    def test_a_sleep_that_ends_early_is_slept_on(self):
        clock = Clock()
        pace = Pace(1, clock, lambda seconds: clock.sleep(min(seconds, 0.3)))
        pace.wait()
        pace.wait()
        self.assertGreaterEqual(clock.now, 101)


class ScriptedAdmin(DeadLetterAdmin):
    """Answers from a script in place of a worker; an exception in it is raised."""

    def __init__(self, *script, patience=60):
        super().__init__("order", "http://127.0.0.1:1", "token", lambda text: None, patience=patience)
        self.script = list(script)
        self.asked = []

    def _try(self, method, path, body, headers):
        self.asked.append((method, path))
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def letter(state, **acted):
    return 200, {"id": "1", "state": state, **acted}


REFUSED = (409, {"detail": "it was replayed by ana"})


class LostAnswerTest(unittest.TestCase):
    def test_an_act_whose_answer_was_lost_counts_as_done(self):
        admin = ScriptedAdmin(ConnectionResetError(), REFUSED, letter("replayed", actedBy="ana", actedWhy="cured"))
        self.assertTrue(admin.act("replay", "1", REQUEST).done)

    def test_an_act_of_somebody_else_does_not(self):
        for found in (letter("replayed", actedBy="bob", actedWhy="cured"), letter("waiting"),
                      letter("discarded", actedBy="ana", actedWhy="cured")):
            admin = ScriptedAdmin(ConnectionResetError(), REFUSED, found)
            outcome = admin.act("replay", "1", REQUEST)
            self.assertFalse(outcome.done)
            self.assertEqual(outcome.why, "it was replayed by ana")

    def test_a_refusal_at_once_is_one(self):
        admin = ScriptedAdmin(REFUSED)
        self.assertFalse(admin.act("replay", "1", REQUEST).done)
        self.assertEqual(len(admin.asked), 1)

    def test_a_worker_that_is_away_is_waited_for(self):
        admin = ScriptedAdmin(ConnectionRefusedError(), (503, {"detail": "database"}), (200, {"act": "replayed"}))
        self.assertTrue(admin.act("replay", "1", REQUEST).done)

    def test_but_not_for_ever(self):
        admin = ScriptedAdmin(ConnectionRefusedError("refused"), patience=-1)
        with self.assertRaisesRegex(LauncherError, "run the same command again"):
            admin.act("replay", "1", REQUEST)

    def test_every_page_is_read(self):
        admin = ScriptedAdmin((200, {"items": [1, 2], "nextCursor": "2"}), (200, {"items": [3]}))
        self.assertEqual(list(admin.letters({"state": "waiting"})), [1, 2, 3])
        self.assertIn("cursor=2", admin.asked[1][1])


if __name__ == "__main__":
    unittest.main()
