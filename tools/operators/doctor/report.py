"""What the doctor says: lines for a reader, as wide as the terminal, or JSON."""

import json
import shutil
import sys
import textwrap

from launcher import terminal

from ..dead_letters import clean
from .checks import ERROR, WARNING

OK, UNASKED, MENDED = "ok", "not checked", "mended"
COLOURS = {OK: "green", WARNING: "yellow", ERROR: "red", UNASKED: "magenta", MENDED: "green"}
NARROW = 60  # columns, below which nothing stands in columns
LEAST_WIDTH = 20


def lines_of(answer):
    """(outcome, where, what) of each line about a check."""
    yield from ((MENDED, problem.where, problem.what) for problem in answer.mended)
    yield from ((problem.severity or answer.check.severity, problem.where, problem.what) for problem in answer.problems)
    yield from ((UNASKED, unasked.where, unasked.why) for unasked in answer.unasked)
    if not answer.problems and not answer.unasked and not answer.mended:
        yield OK, "", answer.check.asks


def say_json(answer):
    check = answer.check
    for outcome, where, what in lines_of(answer):
        advice = {"why": check.why, "fix": check.fix} if outcome in COLOURS and outcome not in (OK, MENDED) else {}
        terminal.say(json.dumps({"check": check.name, "outcome": outcome, "where": where, "what": what, **advice}))


def say_text(answer, width, wants_all):
    check, said = answer.check, 0
    for outcome, where, what in _merged(lines_of(answer)):
        if outcome == OK and not wants_all:
            continue
        _say_line(outcome, check.name, clean(f"{where}: {what}" if where else what), width)
        said += 1
    if said and answer.problems:
        _say_indented(f"why: {check.why}", width)
        _say_indented(f"fix: {check.fix}", width)


def _merged(lines):
    """Those that say the same of several are one."""
    found = {}
    for outcome, where, what in lines:
        found.setdefault((outcome, what), []).append(where)
    for (outcome, what), wheres in found.items():
        yield outcome, ", ".join(filter(None, wheres)), what


def width_of_terminal():
    """None where it is no terminal: there every line is whole."""
    return max(shutil.get_terminal_size().columns, LEAST_WIDTH) if sys.stdout.isatty() else None


def summary(answers):
    """How many checks came out in which way, of each the worst line."""
    count = dict.fromkeys((ERROR, WARNING, UNASKED, OK), 0)
    for answer in answers:
        count[answer.severity or (UNASKED if answer.unasked else OK)] += 1
    mended = sum(len(answer.mended) for answer in answers)
    parts = [f"{number} {_plural(name, number)}" for name, number in count.items() if number]
    return f"{len(answers)} checks: {', '.join(parts)}" + (f"; {mended} mended" if mended else "")


def _plural(name, number):
    return name + "s" if name in (ERROR, WARNING) and number > 1 else name


def _say_line(outcome, name, text, width):
    mark = terminal.paint(f"{outcome:<11}", COLOURS[outcome])
    if width is not None and width < NARROW:
        terminal.say(f"{terminal.paint(outcome, COLOURS[outcome])} {name}")
        _say_indented(text, width)
        return
    head = f"  {'':<11}  {name:<22}  "
    first, *rest = _wrapped(text, width, len(head))
    terminal.say(f"  {mark}  {name:<22}  {first}")
    for line in rest:
        terminal.say(" " * len(head) + line)


def _say_indented(text, width):
    indent = 2 if width is not None and width < NARROW else 15
    for line in _wrapped(text, width, indent):
        terminal.say(" " * indent + line)


def _wrapped(text, width, indent):
    if width is None:
        return [text]
    return textwrap.wrap(text, max(width - 1 - indent, LEAST_WIDTH), break_on_hyphens=False) or [""]
