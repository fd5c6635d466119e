"""What a check is: a row of a table that says what it asks, why that matters and how to put it right."""

import dataclasses
from typing import Callable

from launcher.layout import LauncherError

from ..dead_letters import complain

ERROR, WARNING = "error", "warning"
SEVERITIES = (WARNING, ERROR)  # the worst last


@dataclasses.dataclass(frozen=True)
class Problem:
    where: str  # a service, a process, a server, a queue
    what: str
    severity: str = None  # where it is not that of the check


@dataclasses.dataclass(frozen=True)
class Unasked:
    """What could not be asked there, and why not: never taken for a good answer."""

    where: str
    why: str


class NotChecked(Exception):
    """Raised by a look that could not ask at all."""


class Unreachable(NotChecked):
    """A server that does not answer; @detail is for the check that is about just that."""

    def __init__(self, what, detail):
        super().__init__(f"{what} cannot be reached")
        self.detail = detail


@dataclasses.dataclass(frozen=True)
class Check:
    name: str  # area.what
    asks: str
    severity: str
    why: str
    fix: str
    look: Callable  # (patient) -> yields Problem and Unasked
    mend: Callable = None  # (patient, problems): what --fix does; safe to do twice, and to do in vain


@dataclasses.dataclass(frozen=True)
class Answer:
    check: Check
    problems: tuple = ()
    unasked: tuple = ()
    mended: tuple = ()  # problems that were there before --fix

    @property
    def severity(self):
        """Of the worst problem; None: there is none."""
        found = [problem.severity or self.check.severity for problem in self.problems]
        return max(found, key=SEVERITIES.index, default=None)


def ask(check, patient):
    problems, unasked = [], []
    try:
        for found in check.look(patient):
            (unasked if isinstance(found, Unasked) else problems).append(found)
    except NotChecked as reason:
        unasked.append(Unasked("", str(reason)))
    return Answer(check, tuple(problems), tuple(unasked))


def ask_all(checks, patient):
    for check in checks:
        yield ask(check, patient)


def ask_and_mend(checks, patient):
    """Asks them all, does what is safe about what was found, and asks those again."""
    answers = list(ask_all(checks, patient))
    found = [answer for answer in answers if answer.problems and answer.check.mend]
    for answer in found:
        try:
            answer.check.mend(patient, answer.problems)
        except LauncherError as error:  # it stays in the list
            complain(f"{answer.check.name}: {error}")
    patient.forget()
    for answer in answers:
        if answer not in found:
            yield answer
            continue
        again = ask(answer.check, patient)
        mended = tuple(problem for problem in answer.problems if problem not in again.problems)
        yield dataclasses.replace(again, mended=mended)
