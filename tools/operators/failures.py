"""./cartwheel dlq groups and close: what fails, in groups, and that it is over (docs/contract.md, 2.7)."""

import json
import os
from pathlib import Path
from urllib.parse import quote, urlencode

from launcher import terminal, web
from launcher.issuer import Issuer
from launcher.layout import LauncherError, read_json
from launcher.services import SERVICES
from launcher.system import running_system

from .dead_letters import Desk, clean, complain

PAGE = 100
FINGERPRINT_SHOWN = 80
BUILD_SHOWN = 8
STATES = ("open", "replaying", "regressed", "closed", "all")
ACTS = ("groups", "close")


class FailureDesk(Desk):
    """The groups of failures of one service, at its API."""

    def groups(self, filters):
        cursor = None
        while True:
            query = {**filters, "limit": PAGE, **({} if cursor is None else {"cursor": cursor})}
            page = self._get("/api/failure-groups?" + urlencode(query))
            yield from page["items"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    def close_group(self, group_id, why):
        """The group, closed; None when there is none of that id."""
        path = f"/api/failure-groups/{quote(group_id, safe='')}/close"
        status, answer, _ = self._call("POST", path, headers={"X-Reason": why.encode("utf-8")})
        return None if status == 404 else self._expect(200, status, answer)


def add_endpoints(act):
    act.add_argument("--endpoints", metavar="FILE", help="JSON with order_api, stock_api, notification_api of a system elsewhere; "
                                                         "the token is in CARTWHEEL_TOKEN")


def add_act(acts, name, text):
    """A command that asks the APIs."""
    act = acts.add_parser(name, description=text, prog=f"./cartwheel dlq {name}")
    act.add_argument("--service", choices=SERVICES, metavar="SERVICE", help="this service's alone")
    add_endpoints(act)
    act.add_argument("--json", action="store_true", help="one JSON object a line")
    return act


def add_arguments(acts):
    groups = add_act(acts, "groups", "What fails, in groups: dead letters whose reasons are the same but for ids and numbers.")
    groups.add_argument("--queue", help="given up by the consumer of this queue")
    groups.add_argument("--state", choices=STATES, help=f"{', '.join(STATES)}; without it, those that are not closed")
    close = add_act(acts, "close", "Says that what a group failed of is gone. Letters that still wait stay where they are.")
    close.add_argument("id", metavar="GROUP")
    close.add_argument("--why", required=True, help="your reason; it is recorded")


def run(layout, options):
    services = [options.service] if options.service else SERVICES
    desks = desks_of(layout, options.endpoints, services, FailureDesk, "dead-letters")
    try:
        return _list(desks, options) if options.act == "groups" else _close(desks, options)
    finally:
        for desk in desks:
            desk.close()


def desks_of(layout, file, services, kind, scope, role="operator"):
    """A @kind of Desk for each service, at the APIs that run here (where who asks is of @role), or that the endpoints @file names."""
    token, trust = os.environ.get("CARTWHEEL_TOKEN"), None
    if file:
        endpoints = read_json(Path(file)) or {}
        if not token:
            raise LauncherError(f"set CARTWHEEL_TOKEN to an access token with the scope {scope}")
    else:
        running_system(layout, *(f"{service}-api" for service in services))
        endpoints = layout.endpoints()
        trust = web.holder_of(endpoints.get("certificate_file"))
        token = token or Issuer(layout.issuer).token(role, [role])
    found = [(service, endpoints.get(f"{service}_api")) for service in services]
    if missing := [f"{service}_api" for service, url in found if not url]:
        raise LauncherError(f"{file or 'endpoints.json'} has no {', '.join(missing)}")
    return [kind(service, url, token, complain, trust, what="the address of an API") for service, url in found]


def _list(desks, options):
    filters = {"queue": options.queue, "state": None if options.state == "all" else options.state}
    filters = {name: value for name, value in filters.items() if value is not None}
    found = [(desk.name, group) for desk in desks for group in desk.groups(filters)]
    if options.state is None:
        found = [(service, group) for service, group in found if group["state"] != "closed"]
    found.sort(key=lambda pair: pair[1]["lastSeenAt"], reverse=True)
    if options.json:
        for service, group in found:
            terminal.say(json.dumps({"service": service, **group}))
        return 0
    if found:
        rows = [_row(service, group) for service, group in found]
        terminal.table(["service", "group", "queue", "type", "state", "count", "waiting", "a minute", "last seen", "build", "reason"],
                       [[clean(cell) for cell in row] for row in rows])
    terminal.say(f"{len(found)} groups of failures")
    return 0


def _row(service, group):
    builds = group["builds"]
    build = f"{builds[-1]['version']} {builds[-1]['buildId'][:BUILD_SHOWN]}" if builds else "-"
    return [service, group["id"], group["queue"], group.get("type", "-"), group["state"], group["count"], group["waiting"],
            group.get("rate", "-"), group["lastSeenAt"][:19], build, group["fingerprint"][:FINGERPRINT_SHOWN]]  # fmt: skip


def _close(desks, options):
    """Asks one service after the other: ids are unique."""
    for desk in desks:
        group = desk.close_group(options.id, options.why)
        if group is None:
            continue
        if options.json:
            terminal.say(json.dumps({"service": desk.name, **group}))
        else:
            waiting = f"; {group['waiting']} letters still wait" if group["waiting"] else ""
            terminal.say(f"  {clean(options.id)}  {terminal.paint('closed', 'green')}{waiting}")
        return 0
    raise LauncherError(f"there is no group of failures {clean(options.id)}")
