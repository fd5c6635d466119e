"""./cartwheel test: the suites, one after the other, and a table of what became of them."""

import os
import subprocess
import sys
import time

from . import terminal
from .build import build
from .layout import LauncherError

PYTHON = "/usr/bin/python3"
SANITIZER_SETUP = ("-Db_sanitize=address,undefined", "-Db_lundef=false")
NOT_BY_DEFAULT = ("sanitized_saga",)  # long; run it by its name


class Suites:
    """Runs suites; each method named run_<suite> returns None when it passed, else why it failed."""

    def __init__(self, layout, pytest_arguments, verbose):
        self._layout = layout
        self._pytest_arguments = pytest_arguments
        self._verbose = verbose

    def run_style(self):
        """The style checks, then a second compiler with its own warnings as errors."""
        script = self._layout.root / "tests" / "style" / "check.sh"
        problem = None if self._call([str(script)]) == 0 else "tests/style/check.sh failed"
        self._build(self._layout.root / "build-clang", ("-Dwerror=true",), {"CC": "clang"}, "clang build")
        return problem

    def run_unit(self):
        self._build(self._layout.build, (), {}, "build")
        return self._meson_test(self._layout.build, {})

    def run_integration(self):
        return self._pytest("integration", {})

    def run_saga(self):
        return self._pytest("saga", {})

    def run_sanitizers(self):
        """Unit and integration tests on an ASan and UBSan build."""
        return self._sanitized("integration", with_unit_tests=True)

    def run_sanitized_saga(self):
        """The saga on the same build: LeakSanitizer looks at each process that ends."""
        return self._sanitized("saga", with_unit_tests=False)

    def _sanitized(self, folder, with_unit_tests):
        """Any report fails, whichever process wrote it."""
        directory = self._layout.root / "build-asan"
        reports = self._layout.home / "sanitizers" / time.strftime("%Y%m%d-%H%M%S")
        reports.mkdir(parents=True)
        reports.chmod(0o700)
        environ = _sanitizer_environ(reports, directory)
        self._build(directory, SANITIZER_SETUP, {}, "sanitizer build")
        problems = [self._meson_test(directory, environ)] if with_unit_tests else []
        problems.append(self._pytest(folder, environ))
        found = sorted(reports.iterdir())
        for report in found:
            terminal.say(f"--- {report}")
            terminal.say(report.read_text(encoding="utf-8", errors="replace"))
        if found:
            problems.append(f"{len(found)} sanitizer reports in {reports}")
        else:
            reports.rmdir()
        return "; ".join(problem for problem in problems if problem) or None

    def _build(self, directory, setup, environ, name):
        with terminal.Progress() as progress:
            build(self._layout, progress, self._verbose, directory, setup, environ, name)

    def _meson_test(self, directory, environ):
        command = ["meson", "test", "-C", str(directory), "--no-rebuild", "--print-errorlogs"]
        return None if self._call(command, environ) == 0 else "unit tests failed"

    def _pytest(self, folder, environ):
        place = self._layout.root / "tests" / folder
        if not place.is_dir():
            return f"there is no tests/{folder}"
        command = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", str(place), *self._pytest_arguments]
        return None if self._call(command, environ) == 0 else f"{folder} tests failed"

    def _call(self, command, environ=None):
        """Runs a command with its output shown; local addresses never go through a proxy."""
        terminal.say(terminal.paint("$ " + " ".join(command), "dim"))
        local = "127.0.0.1,localhost"
        environ = {
            **os.environ,
            "NO_PROXY": local,
            "no_proxy": local,
            "G_DEBUG": "fatal-criticals",
            "PATH": "/usr/local/bin:/usr/bin:/bin:" + os.environ.get("PATH", ""),
            **(environ or {}),
        }
        child = subprocess.Popen(command, cwd=self._layout.root, env=environ, stdin=subprocess.DEVNULL)
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            raise


NAMES = tuple(name.removeprefix("run_") for name in vars(Suites) if name.startswith("run_"))


def _sanitizer_environ(reports, directory):
    """Halts at the first error and writes reports to files: the processes have no terminal."""
    common = f"halt_on_error=1:log_path={reports}/report:log_exe_name=1"
    return {
        "CARTWHEEL_BUILD": str(directory),
        "CARTWHEEL_SANITIZERS": "address,undefined",
        "ASAN_OPTIONS": f"{common}:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": f"{common}:print_stacktrace=1",
        "G_SLICE": "always-malloc",
    }


def run(layout, options):
    """The command; exit code 0 when every suite passed."""
    names, pytest_arguments = _split(options.suites)
    for name in names:
        if name not in NAMES:
            raise LauncherError(f"there is no suite {name}; there are {', '.join(NAMES)}")
    suites = Suites(layout, pytest_arguments, options.verbose)
    rows = []
    failed = 0
    for name in names or [name for name in NAMES if name not in NOT_BY_DEFAULT]:
        terminal.say(terminal.paint(f"=== {name}", "bold"))
        started = time.monotonic()
        try:
            problem = getattr(suites, f"run_{name}")()
        except LauncherError as error:
            print(error, file=sys.stderr)
            problem = str(error).partition("\n")[0]
        failed += problem is not None
        rows.append([name, "failed" if problem else "passed", f"{time.monotonic() - started:.1f} s", problem or ""])
    terminal.say()
    terminal.table(["suite", "result", "took", ""], rows)
    terminal.say(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _split(words):
    """Suite names, and what stood behind --: argparse hands over both in one list."""
    position = sys.argv.index("--") if "--" in sys.argv else None
    if position is None:
        return words, []
    passed_on = sys.argv[position + 1 :]
    return words[: len(words) - len(passed_on)], passed_on
