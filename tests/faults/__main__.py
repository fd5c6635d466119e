"""python3 -m faults: runs the plan on a private system. ./cartwheel test faults builds for it first."""

import argparse
import os
import pathlib
import sys
import tempfile
import time

from support.names import PROCESSES
from support.system import System

from faults import audit, report, rows, selftest
from faults.run import Run

# Everything here is on this machine: no proxy may come in between.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def arguments():
    parser = argparse.ArgumentParser(prog="./cartwheel test faults")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 1 to N for each row (default 3)")
    parser.add_argument("--seed", type=int, metavar="SEED", help="this seed alone")
    parser.add_argument("--only", metavar="ROW", help="these rows alone, separated by commas")
    parser.add_argument("--whole", action="store_true", help="every row, not only the quick ones")
    parser.add_argument("--bugs", action="store_true", help="switch each known bug on: the plan must catch it")
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


def run_plan(system, chosen, seeds, folder):
    results = []
    for row in chosen:
        for seed in seeds:
            result = Run(system, row, seed, folder).go()
            results.append(result)
            verdict = f"{len(result.violations)} violations" if result.violations else "ok"
            recovery = "-" if result.recovery_s is None else f"{result.recovery_s:.1f} s"
            print(f"row {row.number:4} seed {seed:3}: {verdict}, recovery {recovery}, took {result.took_s:.1f} s",
                  flush=True)
            for violation in result.violations:
                print(f"    {violation}", flush=True)
    return results


def main():
    options = arguments()
    plan = rows.load()
    seeds = [options.seed] if options.seed is not None else list(range(1, options.seeds + 1))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cartwheel-faults-") as home:
        # An unprivileged database server has to reach its data below this directory.
        pathlib.Path(home).chmod(0o755)
        system = System(home)
        folder = pathlib.Path(home) / "histories"
        folder.mkdir()
        try:
            system.up()
            for name in PROCESSES:
                system.launcher("stop", name)
            audit.install(system.databases)
            if options.bugs:
                return selftest.run(system, plan, folder)
            chosen = choose(options, plan)
            results = run_plan(system, chosen, seeds, folder)
            seconds = round(time.monotonic() - started)
            if options.json is not None:
                report.write_json(options.json, chosen, results, {"seeds": seeds, "seconds": seconds})
        finally:
            system.down()
    print(report.text(chosen, results))
    failed = [r for r in results if r.violations]
    print(f"{len(results)} runs, {len(failed)} failed, {seconds} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
