"""./cartwheel controls, pause, resume: what operators stop for a while (docs/contract.md, 2.7)."""

import datetime
import json
from urllib.parse import quote

from launcher import terminal
from launcher.layout import LauncherError
from launcher.services import SERVICES
from launcher.usage import until

from .dead_letters import Desk, clean
from .failures import desks_of

WHY_SHOWN = 60


class ControlDesk(Desk):
    """What may be paused of one service, at its API."""

    def controls(self):
        return self._get("/api/controls")["items"]

    def pause(self, name, why, end):
        return self._act(name, "pause", {"why": why, **({} if end is None else {"until": end})}, {})

    def resume(self, name, why):
        return self._act(name, "resume", None, {"X-Reason": why.encode("utf-8")} if why else {})

    def _act(self, name, act, body, headers):
        """The control; None when this service has none of that name."""
        status, answer, _ = self._call("POST", f"/api/controls/{quote(name, safe='')}/{act}", body, headers)
        return None if status == 404 else self._expect(200, status, answer)


def _add_common(command):
    command.add_argument("--endpoints", metavar="FILE", help="JSON with order_api, stock_api, notification_api of a system elsewhere; "
                                                             "the token is in CARTWHEEL_TOKEN")
    command.add_argument("--json", action="store_true", help="one JSON object a line")


def add_arguments(command):
    command.add_argument("--paused", action="store_true", help="those alone that are paused")
    command.add_argument("--service", choices=SERVICES, metavar="SERVICE", help="this service's alone")
    _add_common(command)


def add_pause_arguments(command):
    command.add_argument("name", metavar="NAME", help="as ./cartwheel controls has it")
    command.add_argument("--why", required=True, help="your reason; it is recorded")
    command.add_argument("--until", type=until, metavar="WHEN", help="ends by itself in 90s, 30m, 2h, 7d, or at a time (UTC)")
    _add_common(command)


def add_resume_arguments(command):
    command.add_argument("name", metavar="NAME", help="as ./cartwheel controls has it")
    command.add_argument("--why", help="your reason; it is recorded")
    _add_common(command)


def run(layout, options):
    """./cartwheel controls."""
    with _Desks(layout, options) as desks:
        found = [(desk.name, control) for desk in desks for control in desk.controls()]
    found = [(service, control) for service, control in found if control["state"] == "paused" or not options.paused]
    if options.json:
        for service, control in found:
            terminal.say(json.dumps({"service": service, **control}))
        return 0
    if found:
        terminal.table(["control", "kind", "state", "since", "until", "by", "why"],
                       [[clean(cell) for cell in _row(control)] for _, control in found])
    paused = sum(control["state"] == "paused" for _, control in found)
    terminal.say(f"{paused} paused")
    return 0


def run_pause(layout, options):
    return _act(layout, options, lambda desk: desk.pause(options.name, options.why, options.until))


def run_resume(layout, options):
    return _act(layout, options, lambda desk: desk.resume(options.name, options.why))


def _act(layout, options, act):
    """Asks one service after the other: names are unique."""
    with _Desks(layout, options) as desks:
        for desk in desks:
            control = act(desk)
            if control is None:
                continue
            if options.json:
                terminal.say(json.dumps({"service": desk.name, **control}))
            else:
                terminal.say(f"  {clean(options.name)}  {_state(control)}")
            return 0
    raise LauncherError(f"nothing named {clean(options.name)} can be paused; ./cartwheel controls lists what can")


def _state(control):
    if control["state"] != "paused":
        return terminal.paint("runs", "green")
    return terminal.paint("paused", "yellow") + (f" until {_shown(control['until'])}" if "until" in control else "")


def _row(control):
    return [control["name"], control["kind"], control["state"], _shown(control.get("pausedAt")), _shown(control.get("until")),
            control.get("by", "-"), control.get("why", "-")[:WHY_SHOWN]]  # fmt: skip


def _shown(time):
    if time is None:
        return "-"
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).strftime("%Y-%m-%d %H:%M:%S")


class _Desks:
    """The services' desks, closed at the end."""

    def __init__(self, layout, options):
        services = [options.service] if getattr(options, "service", None) else SERVICES
        self._desks = desks_of(layout, options.endpoints, services, ControlDesk, "controls")

    def __enter__(self):
        return self._desks

    def __exit__(self, *_):
        for desk in self._desks:
            desk.close()
