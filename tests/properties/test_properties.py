"""Orders and stock under random sequences of events, in any order and with any repetition.

random-sequences drives the use cases over stores in memory and checks I2 to I4 after every step;
against-sql shows that those stores behave as the SQL does. Each run prints its seed.
"""

import os
import pathlib
import re
import subprocess

import pytest

from support.child import run_binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / os.environ.get("CARTWHEEL_BUILD", "build") / "tests" / "properties"
SEQUENCES = 100000
SQL_SEQUENCES = 200
SECONDS = 200
WITH_SQL = pytest.mark.xdist_group("with-sql")  # one system for them all

# Bug of the stores -> the property that it breaks.
BUGS = {
    "late_result": "I2",
    "release_unguarded": "I3",
    "no_tombstone": "I4",
    "no_reservation": "I",  # whichever shows first: taken twice, or taken and refused
    "silent_cancellation": "I6",
    "key_ignored": "I1",
    "half_rolled_back": "I3",
}


def run(program, *arguments, environ=None):
    """(exit status, output)"""
    done = subprocess.run([str(PROGRAMS / program), *map(str, arguments)], timeout=SECONDS, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, **(environ or {})})
    return done.returncode, done.stdout


def test_random_sequences_keep_every_property():
    status, output = run("random-sequences", "--sequences", SEQUENCES)
    print(output)
    assert status == 0, output
    steps, failed, *endings = map(int, re.findall(r"\d+", output.partition("\n")[2]))
    assert steps > 20 * SEQUENCES and failed > SEQUENCES / 2, output
    assert min(endings) > SEQUENCES / 10, f"hardly anything happened: {output}"


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_found_and_its_seed_finds_it_again(bug):
    status, output = run("random-sequences", "--bug", bug)
    assert status == 1, output
    assert output.splitlines()[1].startswith(BUGS[bug]), output
    steps = re.findall(r"^  (?!then)", output, re.MULTILINE)
    assert len(steps) <= 8, f"it was hardly cut down: {output}"
    seed = re.search(r"again: --seed (\d+)", output)[1]
    again = run("random-sequences", "--bug", bug, "--seed", seed, "--sequences", 1)
    assert again[0] == 1 and again[1].splitlines()[1:] == output.splitlines()[1:]
    assert run("random-sequences", "--seed", seed, "--sequences", 1)[0] == 0, "the store without the bug is sound"


@pytest.fixture
def private_databases(system, empty_database):
    """The environment that names two new databases with the services' schemas and no relay to empty the outboxes."""
    environ = {"ORDERS_URL": empty_database("order"), "STOCK_URL": empty_database("stock")}
    for service, url in zip(("order", "stock"), environ.values()):
        done = run_binary(system, f"{service}-migrator", {"DATABASE_URL": url})
        assert done.returncode == 0, done.stdout
    return environ


@WITH_SQL
def test_stores_in_memory_behave_as_the_sql(private_databases):
    status, output = run("against-sql", "--sequences", SQL_SEQUENCES, environ=private_databases)
    print(output)
    assert status == 0, output


@WITH_SQL
@pytest.mark.parametrize("bug", ["late_result", "release_unguarded", "half_rolled_back"])
def test_a_store_that_behaves_otherwise_is_noticed(private_databases, bug):
    status, output = run("against-sql", "--bug", bug, environ=private_databases)
    assert status == 1 and "differ" in output, output
