"""How commands are asked for: a wrong use is a UsageError, which names the nearest right one."""

import argparse
import datetime
import difflib
import re
import sys
import uuid

from .layout import LauncherError

SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class UsageError(LauncherError):
    """A command that was asked for wrongly: exit code 2, and nothing was done."""


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the process, and suggests. Knows what can be written, for completion."""

    def __init__(self, *arguments, **options):
        self.options = []  # as they are written, in the order they were added
        self.words = []  # that may stand there without a dash, where they are known
        self.commands = {}  # the parsers of commands below
        super().__init__(*arguments, **options)
        self.set_defaults(parser=self)

    def add_argument(self, *names, **facts):
        if names[0].startswith("-"):
            self.options += names
        else:
            self.words += facts.get("choices", ())
        return super().add_argument(*names, **facts)

    def add_subparsers(self, **facts):
        found = super().add_subparsers(**facts)
        self.commands = found.choices
        return found

    def parse_args(self, args=None, namespace=None):
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            raise UsageError(f"{found.parser.prog} has no {unknown[0]}{nearest(unknown[0], found.parser.options)}")
        return found

    def error(self, message):
        raise UsageError(message if "; " in message else f"{message}; see {self.prog} --help")

    def _check_value(self, action, value):
        """argparse's own names every choice; overridden for commands and choices alike."""
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"there is no {value}{nearest(value, list(action.choices))}")


def nearest(word, known):
    """What to say behind "there is no @word": the nearest of the known words, or all of them when they are few."""
    found = difflib.get_close_matches(word.partition("=")[0], known, 1)
    if found:
        return f"; did you mean {found[0]}?"
    return "" if not known or known[0].startswith("-") else f"; there are {', '.join(known)}"


def count(text):
    """For argparse's type: 1 or more."""
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)


def duration(text):
    """For argparse's type: 90s, 30m, 2h, 7d in seconds."""
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no time such as 90s, 30m, 2h, 7d")
    return int(match[1]) * SECONDS_OF[match[2]]


def since(text):
    """For argparse's type: an age (90s, 30m, 2h, 7d) as the RFC 3339 time that is so long ago; anything else as it is."""
    return _from_now(text, -1)


def until(text):
    """The same, of the time that comes so long from now."""
    return _from_now(text, 1)


def _from_now(text, sign):
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        return text
    span = datetime.timedelta(seconds=int(match[1]) * SECONDS_OF[match[2]])
    return (datetime.datetime.now(datetime.timezone.utc) + sign * span).isoformat().replace("+00:00", "Z")


def order_id(text):
    """For argparse's type: the id of an order, in small letters."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no order's id") from None


def confirm(what, yes):
    """Asks before something that can't be undone. Fails when the answer isn't yes, or when nobody is there to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}: say --yes, nobody is here to be asked")
    print(f"{what}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise LauncherError("nothing was done")
