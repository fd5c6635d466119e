"""./cartwheel announce: sends the last event of final orders again, when it was lost behind the broker's confirm."""

import json

from launcher import terminal
from launcher.usage import UsageError

from . import dlq
from .dead_letters import Pace

DEFAULT_RATE = 10


def add_arguments(command):
    command.add_argument("ids", nargs="+", metavar="ORDER", help="the ids of orders that are final")
    command.add_argument("--why", help="your reason; it is logged")
    command.add_argument("--by", default=dlq.myself(), help="who you are; it is logged (%(default)s)")
    command.add_argument("--rate", type=dlq.rate, default=DEFAULT_RATE, help=f"orders a second at most; {DEFAULT_RATE}")
    command.add_argument("--url", help="the admin address of an order worker, in place of the one that runs here")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
    command.set_defaults(service="order")


def check(options):
    """Whether the command is asked for rightly."""
    if not options.why and not options.dry_run:
        raise UsageError("--why is missing: the reason is logged")


def run(layout, options):
    """The command; exit code 0 when every order was announced."""
    request = {"by": options.by, "why": options.why or "dry run", "dryRun": options.dry_run}
    (admin,) = dlq.desks(layout, options)
    pace, done = Pace(options.rate), 0
    try:
        for order_id in options.ids:
            pace.wait()
            outcome = admin.announce(order_id, request)
            done += outcome is not None and outcome.done
            _print_outcome(order_id, options, outcome)
    finally:
        admin.close()
    return 0 if done == len(options.ids) else 1


def _print_outcome(order_id, options, outcome):
    why = "there is no such order" if outcome is None else outcome.why
    verdict = "unknown" if outcome is None else "done" if outcome.done else "refused"
    if options.json:
        value = {"order": order_id, "outcome": verdict, "dryRun": options.dry_run}
        terminal.say(json.dumps({**value, **({"why": why} if why else {})}))
        return
    announced = "would be announced again" if options.dry_run else "is announced again"
    text = terminal.paint(announced, "green") if verdict == "done" else terminal.paint(dlq.clean(why), "yellow")
    terminal.say(f"  {dlq.clean(order_id)}  {text}")
