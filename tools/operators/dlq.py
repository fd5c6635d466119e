"""./cartwheel dlq: dead letters during an incident: look at them, replay them, discard them."""

import argparse
import getpass
import json
import os
import socket
from pathlib import Path

from launcher import catalogue, terminal, web
from launcher.layout import LauncherError
from launcher.services import SERVICES
from launcher.system import running_system
from launcher.usage import UsageError, confirm, count, nearest, since

from . import failures, letters, replays
from .dead_letters import DeadLetterAdmin, Pace, clean, complain

DEFAULT_RATE = 10
DEFAULT_LIMIT = 50
MAX_RATE = 10000
REASON_SHOWN = 80
STATES = ("waiting", "replayed", "discarded", "all")
DONE = {"replay": "replayed", "discard": "discarded"}


def add_arguments(command):
    acts = command.add_subparsers(metavar="ACT", required=True, dest="act")

    def add(name, text):
        act = acts.add_parser(name, description=text, prog=f"./cartwheel dlq {name}")
        act.add_argument("--service", choices=SERVICES, metavar="SERVICE", help="this service's alone")
        act.add_argument("--url", help="the admin address of a worker, in place of those that run here")
        act.add_argument("--json", action="store_true", help="one JSON object a line")
        return act

    listing = add("list", "What lies there, oldest first.")
    _add_filters(listing)
    listing.add_argument("--state", choices=STATES, default="waiting", help=f"{', '.join(STATES)}; waiting")
    listing.add_argument("-n", "--limit", type=count, default=DEFAULT_LIMIT, help=f"of each service; {DEFAULT_LIMIT}")
    show = add("show", "One letter with its body, and whether it can be replayed.")
    show.add_argument("id", metavar="ID")
    for name, text in (
        ("replay", "Sends letters back to the queue whose consumer gave them up, and to no other."),
        ("discard", "Marks letters as dealt with."),
    ):
        act = add(name, text + " What was done is done once; run it again when it was cut short.")
        act.add_argument("ids", nargs="*", metavar="ID")
        act.add_argument("--all", action="store_true", help="all that wait and match, in place of IDs")
        if name == "replay":
            act.add_argument("--group", metavar="GROUP", help="with --all: the letters of this group of failures (dlq groups)")
            act.add_argument("--stop-after", type=replays.stop_after, metavar="N/M",
                             help="with --all: stop when N come back while M are replayed")
            failures.add_endpoints(act)
        else:
            act.add_argument("--yes", action="store_true", help="with --all: do not ask")
        _add_filters(act)
        act.add_argument("--why", help="your reason; it is recorded")
        act.add_argument("--by", default=myself(), help="who you are; it is recorded (%(default)s)")
        act.add_argument("--rate", type=rate, default=DEFAULT_RATE, help=f"letters a second at most; {DEFAULT_RATE}")
        act.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
    failures.add_arguments(acts)
    replays.add_arguments(acts, failures.add_act)
    letters.add_arguments(acts, failures.add_act, _add_filters, STATES)


def _add_filters(command):
    command.add_argument("--queue", help="given up by the consumer of this queue")
    command.add_argument("--type", help="of this event type")
    command.add_argument("--order", metavar="ID", help="about this order")
    command.add_argument("--since", type=since, metavar="WHEN", help="died since: 90s, 30m, 2h, 7d ago, or a time")


def rate(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= MAX_RATE:
        raise argparse.ArgumentTypeError(f"must be a number above 0, at most {MAX_RATE}")
    return value


def myself():
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"[:100]


def check(options):
    """Whether the command is asked for rightly."""
    if options.act in DONE:
        if bool(options.ids) == options.all:
            raise UsageError("give IDs, or --all with or without filters")
        if options.ids and (options.queue or options.type or options.order or options.since):
            raise UsageError("filters go with --all, not with IDs")
        if options.act == "replay" and not options.all and (options.group or options.stop_after or options.endpoints):
            raise UsageError("--group, --stop-after and --endpoints go with --all")
        if options.act == "replay" and not is_job(options) and (options.group or options.stop_after or options.endpoints):
            raise UsageError("--group, --stop-after and --endpoints are of jobs: without --dry-run and --url")
        if not options.why and not options.dry_run:
            raise UsageError("--why is missing: the reason is recorded with the act")
    if options.act in letters.ACTS:
        letters.check(options)
    services = catalogue.read().values()
    queues = [queue for service in services for queue in service.queues if options.service in (None, service.name)]
    # A worker elsewhere may be of another version.
    elsewhere = getattr(options, "url", None) or getattr(options, "endpoints", None)
    if getattr(options, "queue", None) and options.queue not in queues and not elsewhere:
        raise UsageError(f"there is no queue {options.queue}{nearest(options.queue, queues)}")


def is_job(options):
    """Whether the workers replay: all that match, at the APIs' word. --url names a worker alone."""
    return options.act == "replay" and options.all and not options.dry_run and not options.url


def run(layout, options):
    """The command; exit code 0 when every letter was found and nothing was refused."""
    if options.act in failures.ACTS:
        return failures.run(layout, options)
    if options.act in letters.ACTS:
        return letters.run(layout, options)
    if options.act in replays.ACTS:
        return replays.run(layout, options)
    if is_job(options):
        return replays.replay_all(layout, options)
    admins = desks(layout, options)
    try:
        return {"list": _list, "show": _show}.get(options.act, _act)(admins, options)
    finally:
        for admin in admins:
            admin.close()


def desks(layout, options):
    endpoints = layout.endpoints()
    token, trust = _own_token() or endpoints.get("admin_token"), web.holder_of(endpoints.get("certificate_file"))
    if options.url:
        if options.url not in endpoints.values():
            token, trust = _own_token(), None  # ours is nobody else's business
        if not token:
            raise LauncherError("set ADMIN_TOKEN or ADMIN_TOKEN_FILE to the token of the worker at --url")
        return [DeadLetterAdmin(options.service or options.url, options.url, token, complain, trust)]
    services = [options.service] if options.service else SERVICES
    running_system(layout, *(f"{service}-worker" for service in services))
    found = [(service, endpoints.get(f"{service}_worker_admin")) for service in services]
    if not token or not all(url for _, url in found):
        raise LauncherError("nothing was started here; ./cartwheel up does it, --url names a worker elsewhere")
    return [DeadLetterAdmin(service, url, token, complain, trust) for service, url in found]


def _own_token():
    if token := os.environ.get("ADMIN_TOKEN"):
        return token
    if path := os.environ.get("ADMIN_TOKEN_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise LauncherError(f"ADMIN_TOKEN_FILE: {error}") from error
    return None


def _filters(options, state):
    filters = {"queue": options.queue, "type": options.type, "subject": options.order, "since": options.since}
    filters["state"] = None if state == "all" else state
    return {name: value for name, value in filters.items() if value is not None}


# ---- looking ----


def _list(admins, options):
    rows, more = [], False
    for admin in admins:
        found = list(admin.letters(_filters(options, options.state), options.limit + 1))
        more = more or len(found) > options.limit
        for letter in found[: options.limit]:
            fate = _fate(admin, letter)
            if options.json:
                terminal.say(json.dumps({"service": admin.name, **letter, **fate}))
            rows.append([
                admin.name, letter["id"], letter["queue"], letter.get("messageId", "-"), letter.get("subject", "-"),
                letter["diedAt"][:19], _state(letter, fate), letter["reason"],
            ])  # fmt: skip
    if not options.json:
        if rows:
            terminal.table(
                ["service", "id", "queue", "message", "order", "died", "state", "reason"],
                [[clean(cell)[:REASON_SHOWN] for cell in row] for row in rows],
            )
        terminal.say(f"{len(rows)} dead letters" + (", and more: see --limit" if more else ""))
    return 0


def _fate(admin, letter):
    """Whether a letter that waits can be replayed, and why not; it may be gone or done with by now."""
    seen = admin.letter(letter["id"]) if letter["state"] == "waiting" else None
    return {name: seen[name] for name in ("replayable", "objection") if name in seen} if seen else {}


def _state(letter, fate):
    """In a few words: what was done and by whom, or what a replay would come to."""
    if letter["state"] != "waiting":
        return f"{letter['state']} by {letter['actedBy']}"
    if "objection" in fate:
        return f"waiting; not replayable: {fate['objection']}"
    return "waiting; replayable"


def _show(admins, options):
    for admin in admins:
        letter = admin.letter(options.id)
        if letter is None:
            continue
        if options.json:
            terminal.say(json.dumps({"service": admin.name, **letter}))
        else:
            _print_letter(admin, letter)
        return 0
    raise LauncherError(f"there is no dead letter {clean(options.id)}")


def _print_letter(admin, letter):
    body = letter.pop("body", None)
    for name, value in {"service": admin.name, **letter}.items():
        terminal.say(f"  {name:<12} {clean(value if isinstance(value, str) else json.dumps(value))}")
    if body is not None:
        terminal.say()
        for line in _readable(body).splitlines():
            terminal.say("  " + clean(line))


def _readable(body):
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


# ---- acting ----


def _act(admins, options):
    request = {"by": options.by, "why": options.why or "dry run", "dryRun": options.dry_run}
    tally = {"done": 0, "refused": 0, "unknown": 0}
    pace = Pace(MAX_RATE if options.dry_run else options.rate)
    # What is to be done is read first: letters that die again meanwhile are another run's.
    targets = _all_that_wait(admins, options) if options.all else [(admins, letter) for letter in options.ids]
    if options.all and options.act == "discard" and targets and not options.dry_run:
        confirm(f"{len(targets)} dead letters are marked as dealt with", options.yes)
    try:
        for candidates, letter_id in targets:
            pace.wait()
            _act_on(candidates, letter_id, request, options, tally)
    finally:
        if not options.json:
            _print_tally(options, tally, len(targets))
    return 1 if tally["refused"] or tally["unknown"] else 0


def _all_that_wait(admins, options):
    return [([admin], letter["id"]) for admin in admins for letter in admin.letters(_filters(options, "waiting"))]


def _act_on(admins, letter_id, request, options, tally):
    """Asks one service after the other: ids are unique."""
    for admin in admins:
        outcome = admin.act(options.act, letter_id, request)
        if outcome is not None:
            verdict = "done" if outcome.done else "refused"
            break
    else:
        admin, outcome, verdict = None, None, "unknown"
    tally[verdict] += 1
    _print_outcome(admin, letter_id, options, verdict, outcome.why if outcome else "there is no such dead letter")


def _print_outcome(admin, letter_id, options, verdict, why):
    if options.json:
        value = {"service": admin.name if admin else None, "id": letter_id, "act": DONE[options.act]}
        value.update({"outcome": verdict, "dryRun": options.dry_run})
        terminal.say(json.dumps({**value, **({"why": why} if why else {})}))
        return
    done = f"would be {DONE[options.act]}" if options.dry_run else DONE[options.act]
    text = terminal.paint(done, "green") if verdict == "done" else terminal.paint(f"{verdict}: {clean(why)}", "yellow")
    terminal.say(f"  {clean(letter_id)}  {text}")


def _print_tally(options, tally, total):
    done = f"would be {DONE[options.act]}" if options.dry_run else DONE[options.act]
    left = total - sum(tally.values())
    words = [f"{tally['done']} {done}", f"{tally['refused']} refused"]
    if tally["unknown"]:
        words.append(f"{tally['unknown']} unknown")
    if left:
        words.append(f"{left} not looked at: run it again")
    terminal.say(", ".join(words))
