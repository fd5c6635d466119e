"""./cartwheel doctor: how answers are told, on a terminal of any width and elsewhere."""

import contextlib
import io
import json
import pathlib
import sys
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher import cli  # noqa: E402
from launcher.layout import LauncherError  # noqa: E402
from launcher.usage import UsageError  # noqa: E402
from operators.doctor import command, report  # noqa: E402
from operators.doctor.checks import ERROR, WARNING, Check, NotChecked, Problem, Unasked, ask, ask_and_mend  # noqa: E402


def check(look, mend=None):
    return Check("area.what", "all is well", WARNING, "since it matters to customers who wait", "do this, then that, then look again",
                 look, mend)  # fmt: skip


def told(answer, width=None, wants_all=False):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        report.say_text(answer, width, wants_all)
    return out.getvalue()


class Patient:
    def __init__(self):
        self.wrong = [Problem("here", "it is broken"), Problem("there", "it is worse", ERROR)]

    def forget(self):
        pass


def wrong(patient):
    yield from patient.wrong


def away(patient):
    raise NotChecked("nobody answers")


class Answers(unittest.TestCase):
    def test_the_worst_problem_is_what_counts(self):
        self.assertEqual(ask(check(wrong), Patient()).severity, ERROR)
        self.assertIsNone(ask(check(lambda patient: []), Patient()).severity)

    def test_what_could_not_be_asked_is_no_good_answer(self):
        answer = ask(check(away), Patient())
        self.assertEqual((answer.problems, answer.unasked), ((), (Unasked("", "nobody answers"),)))
        self.assertIn("not checked", told(answer))
        self.assertIn("1 not checked", report.summary([answer]))

    def test_what_was_mended_is_told_apart_from_what_is_left(self):
        answer, = ask_and_mend([check(wrong, lambda patient, problems: patient.wrong.pop(0))], Patient())
        self.assertEqual([[one.where for one in some] for some in (answer.mended, answer.problems)], [["here"], ["there"]])
        self.assertIn("1 error; 1 mended", report.summary([answer]))

    def test_what_cannot_be_mended_stays_in_the_list(self):
        def refuse(patient, problems):
            raise LauncherError("the migrator failed")

        with contextlib.redirect_stderr(io.StringIO()) as said:
            answer, = ask_and_mend([check(wrong, refuse)], Patient())
        self.assertEqual((len(answer.problems), answer.mended), (2, ()))
        self.assertIn("area.what: the migrator failed", said.getvalue())


class Text(unittest.TestCase):
    def test_each_problem_says_what_why_and_how(self):
        text = told(ask(check(wrong), Patient()))
        for words in ("warning      area.what", "here: it is broken", "error        area.what", "why: since it matters", "fix: do this"):
            self.assertIn(words, text)
        self.assertNotIn("\033", text)

    def test_what_is_well_is_told_when_asked_for(self):
        answer = ask(check(lambda patient: []), Patient())
        self.assertEqual((told(answer), "all is well" in told(answer, wants_all=True)), ("", True))

    def test_no_line_is_wider_than_the_terminal(self):
        for width in (20, 40, 59, 60, 80, 200):
            lines = told(ask(check(wrong), Patient()), width).splitlines()
            self.assertLessEqual(max(map(len, lines)), max(width, 59), width)

    def test_in_a_pipe_every_line_is_whole(self):
        self.assertEqual(len(told(ask(check(wrong), Patient())).splitlines()), 4)

    def test_what_others_wrote_does_not_steer_the_terminal(self):
        self.assertNotIn("\033", told(ask(check(lambda patient: [Problem("\033[2J", "x")]), Patient())))

    def test_what_is_the_same_of_several_is_one_line(self):
        answer = ask(check(lambda patient: [Unasked("order", "not named"), Unasked("stock", "not named")]), Patient())
        self.assertIn("order, stock: not named", told(answer))

    def test_json_has_one_object_a_line(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            report.say_json(ask(check(wrong), Patient()))
            report.say_json(ask(check(away), Patient()))
        outcomes = [json.loads(line)["outcome"] for line in out.getvalue().splitlines()]
        self.assertEqual(outcomes, ["warning", "error", "not checked"])


class Rows(unittest.TestCase):
    def test_every_check_says_all_that_a_reader_needs(self):
        for one in command.CHECKS:
            self.assertRegex(one.name, r"^[a-z]+\.[a-z_]+$")
            self.assertTrue(all((one.asks, one.why, one.fix)) and one.severity in (WARNING, ERROR), one.name)
        self.assertEqual(len({one.name for one in command.CHECKS}), len(command.CHECKS))

    def test_a_name_or_an_area_chooses(self):
        self.assertEqual([one.name for one in command.chosen(["server.clock"])], ["server.clock"])
        self.assertEqual({one.name.partition(".")[0] for one in command.chosen(["database"])}, {"database"})

    def test_what_is_asked_for_wrongly_is_refused(self):
        for arguments in (["datbase"], ["--fix", "--endpoints", "x.json"]):
            options = cli._parser().parse_args(["doctor", *arguments])
            with self.assertRaises(UsageError):
                options.check(options)

    def test_width(self):
        with mock.patch.object(report.sys, "stdout", io.StringIO()):
            self.assertIsNone(report.width_of_terminal())


if __name__ == "__main__":
    unittest.main()
