"""How commands are asked for: a wrong use is a UsageError, which names the nearest right one."""

import argparse
import difflib
import sys

from .layout import LauncherError


class UsageError(LauncherError):
    """A command that was asked for wrongly: exit code 2, and nothing was done."""


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the process, and suggests. Knows what can be written, for completion."""

    def __init__(self, *arguments, **options):
        self.options = []  # as they are written, in the order they were added
        self.words = []  # that may stand there without a dash, where they are known
        super().__init__(*arguments, **options)
        self.set_defaults(parser=self)

    def add_argument(self, *names, **facts):
        if names[0].startswith("-"):
            self.options += names
        else:
            self.words += facts.get("choices", ())
        return super().add_argument(*names, **facts)

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


def confirm(what, yes):
    """Asks before something that can't be undone. Fails when the answer isn't yes, or when nobody is there to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}: say --yes, nobody is here to be asked")
    print(f"{what}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise LauncherError("nothing was done")
