"""The command: which checks are asked, and what becomes of the answers."""

from launcher import terminal
from launcher.usage import UsageError, nearest

from . import broker, database, expiry, processes, report, server, settings
from .checks import ERROR, WARNING, ask_all, ask_and_mend
from .patient import Patient

AREAS = (database, server, broker, processes, settings, expiry)
CHECKS = tuple(check for area in AREAS for check in area.CHECKS)
NAMES = (*dict.fromkeys(check.name.partition(".")[0] for check in CHECKS), *(check.name for check in CHECKS))
EXIT_CODES = {None: 0, WARNING: 1, ERROR: 3}  # 2: asked for wrongly


def add_arguments(command):
    command.add_argument("checks", nargs="*", metavar="CHECK", help="these alone, by area or name: database, server.clock")
    command.words += NAMES
    command.add_argument("--fix", action="store_true", help="do what is safe about what is found, here")
    command.add_argument("--all", action="store_true", help="say what is well, too")
    command.add_argument("--endpoints", metavar="FILE", help="an endpoints.json of a system elsewhere; RABBITMQ_MANAGEMENT_URL names its "
                                                             "broker's management API")
    command.add_argument("--settings", metavar="FILE", help="NAME=value lines, as in .env: settings of a system elsewhere")
    command.add_argument("--json", action="store_true", help="one JSON object a line")


def check(options):
    for name in options.checks:
        if name not in NAMES:
            raise UsageError(f"there is no check {name}{nearest(name, NAMES)}")
    if options.fix and options.endpoints:
        raise UsageError("--fix goes without --endpoints: what is elsewhere is put right there")


def chosen(names):
    """The checks of these areas and names; all for none."""
    return [one for one in CHECKS if not names or one.name in names or one.name.partition(".")[0] in names]


def run(layout, options):
    """0 nothing was found, 1 warnings, 3 errors; what could not be asked is named and counts as neither."""
    answers, width = [], report.width_of_terminal()
    with Patient(layout, options.endpoints, settings_file=options.settings) as patient:
        for answer in (ask_and_mend if options.fix else ask_all)(chosen(options.checks), patient):
            answers.append(answer)
            if options.json:
                report.say_json(answer)
            else:
                report.say_text(answer, width, options.all)
    if not options.json:
        terminal.say(report.summary(answers))
    return max((EXIT_CODES[answer.severity] for answer in answers), default=0)
