"""The checker checked: of a build with one known bug (bugs/), the plan has to find violations."""

import sys

from faults import mutants, patches
from faults.jobs import Jobs
from faults.run import Run

SEEDS = 20    # a bug that needs luck to hurt gets so many tries
QUIET_S = 15  # what a bug lost never comes: do not wait for it as long as for a slow machine


def run(plan, jobs):
    """Prints what caught each bug; 1 when one was not caught."""
    missed = 0
    try:
        bugs = _patches()
        rows = {bug.name: _rows(bug, plan) for bug in bugs}
        with mutants.built(bugs) as places, Jobs(min(jobs, len(bugs)), _catch) as workers:
            for bug, found in workers.results((bug, rows[bug.name], places[bug.name]) for bug in bugs):
                missed += found is None
                print(f"{bug.name:24} {_became(bug, found)}", flush=True)
    except patches.BadPatch as error:
        sys.exit(str(error))
    print(f"{len(bugs) - missed} of {len(bugs)} known bugs caught")
    return 1 if missed else 0


def _patches():
    """All of them, if all still apply: one that does not is told at once, and with the others of its kind."""
    bugs = patches.load()
    if wrong := patches.wrong(bugs, patches.ROOT):
        raise patches.BadPatch("\n".join(wrong))
    return bugs


def _rows(bug, plan):
    """The rows that are made for it."""
    if unknown := set(bug.rows) - {row.number for row in plan}:
        raise patches.BadPatch(f"{bug.path} names rows that the plan lacks: {', '.join(sorted(unknown))}")
    return [row for row in plan if row.number in bug.rows]


def _became(bug, found):
    if found is None:
        return f"NOT CAUGHT by rows {', '.join(bug.rows)} in {SEEDS} seeds: {bug.says}"
    return f"caught by row {found.row}, seed {found.seed}: {_telling(found.violations)[:160]}"


def _telling(violations):
    """That something does not become quiet (I8) says less than what is wrong in it."""
    return min(violations, key=lambda violation: not violation.startswith("I") or violation.startswith("I8"))


def _catch(system, task):
    """(bug, the first result that shows it, or None); that a fault did not happen shows nothing."""
    bug, rows, binaries = task
    system.use_binaries(binaries)
    for seed in range(1, SEEDS + 1):
        for row in rows:
            result = Run(system, row, seed, QUIET_S).go()
            if any(violation.startswith("I") for violation in result.violations):
                return bug, result
    return bug, None
