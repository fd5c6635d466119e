"""./cartwheel test fuzz: every target of tests/fuzz for a while, two at a time, and a table of what they saw.

What a target learns is kept in <home>/fuzz/<target>/corpus and is where its next run begins; an input
that broke something is in <home>/fuzz/<target>/ and is shown with the command that runs it again.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import accounts, terminal
from .build import build
from .layout import ROOT, Layout
from .system import System

AT_ONCE = 2
SETUP = ("-Dwerror=true", "-Dfuzzers=true", "-Dtests=false", "-Db_sanitize=address,undefined", "-Db_lundef=false")
GRACE_SECONDS = 120  # to read the corpus at the start, and to write a report at the end
LIMITS = ("-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=64")
REPORT_LINES = 60
FINDING = re.compile(r"(?:crash|leak|timeout|oom)-[0-9a-f]{40}$")
PROGRESS = re.compile(r"^#\d+\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/", re.MULTILINE)
EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s+(\d+)", re.MULTILINE)


def targets():
    """The names of all targets."""
    return sorted(path.stem.removesuffix("_fuzz") for path in (ROOT / "tests" / "fuzz").glob("*_fuzz.c"))


class Fuzzers:
    """One run of the targets. Its threads each wait for one process at a time."""

    def __init__(self, layout, seconds):
        self._layout = layout
        self._seconds = seconds
        self._seeds = layout.root / "tests" / "fuzz"
        self._build = layout.root / "build-fuzz"
        self._state = layout.home / "fuzz"
        self._stopped = threading.Event()
        self._environ = {}

    def build(self, progress, verbose):
        build(self._layout, progress, verbose, self._build, SETUP, {"CC": "clang"}, "fuzz build")

    def run(self, names, verbose):
        """None when no target found anything, else a line that says which did."""
        self._layout.prepare()
        self._state.mkdir(exist_ok=True)
        with terminal.Progress() as progress:
            self.build(progress, verbose)
            names = names or targets()
            with _database(self._layout, progress) as url:
                self._environ = _environ(url)
                rows = self._run_all(names, progress)
            if "json" in names:
                rows.append(self._ask_python(progress))
        terminal.table(["target", "executions", "coverage", "inputs kept", "result"], [row[:-1] for row in rows])
        for *_, report in rows:
            if report:
                terminal.say(report)
        found = [row[0] for row in rows if row[-1]]
        return f"{', '.join(found)} found something, or did not run" if found else None

    def _run_all(self, names, progress):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            runs = [pool.submit(self._run_one, name, progress) for name in names]
            try:
                return [run.result() for run in runs]
            except BaseException:
                self._stopped.set()
                raise

    def _run_one(self, name, progress):
        """A row of the table, and the report of a failure or ""."""
        if self._stopped.is_set():
            return [name, "", "", "", "not run", ""]
        progress.begin(name, f"fuzzing for {self._seconds} s")
        folder = self._state / name
        corpus = folder / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        log = folder / "log"
        code = self._call(self._command(name, folder, corpus), log)
        output = log.read_text(encoding="utf-8", errors="replace")
        steps = PROGRESS.findall(output)
        executions = EXECUTIONS.search(output)
        coverage = f"{steps[0][0]} to {steps[-1][0]}" if steps else "-"
        kept = steps[-1][2] if steps else "-"
        progress.done(name, "clean" if code == 0 else "FAILED", "green" if code == 0 else "red")
        report = "" if code == 0 else self._report(name, folder, log, output, code)
        row = [name, executions[1] if executions else "-", coverage, kept, "clean" if code == 0 else "failed"]
        return [*row, report]

    def _command(self, name, folder, corpus):
        """The first folder is read and written, the seeds are only read."""
        command = [str(self._build / "tests" / "fuzz" / f"fuzz-{name}"), *LIMITS]
        command += [f"-max_total_time={self._seconds}", "-print_final_stats=1", f"-artifact_prefix={folder}/"]
        words = self._seeds / "dictionaries" / f"{name}.dict"
        if words.exists():
            command.append(f"-dict={words}")
        return [*command, str(corpus), str(self._seeds / "corpus" / name)]

    def _call(self, command, log):
        with open(log, "wb") as file:
            child = subprocess.Popen(
                command, env=self._environ, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )
            left = self._seconds + GRACE_SECONDS
            while True:
                try:
                    return child.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    left -= 0.2
                if self._stopped.is_set() or left <= 0:
                    child.kill()
                    return child.wait()

    def _ask_python(self, progress):
        """A row about the documents that the JSON target has kept: a third opinion on each."""
        name = "json, by Python"
        progress.begin(name, "comparing")
        program = self._build / "tests" / "fuzz" / "json-canonical"
        command = [sys.executable, str(self._seeds / "json_peer.py"), str(program)]
        command += [str(self._state / "json" / "corpus"), str(self._seeds / "corpus" / "json")]
        done = subprocess.run(
            command, env=self._environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False,
        )  # fmt: skip
        clean = done.returncode == 0
        progress.done(name, done.stdout.strip() if clean else "FAILED", "green" if clean else "red")
        report = "" if clean else f"--- {name}: {' '.join(command)}\n{done.stdout}"
        return [name, done.stdout.split()[0] if clean else "-", "-", "-", "clean" if clean else "failed", report]

    def _report(self, name, folder, log, output, code):
        findings = [path for path in folder.iterdir() if FINDING.match(path.name)]
        newest = max(findings, key=lambda path: path.stat().st_mtime, default=None)
        lines = [f"--- {name}: exit code {code}; the end of {log}:"]
        lines += output.splitlines()[-REPORT_LINES:]
        if newest is not None:
            binary = self._build / "tests" / "fuzz" / f"fuzz-{name}"
            lines.append(f"--- once more: {binary} {newest}")
            lines.append(f"--- when it is fixed, keep the input as a seed in {self._seeds / 'corpus' / name}")
        return "\n".join(lines)


def _environ(url):
    """A sanitizer's report ends the process; addr2line comes with the compiler."""
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "G_DEBUG": "fatal-criticals",
        "G_SLICE": "always-malloc",
        "ASAN_OPTIONS": "allow_addr2line=1:detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "FUZZ_DATABASE_URL": url,
    }


@contextlib.contextmanager
def _database(layout, progress):
    """The address of a database on a server of our own, which is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="fuzz-server-", dir=layout.home))
    private = Layout({**os.environ, "CARTWHEEL_HOME": str(home)})
    system = System(private)
    try:
        system.start(progress, "postgres")
        yield system.postgres.service_url("order")
    finally:
        progress.restart()
        system.down(progress, ["postgres"])
        accounts.remove_data(private, system.settings)
        shutil.rmtree(home, ignore_errors=True)
