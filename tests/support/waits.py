"""Waiting on a condition with a deadline, never on the clock alone."""

import os
import time

# A loaded machine or a sanitizer build stretches every deadline, never a lower bound.
SLOWNESS = float(os.environ.get("CARTWHEEL_TEST_SLOWNESS",
                                "3" if os.environ.get("CARTWHEEL_SANITIZERS") else "1"))

PAUSE_FIRST_S = 0.01
PAUSE_MAX_S = 0.25


class TookTooLong(AssertionError):
    """The awaited condition did not come true before its deadline."""


def eventually(probe, what, timeout=15.0, forgive=()):
    """Calls @probe until it returns something truthy, and returns that.

    An AssertionError inside the probe counts as "not yet", and so does any error of @forgive.
    Fails after @timeout seconds and says @what was waited for and what was seen last.
    """
    deadline = time.monotonic() + timeout * SLOWNESS
    pause = PAUSE_FIRST_S
    while True:
        try:
            seen = probe()
            if seen or hasattr(seen, "status_code"):  # an HTTP answer of an error is falsy, but seen
                return seen
        except AssertionError as not_yet:
            seen = f"not yet: {not_yet}"
        except forgive as error:
            seen = repr(error)
        if time.monotonic() > deadline:
            raise TookTooLong(f"waited {timeout:g} s (x{SLOWNESS:g}) for {what}; last seen: {seen!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, PAUSE_MAX_S)


def remains(probe, what, seconds=1.0):
    """Demands that @probe stays truthy for @seconds: for conditions that must not change."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert probe(), f"{what} did not hold for {seconds:g} s"
        time.sleep(0.05)
