"""The checker checked: with each known bug switched on (SEEDED_BUG), the plan has to find violations."""

import dataclasses

from faults.jobs import Jobs
from faults.run import Run

SEEDS = 20    # a bug that needs luck to hurt gets so many tries
QUIET_S = 15  # what a bug lost never comes: do not wait for it as long as for a slow machine

# bug: the rows that are made for it
BUGS = {
    "ack_before_commit": ("3",),
    "no_inbox": ("5",),
    "no_mandatory": ("9",),
    "delete_before_confirm": ("6", "21"),
    "unsorted_locks": ("23",),
    "release_without_guard": ("23",),
    "no_tombstone": ("24",),
}


def run(plan, jobs):
    """Prints what caught each bug; 1 when one was not caught."""
    by_number = {row.number: row for row in plan}
    missed = 0
    with Jobs(min(jobs, len(BUGS)), _catch) as workers:
        for bug, found in workers.results((bug, [by_number[n] for n in BUGS[bug]]) for bug in BUGS):
            if found is None:
                missed += 1
                print(f"{bug:24} NOT CAUGHT by rows {', '.join(BUGS[bug])} in {SEEDS} seeds", flush=True)
            else:
                print(f"{bug:24} caught by row {found.row}, seed {found.seed}: {_telling(found.violations)[:160]}",
                      flush=True)
    print(f"{len(BUGS) - missed} of {len(BUGS)} known bugs caught")
    return 1 if missed else 0


def _telling(violations):
    """That something does not become quiet (I8) says less than what is wrong in it."""
    return min(violations, key=lambda violation: not violation.startswith("I") or violation.startswith("I8"))


def _catch(system, task):
    """(bug, the first result that accuses it, or None); what only says that a fault did not happen accuses nobody."""
    bug, rows = task
    for seed in range(1, SEEDS + 1):
        for row in rows:
            result = Run(system, dataclasses.replace(row, everywhere={"SEEDED_BUG": bug}), seed, QUIET_S).go()
            if any(violation.startswith("I") for violation in result.violations):
                return bug, result
    return bug, None
