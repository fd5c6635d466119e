"""The model of the saga (saga.pml), checked by spin: every interleaving within its bounds.

The system as it is must hold every invariant and make every order final; each mutant, which lacks one
guard, must not; and the model must be able to reach what the guards are for.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

MODEL = pathlib.Path(__file__).with_name("saga.pml")
STEP_SECONDS = 100
MEMORY_MIB = 3000
DEPTH = 2000  # the longest run has about 100 steps: each fault is counted, so none goes on for ever

SAFETY = ("-DSAFETY", "-DNOCLAIM")

# What is said of a run that breaks the property.
UNKEPT = r"assertion violated .*status\[0\]"  # when all is quiet: not final, or its stock is not as it should be
TAKEN_TWICE = r"assertion violated .*(on_hand|took\[0\])"
RELEASED_TWICE = r"assertion violated .*(on_hand|given\[0\])"
MOVED = r"assertion violated .*status\[.*placed|assertion violated .*status"
HANDLED_TWICE = r"assertion violated .*inbox"

# Guard that is missing -> names that take it away, and the complaint. One fault is enough for most.
MUTANTS = {
    "the outbox row is written after the order's commit": ("DUAL_WRITE FAULTS=1", UNKEPT),
    "the relay deletes before the confirm": ("DELETE_BEFORE_CONFIRM FAULTS=1", UNKEPT),
    "the relay goes by the highest id it saw": ("WATERMARK FAULTS=0", UNKEPT),
    "an event without a queue counts as published": ("NO_MANDATORY FAULTS=0", UNKEPT),
    "a delivery is acknowledged before the commit": ("ACK_BEFORE_COMMIT FAULTS=1", UNKEPT),
    "the inbox row has a transaction of its own": ("INBOX_APART FAULTS=1", UNKEPT),
    "no inbox": ("NO_INBOX FAULTS=1", HANDLED_TWICE),
    "stock is taken without a reservation": ("NO_RESERVATION REPEATS FAULTS=0", TAKEN_TWICE),
    "stock is given back whatever the reservation says": ("NO_RELEASE_GUARD REPEATS FAULTS=0", RELEASED_TWICE),
    "neither inbox nor reservation": ("NO_INBOX GUARDS_ALONE NO_RESERVATION FAULTS=1", TAKEN_TWICE),
    "a cancellation ahead of its order leaves no tombstone": ("NO_TOMBSTONE FAULTS=0", UNKEPT),
    "a cancelled order's stock is not given back": ("NO_COMPENSATION FAULTS=0", UNKEPT),
    "a late result changes a final order": ("NO_STATUS_GUARD FAULTS=0", MOVED),
    "an event is given up without a word": ("SILENT_DEAD_LETTER FAULTS=2", UNKEPT),
    "who asks again gets no answer": ("NO_ANSWER_AGAIN LOSS FAULTS=0", UNKEPT),
}

LOST = ("DUAL_WRITE", "DELETE_BEFORE_CONFIRM", "ACK_BEFORE_COMMIT", "INBOX_APART", "NO_MANDATORY")
UNCOMPENSATED = ("NO_TOMBSTONE", "NO_COMPENSATION")

REACHED = {
    "an order that is confirmed": "CONFIRMED_ONE",
    "an order that is refused": "REFUSED_ONE",
    "stock that was given back and taken by the other order": "GIVEN_ON",
    "a cancellation ahead of its order": "OVERTAKEN",
    "an order that was given up": "GIVEN_UP",
}


class Verifier:
    """Builds a verifier of the model with some names defined, and runs it."""

    def __init__(self, folder):
        self._folder = folder
        shutil.copy(MODEL, folder)

    def run(self, names=(), compiler=SAFETY, arguments=(), optimize="-O0"):
        """What it printed. A search that is to be whole is worth optimizing."""
        self._call(["spin", *(f"-D{name}" for name in names), "-a", MODEL.name])
        self._call(["gcc", optimize, "-w", f"-DMEMLIM={MEMORY_MIB}", *compiler, "-o", "pan", "pan.c"])
        return self._call(["./pan", f"-m{DEPTH}", "-w24", *arguments])

    def trail(self, names):
        """The steps to the error that was found."""
        return self._call(["spin", *(f"-D{name}" for name in names), "-t", "-p", "-k", MODEL.name + ".trail",
                           MODEL.name])

    def _call(self, command):
        done = subprocess.run(command, cwd=self._folder, timeout=STEP_SECONDS, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def verifier(tmp_path):
    if shutil.which("spin") is None:
        pytest.fail("spin is missing (Debian package spin)", pytrace=False)
    return Verifier(tmp_path)


def errors(printed):
    return int(re.search(r"errors: (\d+)", printed)[1])


def states(printed):
    return int(re.search(r"(\d+) states, stored", printed)[1])


def assert_holds(verifier, printed, names, at_least_states):
    """And was searched to the end: neither depth nor memory was too small."""
    print(f"{' '.join(names)}: {states(printed)} states")
    if errors(printed) > 0:
        pytest.fail(printed + verifier.trail(names), pytrace=False)
    assert "Search not completed" not in printed and "too small" not in printed, printed
    assert states(printed) >= at_least_states, printed


@pytest.mark.parametrize("names", [("FAULTS=2",), ("FAULTS=1", "REPEATS"), ("FAULTS=1", "LOSS"),
                                   ("FAULTS=1", "NO_INBOX", "GUARDS_ALONE")],
                         ids=["crashes", "repeats", "loss", "guards-without-inbox"])
def test_every_invariant_holds(verifier, names):
    """The last: reservation and status alone would keep stock and orders right; the inbox is a second lock."""
    assert_holds(verifier, verifier.run(names, optimize="-O2"), names, 100000)


@pytest.mark.parametrize("names", [("FAULTS=1",), ("FAULTS=0", "LOSS")], ids=["crashes", "loss"])
@pytest.mark.parametrize("claim", ["final", "kept"])
def test_every_order_becomes_final(verifier, claim, names):
    printed = verifier.run(names, compiler=(), arguments=("-a", "-N", claim), optimize="-O2")
    assert_holds(verifier, printed, names, 10000)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda words: words.replace(" ", "-"))
def test_mutant_is_refused(verifier, mutant):
    names, complaint = MUTANTS[mutant]
    printed = verifier.run(names.split())
    assert errors(printed) == 1, f"nothing is wrong when {mutant}\n{printed}"
    assert re.search(complaint, printed), printed


@pytest.mark.parametrize("claim, mutant", [*(("final", name) for name in LOST), *(("kept", name) for name in UNCOMPENSATED)])
def test_mutant_breaks_the_liveness(verifier, claim, mutant):
    printed = verifier.run((mutant, "FAULTS=1"), compiler=(), arguments=("-a", "-N", claim))
    assert errors(printed) == 1 and "acceptance cycle" in printed, printed


@pytest.mark.parametrize("ending", REACHED, ids=lambda words: words.replace(" ", "-"))
def test_model_can_reach(verifier, ending):
    printed = verifier.run((f"REACH={REACHED[ending]}", "FAULTS=2"))
    assert errors(printed) == 1 and re.search(r"assertion violated +!", printed), printed
