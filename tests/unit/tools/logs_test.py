"""./cartwheel logs: which lines are the story of an order or a trace, of a time, of a level; and completion for bash."""

import json
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher import cli, completion, logs  # noqa: E402

ORDER, OTHER = "0190a000-0000-7000-8000-00000000000a", "0190a000-0000-7000-8000-00000000000b"
FIRST, SECOND = "1" * 32, "2" * 32


def line(at, message, level="info", **fields):
    return json.dumps({"time": f"2026-11-27T10:00:{at:02}.000000Z", "level": level, "process": "x", "message": message, **fields})


# An order that is confirmed after a retry, then cancelled under another trace; and what is not about it.
LINES = [
    line(1, "ready to work"),
    line(2, "order accepted", order_id=ORDER, trace_id=FIRST),
    line(3, "order accepted", order_id=OTHER, trace_id=FIRST),
    line(4, "message failed and will be retried", "warning", trace_id=FIRST),
    line(5, "stock taken", order_id=ORDER, trace_id=FIRST),
    line(6, "order cancelled", order_id=ORDER, trace_id=SECOND),
    line(7, "message given up as a dead letter", "error", trace_id=SECOND),
    line(8, "request refused", path=f"/api/orders/{ORDER}"),
    line(9, "stock changed", trace_id="3" * 32),
    "no JSON",
]


class Selections(unittest.TestCase):
    def chosen(self, **wanted):
        """The numbers of the lines that are chosen; the order's traces are learned first, as the command does."""
        selection = logs.Selection(**wanted)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a.log").write_text("\n".join(LINES) + "\n", encoding="utf-8")
            selection.learn(types.SimpleNamespace(logs=pathlib.Path(folder)))
        return [n for n, text in enumerate(LINES, 1) if selection.wants(text)]

    def test_all(self):
        self.assertEqual(self.chosen(), list(range(1, 11)))

    def test_an_order_s_story_is_whole(self):
        self.assertEqual(self.chosen(order=ORDER), [2, 4, 5, 6, 7, 8])

    def test_a_trace(self):
        self.assertEqual(self.chosen(trace=FIRST), [2, 3, 4, 5])

    def test_a_level_and_what_is_above_it(self):
        self.assertEqual(self.chosen(level="warning"), [4, 7])
        self.assertEqual(self.chosen(order=ORDER, level="error"), [7])

    def test_a_time(self):
        self.assertEqual(self.chosen(since="2026-11-27T10:00:08"), [8, 9])
        self.assertEqual(self.chosen(since="2026-11-28"), [])

    def test_the_older_log_counts_and_the_last_lines_are_shown_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            layout = types.SimpleNamespace(logs=pathlib.Path(folder), log=lambda name: pathlib.Path(folder, f"{name}.log"))
            pathlib.Path(folder, "a.log.1").write_text("\n".join(LINES[:4]) + "\n", encoding="utf-8")
            pathlib.Path(folder, "a.log").write_text("\n".join(LINES[6:]) + "\n", encoding="utf-8")
            pathlib.Path(folder, "b.log").write_text("\n".join(LINES[4:6]) + "\n", encoding="utf-8")
            shown, say = [], logs.terminal.say
            logs.terminal.say = shown.append
            try:
                logs.print_last(layout, ["a", "b"], 3, True, logs.Selection(level="info"))
                logs.print_last(layout, ["a", "b"], None, True, logs.Selection(trace=SECOND))
            finally:
                logs.terminal.say = say
        self.assertEqual(shown, [*LINES[6:9], *LINES[5:7]])


class Completion(unittest.TestCase):
    def completed(self, *words):
        script = completion.script(cli._parser())
        given = " ".join(f"'{word}'" for word in ("./cartwheel", *words))
        script += f'COMP_WORDS=({given}); COMP_CWORD={len(words)}; _cartwheel; echo "${{COMPREPLY[*]}}"\n'
        return subprocess.run(["bash", "-uc", script], capture_output=True, text=True, timeout=20, check=True).stdout.split()

    def test_commands_options_and_words(self):
        self.assertEqual(sorted(self.completed("sta")), ["start", "status"])
        self.assertEqual(self.completed("stop", "stock-"), ["stock-api", "stock-worker"])
        self.assertEqual(self.completed("up", "--d"), ["--detach"])
        self.assertEqual(self.completed("dlq", "re"), ["replay"])
        self.assertEqual(self.completed("dlq", "list", "--qu"), ["--queue"])
        self.assertEqual(self.completed("test", "uni"), ["unit"])
        self.assertEqual(self.completed("url", "am"), ["amqp"])
        self.assertEqual(self.completed("nosuch", ""), [])


if __name__ == "__main__":
    unittest.main()
