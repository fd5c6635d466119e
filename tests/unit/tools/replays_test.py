"""tools/operators: how ./cartwheel dlq shows replay jobs."""

import argparse
import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from operators.replays import Bars, JobDesk, bar_of, line_of, stop_after  # noqa: E402

JOB = {"id": "1", "state": "running", "queue": "a.queue", "looked": 50, "total": 200, "replayed": 48, "refused": 2, "returned": 0,
       "pace": 9.96, "secondsLeft": 15}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class BarTest(unittest.TestCase):
    def test_a_quarter_is_a_quarter_of_the_bar(self):
        self.assertEqual(bar_of(JOB, 200), f"[{'#' * 10}{'.' * 30}] a.queue 50/200  10/s  15 s left")

    def test_it_fits_into_any_terminal(self):
        for width in range(1, 120):
            self.assertLess(len(bar_of({**JOB, "returned": 3}, width)), max(width, 2))

    def test_what_is_not_known_is_not_made_up(self):
        job = {name: JOB[name] for name in JOB if name not in ("total", "pace", "secondsLeft")}
        self.assertIn("50/?", bar_of(job, 80))
        self.assertIn("of ?", line_of(job))

    def test_a_dry_run_says_what_would_come_of_it(self):
        job = {**JOB, "state": "done", "dryRun": True, "replayed": 0, "works": 3, "fails": 2, "untried": 1}
        self.assertIn("3 would work, 2 would fail, 2 refused, 1 not tried of 200", line_of(job))

    def test_a_stranger_does_not_steer_the_terminal(self):
        job = {**JOB, "queue": "\x1b[2J", "note": "\x07"}
        self.assertNotIn("\x1b", bar_of(job, 80))
        self.assertNotIn("\x07", line_of(job))

    def test_bars_are_drawn_over_each_other_and_taken_away(self):
        output = Terminal()
        bars = Bars(output=output)
        bars.draw([JOB, JOB])
        bars.draw([JOB, JOB])
        bars.end()
        self.assertEqual(output.getvalue().count("\033[2A\033[J"), 2)

    def test_a_pipe_gets_a_line_now_and_then(self):
        now, output = [100.0], io.StringIO()
        bars = Bars(output=output, clock=lambda: now[0])
        for _ in range(30):
            bars.draw([JOB])
            now[0] += 1
        self.assertEqual(len(output.getvalue().splitlines()), 3)
        self.assertNotIn("\033", output.getvalue())

    def test_when_to_stop(self):
        self.assertEqual(stop_after("10/100"), {"failures": 10, "of": 100})
        for text in ("10", "0/5", "6/5", "a/b", "1/", "-1/5"):
            with self.assertRaises(argparse.ArgumentTypeError):
                stop_after(text)


class ScriptedDesk(JobDesk):
    """Answers from a script in place of an API."""

    def __init__(self, *script):
        super().__init__("order", "http://127.0.0.1:1", "token", lambda text: None)
        self.script = list(script)

    def _try(self, method, path, body, headers):
        return self.script.pop(0)


class MakingTest(unittest.TestCase):
    def test_the_job_that_there_is_is_followed(self):
        desk = ScriptedDesk((409, {"detail": "queue a.queue has job 1, which is running"}), (200, {"items": [JOB]}))
        self.assertEqual(desk.make({}, "so"), (JOB, True))

    def test_one_that_ended_at_this_moment_makes_way(self):
        desk = ScriptedDesk((409, {"detail": "queue a.queue has job 1"}), (200, {"items": []}), (200, {"items": []}), (201, JOB))
        self.assertEqual(desk.make({}, "so"), (JOB, False))


if __name__ == "__main__":
    unittest.main()
