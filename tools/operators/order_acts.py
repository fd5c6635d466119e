"""./cartwheel order ID announce, cancel, resend, release: what support does about one order, at the API that may do it (docs/contract.md, 2.1)."""

import json
from urllib.parse import quote

from launcher import terminal
from launcher.layout import LauncherError
from launcher.usage import UsageError, confirm

from .dead_letters import Desk, Outcome, clean
from .failures import desks_of


class OrderDesk(Desk):
    """What may be done about an order, at its API. Asking twice is safe: each act is done once."""

    def announce(self, order, why):
        answer = self._post(f"/api/orders/{quote(order, safe='')}/announce", why)
        return answer if isinstance(answer, Outcome) else Outcome(True, f"{answer['event']} is announced again")

    def cancel(self, order, why):
        answer = self._post(f"/api/orders/{quote(order, safe='')}/cancel", None, {"reason": why})
        return answer if isinstance(answer, Outcome) else Outcome(True, "is cancelled")

    def resend(self, order, why):
        """Its last notification."""
        status, answer, _ = self._call("GET", f"/api/notifications/orders/{quote(order, safe='')}")
        if status == 404 or status == 200 and not answer["notifications"]:
            raise LauncherError(f"nobody was told anything of order {order}")
        last = self._expect(200, status, answer)["notifications"][-1]
        answer = self._post(f"/api/notifications/{last['id']}/resend", why)
        return answer if isinstance(answer, Outcome) else Outcome(True, f"its customer is told again of {last['event']}")

    def release(self, order, why):
        answer = self._post(f"/api/stocks/orders/{quote(order, safe='')}/release", why, expected=200)
        return answer if isinstance(answer, Outcome) else Outcome(True, f"holds no stock: {answer['reservation'].lower()}")

    def _post(self, path, why, body=None, expected=202):
        """What is answered; an Outcome: it was refused, or done by an earlier try whose answer never came."""
        headers = None if why is None else {"X-Reason": why.encode("utf-8")}
        status, answer, again = self._call("POST", path, body, headers)
        if status == 404:
            raise LauncherError(answer["detail"])
        if status == 409:
            return Outcome(again, answer["detail"])
        return self._expect(expected, status, answer)


# {act: (the service that does it, how, what is asked on a terminal; None: it can do no harm)}
ACTS = {
    "announce": ("order", OrderDesk.announce, None),
    "cancel": ("order", OrderDesk.cancel, "order {id} is cancelled for good, and its customer is told: {why}"),
    "resend": ("notification", OrderDesk.resend, "the last notification of order {id} is sent to its customer again"),
    "release": ("stock", OrderDesk.release, "the stock of order {id} is given back: {why}"),
}


def add_arguments(command):
    command.add_argument("act", nargs="?", choices=ACTS, metavar="ACT",
                         help="announce: send its last event again; cancel: on behalf of its customer; resend: tell him again; "
                              "release: its stock, once it is cancelled")
    command.add_argument("--why", help="with ACT: your reason; it is recorded, and the customer is told that of cancel")
    command.add_argument("--yes", action="store_true", help="with ACT: do not ask")


def check(options):
    """Whether an act is asked for rightly."""
    if options.act is None and (options.why is not None or options.yes):
        raise UsageError(f"--why and --yes go with an act: {', '.join(ACTS)}")
    if options.act is not None and not options.why:
        raise UsageError("--why is missing: the reason is recorded with the act")


def run(layout, options):
    """Does options.act; whether it was done."""
    service, do, question = ACTS[options.act]
    if question is not None:
        confirm(clean(question.format(id=options.id, why=options.why)), options.yes)
    (desk,) = desks_of(layout, options.endpoints, [service], OrderDesk, "support", "support")
    try:
        outcome = do(desk, options.id, options.why)
    finally:
        desk.close()
    _tell(options, outcome)
    return outcome.done


def _tell(options, outcome):
    if options.json:
        verdict = "done" if outcome.done else "refused"
        terminal.say(json.dumps({"orderId": options.id, "act": options.act, "outcome": verdict, "why": outcome.why}))
        return
    said = outcome.why if outcome.done else f"refused: {outcome.why}"
    terminal.say(f"  {options.id}  {terminal.paint(clean(said), 'green' if outcome.done else 'yellow')}")
