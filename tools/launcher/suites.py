"""./cartwheel test: the suites, one after the other, and a table of what became of them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from . import debian, fuzz, given, release, terminal
from .accounts import NOBODY, Account
from .beside import Beside
from .build import build
from .layout import LauncherError
from .usage import UsageError, nearest

PYTHON = sys.executable
STRICT = "-Dwerror=true"  # in every build but the user's own, whose compiler may know more warnings than ours
SANITIZER_SETUP = (STRICT, "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dfault_points=true")
FAULTS_SETUP = (STRICT, "-Dfault_points=true", "-Dtests=false")
THREADS_SETUP = (STRICT, "-Db_sanitize=thread", "-Db_lundef=false", "-Dfault_points=true", "-Dtests=false")
INSTRUMENTED = {  # folder: its options, and what it is called
    "build-asan": (SANITIZER_SETUP, "sanitizer build"),
    "build-tsan": (THREADS_SETUP, "thread sanitizer build"),
    "build-faults": (FAULTS_SETUP, "build with fault points"),
}
# gcc warns of some things only where it optimizes; of the tests it compiles in the sanitizer build. clang warns before.
COMPILERS = {"gcc": (STRICT, "-Dtests=false"), "clang": (STRICT, "-Doptimization=0")}
A_THIRD = "1,2,2b,3,4,5,6,9,13,14,20,21,23,24,35"  # of the fault plan's rows, for the slow sanitizer builds
ASAN_SEED, TSAN_SEED = "2", "3"
# What a run without names has: in less than a quarter of an hour. --all has the second line too, and one seed of the
# fault plan on each of its three builds.
BY_DEFAULT = ("style", "unit", "model", "properties", "integration", "saga", "costs", "sanitizers")
ALL = (*BY_DEFAULT, "sanitized_integration", "sanitized_saga", "threads", "faults", "sanitized_faults",
       "manifests", "monitoring", "documents", "oidc", "guide", "upgrade", "release", "short_swap", "short_soak", "fuzz")
PROCESSORS = min(os.cpu_count() or 1, 4)
# From the first of these on, suites mostly wait; beside them those builds are made that later ones begin with, and
# suites run that time nothing.
FIRST_TO_WAIT = "integration"
BUILT_FOR = {"sanitizers": "build-asan", "threads": "build-tsan", "faults": "build-faults"}
BESIDE = ("manifests", "monitoring", "documents", "oidc", "guide", "upgrade", "release")
# Each worker has a system of its own; tests of systems wait half of their time.
SHARED_OUT = ("-n", str(min(PROCESSORS + 1, 4)), "--dist", "loadfile")
SIDE_BY_SIDE = ("-n", str(PROCESSORS), "--dist", "loadgroup")  # those of a group share a worker, and its system
FUZZ_SECONDS, SHORT_FUZZ_SECONDS = 30, 15  # a target; the second beside all the other suites


class Suites:
    """Runs suites; each method named run_<suite> returns None when it passed, else why it failed."""

    def __init__(self, layout, pytest_arguments, options):
        self._layout = layout
        self._pytest_arguments = pytest_arguments
        self._options = options
        self._verbose = options.verbose

    def run_style(self):
        """The style checks, then both compilers with their own warnings as errors."""
        script = self._layout.root / "tests" / "style" / "check.sh"
        problem = None if self._call([str(script)]) == 0 else "tests/style/check.sh failed"
        for compiler, setup in COMPILERS.items():
            self._build(self._layout.root / f"build-{compiler}", setup, {"CC": compiler}, f"{compiler} build")
        return problem

    def run_unit(self):
        self._build(self._layout.build, (), {}, "build")
        return self._meson_test(self._layout.build, {})

    def run_model(self):
        """The saga as a Promela model, with spin."""
        return self._pytest("model", {}, SIDE_BY_SIDE)

    def run_properties(self):
        """Random sequences of events over the use cases, and the same against the SQL."""
        self._build(self._layout.build, (), {}, "build")
        return self._pytest("properties", {}, SIDE_BY_SIDE)

    def run_integration(self):
        return self._pytest("integration", {}, SHARED_OUT)

    def run_saga(self):
        return self._pytest("saga", {}, SHARED_OUT)

    def run_faults(self):
        """The fault plan, on a build that has fault points."""
        directory = self._instrumented("build-faults")
        return self._faults({"CARTWHEEL_BUILD": str(directory)}, _fault_arguments(self._options))

    def run_costs(self):
        """Instructions of the hottest paths, against their budget: they do not depend on what runs beside them."""
        return self._pytest("costs", {}, SIDE_BY_SIDE)

    def run_manifests(self):
        """The Kubernetes manifests, rendered: schemas, policies, and the settings that our binaries know."""
        self._build(self._layout.build, (), {}, "build")
        return self._pytest("manifests", {"CARTWHEEL_BUILD": str(self._layout.build)})

    def run_monitoring(self):
        """The rules for Prometheus and the dashboards; then a Prometheus looks at a system, which has what they name."""
        self._build(self._layout.build, (), {}, "build")
        return self._pytest("monitoring", {})

    def run_alerts(self):
        """What ./cartwheel break makes is told by the alerts, which look at seconds here, until it is mended."""
        self._build(self._layout.build, (), {}, "build")
        return self._pytest("alerts", {})

    def run_drill(self):
        """The drill of docs/runbooks/drill.md: an operator, a faulty build, dead letters, and how all comes right."""
        self._build(self._layout.build, (), {}, "build")
        return self._pytest("drill", {}, ("-n", "0", "-s"))

    def run_documents(self):
        """docs/api and docs/events: lint, what they promised before, and the page that is made of them."""
        return self._pytest("documents", {})

    def run_oidc(self):
        """Tokens of somebody else's provider, whose keys change and who goes away."""
        self._build(self._layout.build, (), {}, "build")
        return self._pytest("oidc", {})

    def run_upgrade(self):
        """The former version's programs, built from the history, beside this one's on the same servers."""
        self._build(self._layout.build, (), {}, "build")
        return self._pytest("upgrade", {}, ("-n", "0", "-s"))

    def run_guide(self):
        """The page on adding a service, followed to the letter in a copy of the checkout."""
        return self._pytest("guide", {})

    def run_sanitizers(self):
        """Unit tests on an ASan and UBSan build."""
        return self._sanitized(lambda environ: self._meson_test(self._layout.root / "build-asan", _after_return(environ)))

    def run_sanitized_integration(self):
        """Integration tests on the same build."""
        return self._sanitized(lambda environ: self._pytest("integration", environ, SHARED_OUT))

    def run_sanitized_saga(self):
        """The saga on the same build: LeakSanitizer looks at each process that ends."""
        return self._sanitized(lambda environ: self._pytest("saga", environ, SHARED_OUT))

    def run_fuzz(self):
        """Every fuzz target, or those of --target, for --seconds each."""
        return self._fuzzers().run(self._options.target, self._verbose)

    def _fuzzers(self):
        seconds = self._options.seconds or (SHORT_FUZZ_SECONDS if self._options.all else FUZZ_SECONDS)
        return fuzz.Fuzzers(self._layout, seconds)

    def run_soak(self):
        """An hour of abuse beside orders."""
        return self._pytest("soak", {}, ("-n", "0", "-s"))

    def run_short_soak(self):
        """A minute of it."""
        return self._pytest("soak", {"CARTWHEEL_SOAK_SECONDS": "60"}, ("-n", "0", "-s"))

    def run_swap(self):
        """Whole orders through every mix of our services and stand-ins for those that they replace."""
        return self._pytest("swap", {}, SHARED_OUT)

    def run_short_swap(self):
        """The same with a few orders each."""
        return self._pytest("swap", {"CARTWHEEL_SWAP_ORDERS": "36"}, SHARED_OUT)

    def run_containers(self):
        """The images, and the saga in containers; with the servers of a release of Debian."""
        chosen = self._options.releases
        return self._pytest("containers", {"CARTWHEEL_TEST_RELEASE": chosen[0]} if chosen else {})

    def run_release(self):
        """The README's two commands on a bare Debian: on the releases named, or on the one that this is not.

        --all runs the unit tests alone in it: every suite has had its turn on this machine.
        """
        steps = ("demo", "test unit") if self._options.all else ("demo", "test")
        for name in self._options.releases or release.others():
            problem = release.Release(self._layout, name, self._call).run(steps)
            if problem:
                return problem
        return None

    def run_sanitized_faults(self):
        """A third of the fault plan on the ASan and UBSan build."""
        return self._sanitized(lambda environ: self._a_third(environ, ASAN_SEED))

    def run_threads(self):
        """The saga and a third of the fault plan under ThreadSanitizer."""
        return self._watched(
            _threads_environ,
            self._instrumented("build-tsan"),
            lambda environ: [self._pytest("saga", environ, SHARED_OUT), self._a_third(environ, TSAN_SEED)],
        )

    def _a_third(self, environ, seed):
        return self._faults(environ, ["--only", A_THIRD, "--seed", seed])

    def _faults(self, environ, arguments):
        command = [PYTHON, "-u", "-m", "faults", *arguments]
        folders = (self._layout.root / name for name in ("tests", "tools"))
        environ = {"PYTHONPATH": ":".join(map(str, folders)), **environ}
        return None if self._call(command, environ) == 0 else "the fault plan failed"

    def _sanitized(self, *steps):
        directory = self._instrumented("build-asan")
        return self._watched(_sanitizer_environ, directory, lambda environ: [step(environ) for step in steps])

    def works_beside(self, names):
        """{what: function that does it} for Beside, of a run of the suites @names."""
        works = {folder: partial(self._instrument, folder) for suite, folder in BUILT_FOR.items() if suite in names}
        if "fuzz" in names:
            works["build-fuzz"] = self._build_fuzzers
        return {**works, **{name: getattr(self, f"run_{name}") for name in BESIDE if name in names}}

    def _build_fuzzers(self):
        with terminal.Progress() as progress:
            self._fuzzers().build(progress, self._verbose)

    def _instrument(self, folder):
        setup, name = INSTRUMENTED[folder]
        self._build(self._layout.root / folder, setup, {}, name)

    def _instrumented(self, folder):
        """Where it is, once it is built."""
        self._instrument(folder)
        return self._layout.root / folder

    def _watched(self, make_environ, directory, steps):
        """Any report fails, whichever process wrote it."""
        reports = self._layout.home / "sanitizers" / time.strftime("%Y%m%d-%H%M%S")
        reports.mkdir(parents=True)
        Account(NOBODY).own(reports)  # who writes them
        problems = steps(make_environ(reports, directory))
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

    def _pytest(self, folder, environ, more=()):
        place = self._layout.root / "tests" / folder
        if not place.is_dir():
            return f"there is no tests/{folder}"
        command = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", str(place), *more, *self._pytest_arguments]
        return None if self._call(command, environ) == 0 else f"{folder} tests failed"

    def _call(self, command, environ=None, end_signal=signal.SIGINT):
        """Runs a command with its output shown; local addresses never go through a proxy.

        An interruption of ours reaches it as @end_signal, and is over when it has ended."""
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
        given.forget(environ)
        # In a session of its own: a Ctrl-C comes from us alone, once, and what it started is stopped in peace.
        child = subprocess.Popen(
            command, cwd=self._layout.root, env=environ, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(end_signal)
            child.wait()
            raise


NAMES = tuple(name.removeprefix("run_") for name in vars(Suites) if name.startswith("run_"))


def _sanitizer_environ(reports, directory):
    """Halts at the first error and writes reports to files: the processes have no terminal."""
    common = f"halt_on_error=1:log_path={reports}/report:log_exe_name=1"
    return {
        "CARTWHEEL_BUILD": str(directory),
        "CARTWHEEL_SANITIZERS": "address,undefined",
        "ASAN_OPTIONS": f"{common}:detect_leaks=1:strict_string_checks=1",
        "UBSAN_OPTIONS": f"{common}:print_stacktrace=1",
        "G_SLICE": "always-malloc",
    }


def _after_return(environ):
    """With a look at stacks that functions have left. Not for processes that are stopped while they start: their threads
    end while others begin, and then libasan of gcc 12 takes stacks away that are in use."""
    return {**environ, "ASAN_OPTIONS": f"{environ['ASAN_OPTIONS']}:detect_stack_use_after_return=1"}


def _threads_environ(reports, directory):
    """Goes on after a report: one race must not hide the next. Who is told twice to stop leaves without joining."""
    suppressions = Path(__file__).resolve().parents[2] / "tests" / "threads.supp"
    return {
        "CARTWHEEL_BUILD": str(directory),
        "CARTWHEEL_SANITIZERS": "thread",
        "TSAN_OPTIONS": f"log_path={reports}/report:log_exe_name=1:report_thread_leaks=0:suppressions={suppressions}",
        "G_SLICE": "always-malloc",
    }


def check(options):
    """Whether the command is asked for rightly; takes apart the words that argparse hands over in one list."""
    names, options.pytest_arguments = _split(options.suites)
    options.names, options.releases = _take_releases(names)
    if options.names and options.all:
        raise UsageError("--all is for a run without names of suites")
    for name in options.names:
        if name not in NAMES:
            raise UsageError(f"there is no suite {name}{nearest(name, NAMES)}")


def run(layout, options):
    """The command; exit code 0 when every suite passed."""
    if options.all:
        options.seeds = options.seeds or "1"
    suites = Suites(layout, options.pytest_arguments, options)
    names = options.names or (ALL if options.all else BY_DEFAULT)
    rows = []
    with contextlib.ExitStack() as stack:
        beside = None
        for name in names:
            terminal.say(terminal.paint(f"=== {name}", "bold"))
            if name == FIRST_TO_WAIT and not options.names:
                layout.prepare()
                works = {what: partial(_problem, work) for what, work in suites.works_beside(names).items()}
                beside = stack.enter_context(contextlib.closing(Beside(layout.home / "beside", works)))
            if beside is not None and name in BESIDE:
                problem, seconds = beside.result(name)
            else:
                started = time.monotonic()
                problem, seconds = _problem(getattr(suites, f"run_{name}")), time.monotonic() - started
            rows.append([name, "failed" if problem else "passed", f"{seconds:.1f} s", problem or ""])
    failed = sum(result == "failed" for _, result, _, _ in rows)
    terminal.say()
    terminal.table(["suite", "result", "took", ""], rows)
    terminal.say(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _problem(suite):
    """None when it passed, else why it failed."""
    try:
        return suite()
    except LauncherError as error:
        print(error, file=sys.stderr)
        return str(error).partition("\n")[0]


def _take_releases(names):
    """The names of suites without the releases of Debian that are for "release" and "containers", and those."""
    releases = [name for name in names if name in debian.CODENAMES]
    if releases and not {"release", "containers"}.intersection(names):
        raise UsageError(f"{releases[0]} is a release of Debian: ./cartwheel test release {releases[0]}")
    return [name for name in names if name not in releases], releases


def add_fault_arguments(command):
    """The fault plan's own options; tests/faults reads them."""
    command.add_argument("--seeds", metavar="N", help="faults: seeds 1 to N for each row (default 3)")
    command.add_argument("--seed", metavar="SEED", help="faults: this seed alone")
    command.add_argument("--only", metavar="ROW", help="faults: these rows alone, separated by commas")
    command.add_argument("--jobs", metavar="N", help="faults: so many runs side by side (default 2)")
    command.add_argument("--json", metavar="FILE", help="faults: the report as JSON")
    command.add_argument("--whole", action="store_true", help="faults: every row, not only the quick ones")
    command.add_argument("--bugs", action="store_true", help="faults: build each known bug in, all must be caught")


def _fault_arguments(options):
    given = {name: getattr(options, name) for name in ("seeds", "seed", "only", "jobs", "json")}
    words = [word for name, value in given.items() if value is not None for word in (f"--{name}", value)]
    return [*words, *(f"--{name}" for name in ("whole", "bugs") if getattr(options, name))]


def _split(words):
    """Suite names, and what stood behind --: argparse hands over both in one list."""
    position = sys.argv.index("--") if "--" in sys.argv else None
    if position is None:
        return words, []
    passed_on = sys.argv[position + 1 :]
    return words[: len(words) - len(passed_on)], passed_on
