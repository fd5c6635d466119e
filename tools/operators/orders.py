"""./cartwheel order ID: the story of one order, and acts on it. ./cartwheel orders: those that somebody has to look at."""

import contextlib
import datetime
import http.client
import json
import os
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from launcher import terminal
from launcher.layout import LauncherError, read_json
from launcher.services import SERVICES
from launcher.system import running_system
from launcher.usage import UsageError, count, order_id, since

from . import order_acts
from .dead_letters import DeadLetterAdmin
from .dlq import clean
from .order_story import DONE, LATE, STUCK, Story

CALL_SECONDS = 30
LOOK_SECONDS = 1
LATE_SECONDS = 10  # as order/application/next_step.c has it
PAGE = 100
DEFAULT_LIMIT = 50
COLOURS = {DONE: "green", LATE: "yellow", STUCK: "red"}


def add_arguments(command):
    command.add_argument("id", type=order_id, metavar="ID")
    order_acts.add_arguments(command)
    command.add_argument("-f", "--follow", action="store_true", help="go on until it is done or stuck")
    _add_common(command)


def add_list_arguments(command):
    command.add_argument("--stuck", action="store_true", help="those that need somebody, or that the watch announces again")
    command.add_argument("--late", action="store_true", help="those whose answer should have come, and still may")
    command.add_argument("--failed", action="store_true", help="those about which dead letters wait, in any service")
    command.add_argument("--since", type=since, default=since("1d"), metavar="WHEN", help="placed, or died, since (1d)")
    command.add_argument("-n", "--limit", type=count, default=DEFAULT_LIMIT, help=f"{DEFAULT_LIMIT}")
    _add_common(command)


def check_list(options):
    """Whether ./cartwheel orders is asked for rightly."""
    if options.stuck + options.late + options.failed != 1:
        raise UsageError("say which orders: --stuck, --late or --failed")


def _add_common(command):
    command.add_argument("--endpoints", metavar="FILE", help="an endpoints.json, in place of that of what runs here")
    command.add_argument("--json", action="store_true", help="one JSON object a line")


def run(layout, options):
    """./cartwheel order: 0 it is done or waits for what comes by itself, 1 it is late or stuck, or an act is refused."""
    if options.act is not None:
        done = order_acts.run(layout, options)
        if not done or not options.follow:
            return 0 if done else 1
    system = Elsewhere(layout, options)
    shown, state = set(), None
    while True:
        story = system.story(options.id)
        if story is None:
            raise LauncherError(f"there is no order {options.id}")
        before, (state, sentence) = state, story.verdict()
        shown = _show(options, story, shown, state != before)
        if not options.follow or state in (DONE, STUCK):
            break
        time.sleep(LOOK_SECONDS)
    if not options.json:
        terminal.say(terminal.paint(sentence, COLOURS.get(state, "bold")))
    return 1 if state in (LATE, STUCK) else 0


def _show(options, story, shown, changed):
    """Prints what was not shown before; returns all that was."""
    lines = story.lines()
    if options.json and (changed or set(lines) != shown):
        terminal.say(json.dumps(story.as_json()))
    for at, service, text in lines:
        if not options.json and (at, service, text) not in shown:
            terminal.say(f"  {terminal.paint(at, 'dim')}  {service:<12}  {clean(text)}")
    return shown | set(lines)


def run_list(layout, options):
    """./cartwheel orders: 0 there are none, 1 there are."""
    system = Elsewhere(layout, options)
    if options.failed:
        found = _failed(system, options)
    else:
        found = _open(system, options, STUCK if options.stuck else LATE)
    rows = 0
    for order, text in found:
        rows += 1
        terminal.say(json.dumps({"orderId": order, "why": text}) if options.json else f"  {order}  {clean(text)}")
        if rows == options.limit:
            break
    if not options.json:
        terminal.say(f"{rows} orders" + (", and there may be more: see --limit" if rows == options.limit else ""))
    return 1 if rows else 0


def _open(system, options, wanted):
    """(order, sentence) of those in that state, the newest first."""
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=LATE_SECONDS)
    query = {"status": "Created", "limit": PAGE, "createdAfter": options.since,
             "createdBefore": before.isoformat().replace("+00:00", "Z")}  # fmt: skip
    while True:
        page = system.get("order", "/api/orders?" + urlencode(query))
        for order in page["items"]:
            story = system.story(order["id"])
            state, sentence = story.verdict()
            if state == wanted:
                yield order["id"], sentence
        if not page.get("nextCursor"):
            return
        query["cursor"] = page["nextCursor"]


def _failed(system, options):
    """(order, reason) of each with a letter that waits, once."""
    seen = set()
    for service in SERVICES:
        with contextlib.closing(system.dead_letters(service)) as admin:
            for letter in admin.letters({"state": "waiting", "since": options.since}):
                if "subject" in letter and letter["subject"] not in seen:
                    seen.add(letter["subject"])
                    yield letter["subject"], f"{letter['queue']}: {letter['reason']}"


class Elsewhere:
    """The three APIs, here or where an endpoints file says; the token is the reader's, or the one that stands beside them."""

    def __init__(self, layout, options):
        if not options.endpoints:
            running_system(layout, *(f"{service}-api" for service in SERVICES))
        self._endpoints = (read_json(Path(options.endpoints)) if options.endpoints else layout.endpoints()) or {}
        self._token = os.environ.get("CARTWHEEL_TOKEN") or self._endpoints.get("token")
        missing = [service for service in SERVICES if f"{service}_api" not in self._endpoints]
        if missing:
            raise UsageError(f"{options.endpoints or layout.endpoints_file} names no {missing[0]}_api")
        ca_file = self._endpoints.get("ca_file")
        self._trust = ssl.create_default_context(cafile=ca_file)

    def story(self, order):
        """None: there is no such order."""
        timeline = self.get("order", f"/api/orders/{order}/timeline")
        if timeline is None:
            return None
        stock = self.get("stock", f"/api/stocks/orders/{order}")
        notifications = self.get("notification", f"/api/notifications/orders/{order}")
        return Story(timeline, stock, notifications, datetime.datetime.now(datetime.timezone.utc))

    def get(self, service, path):
        """The answer; None: it is not there."""
        url = self._endpoints[f"{service}_api"]
        try:
            status, answer = self._ask(urlsplit(url), path)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LauncherError(f"{url} does not answer: {error or type(error).__name__}") from error
        if status == 404:
            return None
        if status != 200:
            raise LauncherError(f"{url}{path} answers {status}: {answer.get('detail') or answer.get('title')}")
        return answer

    def _ask(self, url, path):
        if url.scheme == "https":
            connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=CALL_SECONDS, context=self._trust)
        else:
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=CALL_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._token}"} if self._token else {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def dead_letters(self, service):
        url = self._endpoints.get(f"{service}_worker_admin")
        token = os.environ.get("CARTWHEEL_TOKEN") or self._endpoints.get("admin_token")
        if not url or not token:
            raise LauncherError(f"no {service}_worker_admin is named, or no token for it: CARTWHEEL_TOKEN")
        return DeadLetterAdmin(service, url, token, _complain)


def _complain(text):
    print(f"cartwheel: {text}", file=sys.stderr, flush=True)
