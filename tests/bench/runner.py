"""Runs the scenarios; prints, writes and plots what they found."""

import dataclasses
import os
import platform
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path

import psycopg

from launcher import terminal
from launcher.layout import LauncherError, write_json
from support.waits import TookTooLong

from . import plots
from .rig import FULL, QUICK, Rig
from .scenarios import SCENARIOS

BAR_WIDTH = 24
QUICK_SECONDS = 200  # after so many --quick makes do with one round
HEADINGS = ["", "median", "unit", "range", "bar", ""]


class Steps:
    """The bar that shows where the bench is."""

    def __init__(self, progress, total):
        self._progress = progress
        self._total = total
        self._done = 0

    def begin(self):
        self._progress.begin("bench", "")

    def __call__(self, text):
        """The next step begins."""
        part = min(1.0, self._done / self._total)
        filled = round(part * BAR_WIDTH)
        bar = "#" * filled + "-" * (BAR_WIDTH - filled)
        self._progress.update("bench", f"[{bar}] {part * 100:3.0f} % {text},")
        self._done += 1


def run(layout, system, progress, options):
    """Runs the scenarios that were asked for; 0 when all of them ran and lost nothing."""
    plan = QUICK if options.quick else FULL
    chosen = [scenario for scenario in SCENARIOS if not options.only or scenario.NAME in options.only]
    steps = Steps(progress, sum(scenario.steps(plan) for scenario in chosen))
    steps.begin()
    report = {"machine": machine(), "versions": versions(layout, system), "quick": plan.quick, "scenarios": {}}
    results = {}
    failed = False
    started = time.monotonic()
    with Rig(layout, system, plan, steps) as rig:
        for scenario in chosen:
            began = time.monotonic()
            if plan.quick and rig.plan.rounds > 1 and began - options.started > QUICK_SECONDS:
                rig.plan = dataclasses.replace(plan, rounds=1)
                progress.note(f"  {QUICK_SECONDS} s are over: one round from here on")
            try:
                results[scenario.NAME] = scenario.run(rig)
            except (TimeoutError, TookTooLong, LauncherError, subprocess.CalledProcessError, psycopg.Error) as error:
                progress.note(terminal.paint(f"{scenario.NAME} failed: {describe(error)}", "red"))
                failed = True
                break
            took = time.monotonic() - began
            report["scenarios"][scenario.NAME] = {**results[scenario.NAME].as_json(), "seconds": round(took, 1)}
            show(progress, scenario, results[scenario.NAME], took)
    report["seconds"] = round(time.monotonic() - started, 1)
    write(layout, options, report, results, progress)
    return 1 if failed or not all(result.exact() for result in results.values()) else 0


def describe(error):
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]}: {(error.stderr or error.output or '').strip()[-600:]}"
    return "".join(traceback.format_exception_only(error)).strip()


def show(progress, scenario, result, took):
    """The scenario's part of the table."""
    progress.note("")
    progress.note(terminal.paint(f"{scenario.TITLE} ({took:.0f} s)", "bold"))
    rows = [figure.row() for figure in result.figures]
    widths = [max(len(row[i]) for row in [HEADINGS, *rows]) for i in range(len(HEADINGS))]
    for row in [HEADINGS, *rows]:
        cells = [cell.rjust(width) if i in (1, 3) else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        verdict = {"met": "green", "falls short": "red"}.get(row[-1])
        cells[-1] = terminal.paint(cells[-1], verdict) if verdict else cells[-1]
        progress.note("  " + "  ".join(cells).rstrip())
    for check in result.checks:
        progress.note(f"  {'exact' if check.holds else terminal.paint('NOT EXACT', 'red')}: {check.text}")
    for note in result.notes:
        progress.note(f"  {note}")


def write(layout, options, report, results, progress):
    if options.json:
        write_json(Path(options.json).resolve(), report)
        os.chmod(options.json, 0o644)
        progress.note(f"\n  figures: {options.json}")
    folder = Path(options.plots).resolve()
    written = plots.write_all(folder, results, caption_of(report))
    progress.note(f"  {len(written)} plots: {folder}")
    met = [figure for result in results.values() for figure in result.figures if figure.bar is not None]
    short = [figure for figure in met if figure.verdict != "met"]
    progress.note(f"  {len(met) - len(short)} of {len(met)} bars met in {report['seconds']:.0f} s")


def caption_of(report):
    """What stands below each plot: without it a figure means nothing."""
    box, about = report["machine"], report["versions"]
    postgresql = about["postgresql"].removeprefix("psql (PostgreSQL) ").partition(" ")[0]
    commit, _, changes = about["commit"].partition(" ")
    return (
        f"{box['cpu']}, {box['cores']} cores; PostgreSQL {postgresql}, RabbitMQ {about['rabbitmq']};"
        f" {commit[:12]} {changes}".rstrip()
    )


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": int(memory[1]) // 1024,
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
    }


def versions(layout, system):
    def first_line(*command):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=layout.root)
        except OSError:
            return "unknown"
        return (done.stdout or done.stderr).partition("\n")[0].strip()

    changed = first_line("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": first_line("git", "rev-parse", "HEAD") + (" and changes" if changed else ""),
        "compiler": first_line("gcc", "--version"),
        "postgresql": first_line("psql", "--version"),
        "rabbitmq": first_line("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"),
        "wrk": first_line("dpkg-query", "-W", "-f", "${Version}", "wrk"),
        "python": sys.version.partition(" ")[0],
    }


