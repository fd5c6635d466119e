"""The commands of ./cartwheel."""

import argparse
import json
import os
import re
import signal
import sys
from pathlib import Path

from operators import announce, audit, controls, dlq, doctor, order_acts, orders, reconcile, reshape, stock_import

from . import accounts, bench, completion, demo, deployment, failures, fuzz, given, issuer, logs, processes, suites, terminal, trace
from .build import build
from .layout import Layout, LauncherError
from .postgres import connection_environ
from .services import APIS, SERVICES, WORKERS
from .system import NAMES, System, running_system
from .usage import Parser, UsageError, confirm, count, nearest, order_id, since
from .watch import Watch

USAGE = Path(__file__).with_name("usage.txt")
DEFAULT_LOG_LINES = 200
# What ./cartwheel url tells: {name: (member of endpoints.json, the process that must run)}.
ADDRESSES = {
    **{name: (name.replace("-", "_"), name) for name in APIS},
    **{f"{name}-admin": (f"{name.replace('-', '_')}_admin", name) for name in (*APIS, *WORKERS)},
    **{f"{service}-database": (f"{service}_database_url", "postgres") for service in SERVICES},
    "amqp": ("amqp_url", "rabbitmq"),
}
WITHOUT_BROKER = ("force_boot", "help", "version")  # what rabbitmqctl does while ours does not run
JUDGE = "--judge"  # before a command: only says whether it is asked for rightly; ./cartwheel does before it installs


def main(arguments):
    sys.stdout.reconfigure(errors="replace")
    _heed_signals()
    try:
        if arguments and arguments[0] in ("-h", "--help", "help"):
            terminal.say(USAGE.read_text(encoding="utf-8").rstrip())
            return 0
        only_judged = arguments[:1] == [JUDGE]
        options = _parser().parse_args(_protect_passed_on(arguments[only_judged:]))
        options.check(options)
        return 0 if only_judged else options.run(Layout(os.environ), options) or 0
    except UsageError as error:
        print(f"cartwheel: {error}", file=sys.stderr)
        return 2
    except LauncherError as error:
        print(f"cartwheel: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cartwheel: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        terminal.drop_output()
        return 0
    except PermissionError as error:
        print(f"cartwheel: this user may not use {error.filename}; run as the one it belongs to, or set CARTWHEEL_HOME "
              "and CARTWHEEL_BUILD to folders of your own", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cartwheel: {error}", file=sys.stderr)
        return 1


def _heed_signals():
    """Ctrl-C, SIGTERM and a closed terminal interrupt us once; what follows is the cleaning up,
    which has deadlines of its own and is not interrupted again."""
    heeded = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        heeded.append(signal.SIGHUP)

    def interrupt(number, frame):
        for other in heeded:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in heeded:
        signal.signal(number, interrupt)


def _trace(text):
    """For argparse's type: a trace id, or the traceparent that has it."""
    match = re.search(r"(?:^|-)([0-9a-f]{32})(?:$|-)", text.lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no trace id: 32 hexadecimal digits")
    return match[1]


def _protect_passed_on(arguments):
    """argparse must not read the options meant for psql and rabbitmqctl."""
    keep = {"psql": 2, "rabbitmqctl": 1}.get(arguments[0] if arguments else "", None)
    if keep is None or arguments[1:2] in (["-h"], ["--help"]) or len(arguments) <= keep:
        return arguments
    return [*arguments[:keep], "--", *arguments[keep:]]


def _parser():
    parser = Parser(prog="./cartwheel", usage="./cartwheel COMMAND [options]; see --help")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name, run, text, check=lambda options: None):
        command = commands.add_parser(name, description=text, prog=f"./cartwheel {name}")
        command.set_defaults(run=run, check=check)
        return command

    up = add("up", _up, "Build, start everything, show the logs until Ctrl-C stops it all.")
    up.add_argument("-d", "--detach", action="store_true", help="return and leave it running")
    up.add_argument("--observe", action="store_true", help="keep the spans of all orders, for ./cartwheel trace; Prometheus with our rules, and Alertmanager")
    up.add_argument("-v", "--verbose", action="store_true", help="show the compiler's output")
    add("down", _down, "Stop everything: our processes, the broker, the database.")
    command = add("status", _status, "What runs, what is ready, where.")
    command.add_argument("--json", action="store_true", help="as a JSON list")
    command = add("clean", _clean, "Stop everything and remove all data of the run.")
    command.add_argument("--yes", action="store_true", help="do not ask")
    add("install", lambda layout, options: 0, "Only install the packages that up, demo and test need.")  # by ./cartwheel
    command = add("build", _build, "Build only.")
    command.add_argument("-v", "--verbose", action="store_true", help="show the compiler's output")

    command = add("start", _start, "Start one process and wait until it is ready.")
    command.add_argument("name", choices=NAMES, metavar="NAME")
    command.add_argument("--no-wait", action="store_true", help="return without waiting until it is ready")
    command = add("stop", _stop, "Stop one process.")
    command.add_argument("name", choices=NAMES, metavar="NAME")
    command.add_argument("--kill", action="store_true", help="kill -9")
    command = add("restart", _restart, "Stop one process and start it again at the same address.")
    command.add_argument("name", choices=NAMES, metavar="NAME")
    command.add_argument("--kill", action="store_true", help="stop it by kill -9")
    command.add_argument("--no-wait", action="store_true", help="return without waiting until it is ready")

    failures.add_arguments(add("break", failures.run_break, "Makes one failure on purpose, on servers and processes of ours; "
                               "without NAME: which there are, and which are made."))
    failures.add_arguments(add("mend", failures.run_mend, "Ends a failure that break made; without NAME all of them."))
    command = add("logs", _logs, "The logs as readable text.")
    command.add_argument("names", nargs="*", metavar="NAME")
    command.words += NAMES
    command.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    command.add_argument("-n", "--lines", type=count, help=f"how many lines ({DEFAULT_LOG_LINES}; of a story all)")
    command.add_argument("--order", type=order_id, metavar="ID", help="the story of this order")
    command.add_argument("--trace", type=_trace, metavar="ID", help="the story of this trace")
    command.add_argument("--since", type=since, metavar="WHEN", help="since 90s, 30m, 2h, 7d ago, or a time (UTC)")
    command.add_argument("--level", choices=logs.LEVELS, help="of this level and above")
    command.add_argument("--raw", action="store_true", help="the lines as they were written")
    trace.add_arguments(add("trace", trace.run, "The spans of an order as a tree, with what they point to; of orders placed "
                            "since ./cartwheel up --observe."))
    command = add("url", _url, "The address of an API, an admin listener, a database or the broker, while it runs.")
    command.add_argument("name", choices=ADDRESSES, metavar="NAME")
    issuer.add_arguments(add("token", issuer.run, "An access token of our own issuer, for the APIs that up starts.",
                             issuer.check))
    add("completion", _completion, "A script for bash that completes commands: eval \"$(./cartwheel completion)\"")
    command = add("psql", _psql, "psql on a service's database.")
    command.add_argument("service", choices=(*SERVICES, "superuser"), metavar="SERVICE")
    command.add_argument("arguments", nargs="*")
    reconcile.add_arguments(add("reconcile", reconcile.run, "Compare orders, stock and notifications; read only. "
                                "Exit code 0: they agree, 1: they differ, 2: they could not be compared."))
    audit.add_arguments(add("audit", audit.run, "Recompute the chains of the audit logs; read only. Exit code 0: they are "
                            "whole, 1: they are not, 2: they could not be read."))
    doctor.add_arguments(add("doctor", doctor.run, "Whether a system, here or elsewhere, is as it has to be: its servers, processes "
                             "and settings; read only without --fix. What could not be asked is named. Exit code 0: nothing was "
                             "found, 1: warnings, 3: errors.", doctor.check))
    command = add("rabbitmqctl", _rabbitmqctl, "rabbitmqctl on our broker.")
    command.add_argument("arguments", nargs="*")

    deployment.add_arguments(add("services", deployment.run, "The services there are; whether the files that depend on "
                                 "their list are up to date (exit code 1: they are not)."))
    announce.add_arguments(add("announce", announce.run, "Send the last event of final orders again.",
                               announce.check))
    stock_import.add_arguments(add("import", stock_import.run, "Send quantities of products to the stock API, a file of any "
                                   "size in pieces. What was not answered is sent again; a second run changes nothing. Exit "
                                   "code 0: every line's quantity is on hand.", stock_import.check))
    orders.add_arguments(add("order", orders.run, "The story of an order, as all three services tell it, and how it stands; or an "
                             "act on it. Exit code 0: done, or it waits for what comes by itself; 1: late, stuck or refused.",
                             order_acts.check))
    orders.add_list_arguments(add("orders", orders.run_list, "Orders that somebody has to look at. Exit code 0: none, 1: some.",
                                  orders.check_list))
    dlq.add_arguments(add("dlq", dlq.run, "Look at dead letters, replay them, discard them.", dlq.check))
    controls.add_arguments(add("controls", controls.run, "What may be paused, and what is."))
    controls.add_pause_arguments(add("pause", controls.run_pause, "Pause a consumer, a sender or a relay on all copies; nothing is "
                                     "lost. It goes on by itself at --until, or by ./cartwheel resume."))
    controls.add_resume_arguments(add("resume", controls.run_resume, "Let go on what is paused."))
    reshape.add_arguments(add("reshape", reshape.run, "Make the queues of the contract anew in another shape, one service "
                              "after the other, while orders flow."))
    command = add("demo", demo.run, "Place real orders and watch them travel; stops what it started.")
    command.add_argument("--failures", action="store_true", help="three scenes more: what break makes, and that no order is lost")
    bench.add_arguments(add("bench", bench.run, "Measure a private system against the bars it must reach."))
    command = add("test", suites.run, "Run the test suites.", suites.check)
    command.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(suites.NAMES)}")
    command.words += suites.NAMES
    command.add_argument("--all", action="store_true", help="sanitized and fault suites, manifests and fuzz too")
    suites.add_fault_arguments(command)
    command.add_argument("-v", "--verbose", action="store_true", help="show the compiler's output")
    command.add_argument("--seconds", type=count, help="fuzz: how long each target runs")
    command.add_argument("--target", action="append", choices=fuzz.targets(), metavar="TARGET", help="fuzz: this target; repeatable")
    return parser


def _up(layout, options):
    before = System(layout)
    with layout.lock(terminal.say):
        given.decide(before.settings, os.environ, before.running())
        system = System(layout)
        if system.runs_whole() and (system.is_observed() or not options.observe):
            system.write_endpoints()
            terminal.say("Cartwheel is running already:")
            system.print_addresses()
            return 0
        terminal.say(f"Starting Cartwheel in {layout.home}")
        with terminal.Progress() as progress:
            system.up(progress, options.verbose, options.observe)
    terminal.say("Cartwheel is ready:")
    system.print_addresses()
    if options.detach:
        terminal.say("  it goes on running: ./cartwheel logs -f, status, down")
        return 0
    terminal.say("  Ctrl-C stops everything")
    return _follow_until_interrupted(layout, system)


def _follow_until_interrupted(layout, system):
    code = 0
    try:
        code = Watch(layout, system).run()
        if not system.running():
            return code
        terminal.say("Stopping the others")
    except KeyboardInterrupt:
        terminal.say()
        terminal.say("Stopping (what is in flight is finished first)")
    except BrokenPipeError:
        terminal.drop_output()
    with layout.lock(terminal.say), terminal.Progress() as progress:
        system.down(progress)
    return code


def _down(layout, options):
    if not layout.exists():
        terminal.say(f"nothing was ever started in {layout.home}")
        return 0
    system = System(layout)
    with layout.lock(terminal.say):
        if not system.running() and not system.beside():
            terminal.say("nothing runs")
        with terminal.Progress() as progress:
            system.down(progress)
            system.end_leftovers(progress)
    return 0


def _clean(layout, options):
    if not layout.exists():
        terminal.say(f"nothing to clean in {layout.home}")
        return 0
    confirm(f"All orders, logs and settings in {layout.home} are removed", options.yes)
    _down(layout, options)
    accounts.remove_data(layout, System(layout).settings)
    terminal.say(f"removed the data of {layout.home}")
    return 0


def _status(layout, options):
    if not layout.exists():
        if not options.json:
            terminal.say(f"nothing was ever started in {layout.home}")
        else:
            terminal.say("[]")
        return 1
    system = System(layout)
    found = [_state(system.component(name)) for name in (*NAMES, *system.beside())]
    if options.json:
        terminal.say(json.dumps(found, indent=2))
    else:
        rows = [[
            one["process"],
            str(one["pid"] or "-"),
            "up" if one["pid"] else "given" if one["given"] else "down",
            "-" if one["pid"] is None and not one["given"] else one["missing"] or _ready(one),
            one["address"],
            f"{one['resident_kib'] / 1024:.1f} MiB" if one["pid"] else "-",
        ] for one in found]  # fmt: skip
        terminal.table(["process", "pid", "state", "ready", "address", "resident"], rows)
    return 0 if all(one["ready"] for one in found) else 1


def _ready(one):
    return f"ready, paused: {', '.join(one['paused'])}" if one["paused"] else "ready"


def _state(component):
    """What can be said of a process; missing: what it waits for."""
    pid = component.pid()
    missing = component.probe() if component.runs() else None
    return {
        "process": component.name,
        "pid": pid,
        "ready": component.runs() and missing is None,
        "missing": missing,
        "paused": component.paused(),
        "given": pid is None and component.runs(),
        "address": component.address(),
        "admin_url": component.admin_url,
        "resident_kib": processes.resident_kib(pid) if pid is not None else 0,
    }


def _build(layout, options):
    with terminal.Progress() as progress:
        build(layout, progress, options.verbose)


def _start(layout, options):
    system = running_system(layout)
    with layout.lock(terminal.say), terminal.Progress() as progress:
        system.start(progress, options.name, not options.no_wait)


def _stop(layout, options):
    system = running_system(layout)
    with layout.lock(terminal.say), terminal.Progress() as progress:
        if not system.stop(progress, options.name, options.kill):
            progress.note(f"{options.name} does not run")


def _restart(layout, options):
    system = running_system(layout)
    with layout.lock(terminal.say), terminal.Progress() as progress:
        system.stop(progress, options.name, options.kill)
        system.start(progress, options.name, not options.no_wait)


def _logs(layout, options):
    known = sorted(path.stem for path in layout.logs.glob("*.log")) if layout.exists() else []
    for name in options.names:
        if name not in known and name not in NAMES:
            raise UsageError(f"there is no log {name}{nearest(name, [*NAMES, *known])}")
    if not layout.exists():
        raise LauncherError("nothing was started yet; ./cartwheel up does it")
    names = options.names or [name for name in NAMES if name not in logs.SERVERS]
    selection = logs.Selection(options.order, options.trace, options.since, options.level)
    selection.learn(layout)
    follower = logs.Follower(layout, names, options.raw, selection=selection)
    lines = options.lines or (None if selection.is_story else DEFAULT_LOG_LINES)
    shown = logs.print_last(layout, names, lines, options.raw, selection)
    if options.follow:
        try:
            follower.run(lambda: False)
        except KeyboardInterrupt:
            pass
    elif shown == 0 and not selection.is_all:
        raise LauncherError("no line of these logs is of that kind")


def _url(layout, options):
    member, process = ADDRESSES[options.name]
    running_system(layout, process)
    terminal.say(layout.endpoints()[member])


def _completion(layout, options):
    terminal.say(completion.script(_parser()))


def _psql(layout, options):
    system = running_system(layout, "postgres")
    if options.service != "superuser":
        url = system.database_url(options.service)
    elif system.component("postgres") is system.postgres:
        url = system.postgres.superuser_url()
    else:
        raise LauncherError("the databases are given: nobody told us of their superuser")
    os.execve("/usr/bin/psql", ["psql", *options.arguments], {**os.environ, **connection_environ(url)})


def _rabbitmqctl(layout, options):
    needed = () if options.arguments[:1] and options.arguments[0] in WITHOUT_BROKER else ("rabbitmq",)
    system = running_system(layout, *needed)
    if system.component("rabbitmq") is not system.rabbitmq:
        raise LauncherError("the broker is given: use the rabbitmqctl of the machine that it is on")
    return system.rabbitmq.control(options.arguments)
