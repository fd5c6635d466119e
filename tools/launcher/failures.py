"""./cartwheel break and mend: failures made on purpose, to see what the system, its metrics and its alerts say of them.

Only servers and processes of ours are broken. Breaking what is broken, and mending what is whole, changes nothing.
"""

import time
import uuid

from operators.dead_letters import DeadLetterAdmin
from operators.dlq import myself

from . import poison, terminal, web
from .layout import LauncherError
from .system import SERVERS, running_system

NAMES = ("database-read-only", "broker-off", "stock-worker", "slow-mail", "poison")  # in the order that they are mended in
WAIT_SECONDS = 20
POLL_SECONDS = 0.1


class Stopped:
    """A process does not run."""

    def __init__(self, system, process, kill, text):
        self.text = text
        self._system = system
        self._process = process
        self._kill = kill

    def is_on(self):
        return not self._system.component(self._process).runs()

    def turn_on(self, progress):
        self._system.stop(progress, self._process, self._kill)

    def turn_off(self, progress):
        # A process of ours may be kept from being ready by another failure.
        self._system.start(progress, self._process, wait_ready=self._process in SERVERS)


class ReadOnly:
    """The database server takes no writes, as a primary that was demoted."""

    text = "orders are answered 503, nothing is ready; by itself again seconds after it is mended"

    def __init__(self, system):
        self._system = system

    def is_on(self):
        return self._system.postgres.is_read_only()

    def turn_on(self, progress):
        self._system.postgres.set_read_only(True)

    def turn_off(self, progress):
        self._system.postgres.set_read_only(False)


class SlowMail:
    """Mail goes to a server that takes seconds for each."""

    text = "notifications wait in line (Pending), and an order's trace shows the seconds in `send mail`"

    def __init__(self, system):
        self._system = system

    def is_on(self):
        return self._system.slow_mail.runs()

    def turn_on(self, progress):
        self._system.slow_mail.start(progress)
        self._restart_sender(progress)

    def turn_off(self, progress):
        self._system.slow_mail.stop(progress)
        self._restart_sender(progress)

    def _restart_sender(self, progress):
        self._system.stop(progress, "notification-worker")
        self._system.start(progress, "notification-worker", wait_ready=False)


class Poison:
    """A message that nobody can read, which ends as a dead letter of the stock service."""

    text = "a dead letter of the stock service (./cartwheel dlq list), also after down; mending discards it"

    def __init__(self, system):
        self._system = system

    def _letter(self):
        """The id of ours that waits for somebody; None: there is none (any more)."""
        import psycopg  # installed by ./cartwheel for who needs it

        message_id = self._system.settings.poison
        if message_id is None:
            return None
        query = "select id from dead_letters where message_id = %s and act is null"
        try:
            with psycopg.connect(self._system.database_url("stock"), autocommit=True) as database:
                row = database.execute(query, (message_id,)).fetchone()
        except psycopg.Error as error:
            raise LauncherError(f"cannot look for the dead letter: {error}") from error
        return None if row is None else str(row[0])

    def is_on(self):
        return self._letter() is not None

    def turn_on(self, progress):
        if missing := [name for name in ("rabbitmq", "stock-worker") if not self._system.component(name).runs()]:
            raise LauncherError(f"{' and '.join(missing)} must run to find it; ./cartwheel mend")
        self._system.settings.poison = str(uuid.uuid4())
        poison.publish(self._system.layout.endpoints(), self._system.settings.poison)
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.is_on():
            if time.monotonic() > deadline or progress.cancelled.wait(POLL_SECONDS):
                raise LauncherError("the message was sent, but is no dead letter yet; see ./cartwheel logs stock-worker")

    def turn_off(self, progress):
        ends = self._system.layout.endpoints()
        trust = web.holder_of(ends.get("certificate_file"))
        admin = DeadLetterAdmin("stock", ends["stock_worker_admin"], ends["admin_token"], progress.note, trust, WAIT_SECONDS)
        try:
            admin.act("discard", self._letter(), {"by": myself(), "why": "./cartwheel mend poison", "dryRun": False})
        finally:
            admin.close()
        self._system.settings.poison = None


def of(system):
    """{name: failure}, of a system whose servers are ours."""
    if [name for name in SERVERS if system.component(name).pid() is None and system.component(name).runs()]:
        raise LauncherError("servers of this system are given: what may be broken on purpose is what ./cartwheel started alone")
    waits = "orders are accepted and wait"
    failures = (
        ReadOnly(system),
        Stopped(system, "rabbitmq", False, f"{waits} in the outbox until it is mended; no worker is ready"),
        Stopped(system, "stock-worker", True, f"{waits} in its queue until it is mended"),
        SlowMail(system),
        Poison(system),
    )
    return dict(zip(NAMES, failures))


def turn(failures, name, broken, progress):
    """Breaks or mends one; nothing when it is so already."""
    failure = failures[name]
    if failure.is_on() == broken:
        progress.note(f"{name}: {'broken' if broken else 'whole'} already")
        return
    progress.begin(name, "breaking" if broken else "mending")
    if broken:
        failure.turn_on(progress)
        progress.done(name, f"broken: {failure.text}", "red")
    else:
        failure.turn_off(progress)
        progress.done(name, "mended")


def add_arguments(command):
    command.add_argument("name", nargs="?", choices=NAMES, metavar="NAME")


def run_break(layout, options):
    failures = of(running_system(layout, "postgres"))
    if options.name is None:
        rows = [[name, "broken" if failure.is_on() else "whole", failure.text] for name, failure in failures.items()]
        terminal.table(["failure", "state", "what it does"], rows)
        return
    with layout.lock(terminal.say), terminal.Progress() as progress:
        turn(failures, options.name, True, progress)


def run_mend(layout, options):
    failures = of(running_system(layout, "postgres"))
    with layout.lock(terminal.say), terminal.Progress() as progress:
        names = [options.name] if options.name else [name for name in NAMES if failures[name].is_on()]
        for name in names:
            turn(failures, name, False, progress)
        if not names:
            progress.note("nothing is broken")
