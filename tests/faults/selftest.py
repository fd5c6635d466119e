"""The checker checked: with each known bug switched on (SEEDED_BUG), the plan has to find violations."""

import dataclasses

from faults.run import Run

SEEDS = 5     # a bug that needs luck to hurt gets so many tries
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


def run(system, plan, folder):
    """Prints what caught each bug; 1 when one was not caught."""
    by_number = {row.number: row for row in plan}
    missed = []
    for bug, numbers in BUGS.items():
        found = _catch(system, bug, [by_number[n] for n in numbers], folder)
        if found is None:
            missed.append(bug)
            print(f"{bug:24} NOT CAUGHT by rows {', '.join(numbers)} in {SEEDS} seeds", flush=True)
        else:
            print(f"{bug:24} caught by row {found.row}, seed {found.seed}: {_telling(found.violations)[:160]}", flush=True)
    print(f"{len(BUGS) - len(missed)} of {len(BUGS)} known bugs caught")
    return 1 if missed else 0


def _telling(violations):
    """That something does not become quiet (I8) says less than what is wrong in it."""
    return min(violations, key=lambda violation: not violation.startswith("I") or violation.startswith("I8"))


def _catch(system, bug, rows, folder):
    """The first result that accuses the bug; what only says that a fault did not happen is none."""
    for seed in range(1, SEEDS + 1):
        for row in rows:
            sick = dataclasses.replace(row, everywhere={"SEEDED_BUG": bug})
            result = Run(system, sick, seed, folder, QUIET_S).go()
            if any(violation.startswith("I") for violation in result.violations):
                return result
    return None

