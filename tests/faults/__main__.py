"""python3 -m faults: runs the plan on private systems. ./cartwheel test faults builds for it first."""

import argparse
import os
import pathlib
import sys
import time

from faults import report, rows, selftest
from faults.jobs import Jobs, heed_signals
from faults.run import run_row

JOBS = 2  # for two cores: a run takes half of one, and mostly waits

# Everything here is on this machine: no proxy may come in between.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def _count(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(prog="./cartwheel test faults")
    parser.add_argument("--seeds", type=_count, default=3, metavar="N", help="seeds 1 to N for each row (default 3)")
    parser.add_argument("--seed", type=int, metavar="SEED", help="this seed alone")
    parser.add_argument("--only", metavar="ROW", help="these rows alone, separated by commas")
    parser.add_argument("--whole", action="store_true", help="every row, not only the quick ones")
    parser.add_argument("--bugs", action="store_true", help="build each known bug in: the plan must catch it")
    parser.add_argument("--jobs", type=_count, default=JOBS, metavar="N",
                        help=f"so many runs side by side, each on a system of its own (default {JOBS})")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the report as JSON")
    return parser.parse_args()


def choose(options, plan):
    if options.only is not None:
        numbers = options.only.split(",")
        unknown = set(numbers) - {r.number for r in plan}
        if unknown:
            sys.exit(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(r.number for r in plan)}")
        return [r for r in plan if r.number in numbers]
    return [r for r in plan if options.whole or r.quick]


def run_plan(jobs, chosen, seeds):
    """Prints a line for each run as it ends; all results, in the order of rows and seeds."""
    tasks = [(row, seed) for row in chosen for seed in seeds]
    together = [task for task in tasks if not task[0].alone]
    results = {}
    for some, most in ((together, None), ([task for task in tasks if task[0].alone], 1)):
        for result in jobs.results(some, most):
            results[result.row, result.seed] = result
            print(report.line(result), flush=True)
    return [results[row.number, seed] for row, seed in tasks]


def main():
    options = arguments()
    plan = rows.load()
    seeds = [options.seed] if options.seed is not None else list(range(1, options.seeds + 1))
    started = time.monotonic()
    if options.bugs:
        return selftest.run(plan, options.jobs)
    chosen = choose(options, plan)
    with Jobs(min(options.jobs, len(chosen) * len(seeds)), run_row) as jobs:
        results = run_plan(jobs, chosen, seeds)
    seconds = round(time.monotonic() - started)
    if options.json is not None:
        report.write_json(options.json, chosen, results, {"seeds": seeds, "jobs": options.jobs, "seconds": seconds})
    print(report.text(chosen, results))
    failed = [r for r in results if r.violations]
    print(f"{len(results)} runs, {len(failed)} failed, {seconds} s")
    return 1 if failed else 0


if __name__ == "__main__":
    heed_signals()
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
