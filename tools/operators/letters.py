"""./cartwheel dlq edit, export and import: one dead letter with another body, many as lines of a file (docs/contract.md, 2.7)."""

import collections
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import uuid
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

from launcher import terminal
from launcher.layout import LauncherError
from launcher.services import SERVICES
from launcher.usage import UsageError

from .dead_letters import Desk, clean, complain
from .failures import desks_of

ACTS = ("edit", "export", "import")
PIECE_LINES = 1000  # what the API takes at once
PIECE_BYTES = 2 * 1024 * 1024
SHOWN = 20  # lines that went otherwise than was wanted
AS_WANTED = ("added", "known")
WORDS = {"differs": "another letter has its id, which stays as it is", "foreign": "the service does not consume its queue"}


class LetterDesk(Desk):
    """The dead letters of one service, at its API."""

    def letter(self, letter_id):
        """With its body; None when there is none of that id."""
        status, answer, _ = self._call("GET", f"/api/dead-letters/{quote(letter_id, safe='')}")
        return None if status == 404 else self._expect(200, status, answer)

    def edit(self, letter_id, body, why, dry_run):
        """(what was done, None), or (None, why it was refused). Asking twice is safe: the event's id tells."""
        path = f"/api/dead-letters/{quote(letter_id, safe='')}/edit"
        wish = {"body": body, "dryRun": dry_run}
        status, answer, _ = self._call("POST", path, wish, _reason(why))
        return (None, answer["detail"]) if status == 409 else (self._expect(200, status, answer), None)

    def lines(self, filters):
        """Yields the letters that match, each as the line that the API writes."""
        path = "/api/dead-letters?" + urlencode({**filters, "limit": PIECE_LINES})
        while path:
            answer = self._get(path)
            yield from answer["lines"]
            path = answer["next"]

    def take(self, lines, why):
        """The outcome of each."""
        status, answer, _ = self._call("POST", "/api/dead-letters/import", b"".join(line + b"\n" for line in lines), _reason(why))
        outcomes = [json.loads(line) for line in self._expect(200, status, answer)["lines"]]
        if len(outcomes) != len(lines):
            raise LauncherError(f"{self.name} answers {len(outcomes)} of {len(lines)} lines")
        return outcomes


def _reason(why):
    return {"X-Reason": why.encode("utf-8")} if why else None


def add_arguments(acts, add, add_filters, states):
    edit = add(acts, "edit", "Sends a letter with another body, as an event of its own. What died is kept beside it.")
    edit.add_argument("id", metavar="ID")
    edit.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="a member, as Data.Quantity=2; JSON, or else text")
    edit.add_argument("--body", metavar="FILE", help="the whole event, in place of --set; - is standard input")
    edit.add_argument("--why", help="your reason; it is recorded")
    edit.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
    export = add(acts, "export", "Letters as lines of JSON, whole and with what was done about them.")
    add_filters(export)
    export.add_argument("--state", choices=states, default="waiting", help=f"{', '.join(states)}; waiting")
    export.add_argument("-o", "--output", metavar="FILE", help="in place of standard output; it is yours alone to read")
    bring = add(acts, "import", "Adds the letters of an export that are not there. Doing it twice adds nothing.")
    bring.add_argument("file", metavar="FILE", help="what export wrote; - is standard input")
    bring.add_argument("--why", help="your reason; it is recorded")


def check(options):
    if options.act == "edit" and options.set and options.body:
        raise UsageError("give --set or --body, not both")
    if options.act == "edit" and not options.why and not options.dry_run:
        raise UsageError("--why is missing: the reason is recorded with the act")


def run(layout, options):
    services = [options.service] if options.service else SERVICES
    scope = "dead-letters" if options.act == "export" else "dead-letters:edit"
    desks = desks_of(layout, options.endpoints, services, LetterDesk, scope, role="admin")
    try:
        return {"edit": _edit, "export": _export, "import": _import}[options.act](desks, options)
    finally:
        for desk in desks:
            desk.close()


# ---- editing ----


def _edit(desks, options):
    """Asks one service after the other: ids are unique."""
    desk, letter = next(((desk, letter) for desk in desks if (letter := desk.letter(options.id))), (None, None))
    if letter is None:
        raise LauncherError(f"there is no dead letter {clean(options.id)}")
    body = edited(letter, _wanted(letter, options))
    done, objection = desk.edit(letter["id"], body, options.why, options.dry_run)
    if options.json:
        outcome = {"outcome": "refused", "why": objection} if done is None else {"outcome": "done", **done}
        terminal.say(json.dumps({"service": desk.name, "id": letter["id"], **outcome}))
    elif done is None:
        terminal.say(f"  {clean(options.id)}  {terminal.paint('refused: ' + clean(objection), 'yellow')}")
    else:
        words = "would be replayed as" if options.dry_run else "was replayed before as" if done["before"] else "replayed as"
        terminal.say(f"  {clean(options.id)}  {terminal.paint(words, 'green')} {done['replayedAs']}")
    return 0 if done else 1


def _wanted(letter, options):
    """The event as it is to be, but for its ids."""
    if options.body:
        return _event(sys.stdin.read() if options.body == "-" else Path(options.body).read_text(encoding="utf-8"), options.body)
    if letter.get("bodyCut") or "body" not in letter:
        raise LauncherError("its body is no text, or not all of it is shown: give the whole event with --body FILE")
    if options.set:
        return _with(_event(letter["body"], "its body"), options.set)
    if not sys.stdin.isatty():
        raise UsageError("give --set or --body: there is no terminal for an editor")
    return _event(_in_editor(letter["body"]), "what was written")


def _exact(text):
    """A number that is written again as it was."""
    value = float(text)
    if Decimal(repr(value)) != Decimal(text):
        raise LauncherError(f"{text} has too many digits to be written again: edit a copy of the body by other means, and use the API")
    return value


def _event(text, what):
    try:
        event = json.loads(text, parse_float=_exact)
    except ValueError as error:
        raise LauncherError(f"{what} is no JSON: {error}") from error
    if not isinstance(event, dict):
        raise LauncherError(f"{what} is no event: it must be a JSON object")
    return event


def _with(event, changes):
    for change in changes:
        path, equals, text = change.partition("=")
        *way, last = path.split(".")
        try:
            value = json.loads(text, parse_float=_exact)
        except ValueError:
            value = text
        try:
            place = event
            for name in way:
                place = place[int(name) if isinstance(place, list) else name]
            if not equals or not isinstance(place, (dict, list)):
                raise KeyError(path)
            place[int(last) if isinstance(place, list) else last] = value
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise UsageError(f"--set {change}: there is no such place; write it like Data.Items.0.Quantity=2") from error
    return event


def _in_editor(body):
    try:
        body = json.dumps(json.loads(body, parse_float=_exact), indent=2, ensure_ascii=False)
    except ValueError:
        pass  # what is no JSON is edited as it is
    with tempfile.NamedTemporaryFile("w+", suffix=".json", encoding="utf-8") as file:
        file.write(body + "\n")
        file.flush()
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        if subprocess.run(["sh", "-c", f'{editor} "$1"', "editor", file.name], check=False).returncode != 0:
            raise LauncherError("the editor failed; nothing was done")
        return Path(file.name).read_text(encoding="utf-8")


def edited(letter, event):
    """The text of @event, which is sent in the letter's place: with an id of its own, made of the letter's and of all that it
    says, so that the same edit is the same event."""
    was = _old(letter)
    old_id = was.get("EventId") or letter.get("messageId")
    event = dict(event)
    event.pop("AnnouncementId", None)  # it is no event that is told again
    if event == {name: value for name, value in was.items() if name != "AnnouncementId"}:
        raise LauncherError("nothing is other than it was; to send it as it is: ./cartwheel dlq replay")
    if event.get("EventId") in (None, old_id):
        said = json.dumps({**event, "EventId": None}, sort_keys=True)
        event["EventId"] = str(uuid.uuid5(uuid.UUID(letter["id"]), said))
    if isinstance(event.get("Data"), dict) and old_id and event["Data"].get("Id") == old_id:
        event["Data"] = {**event["Data"], "Id": event["EventId"]}
    return json.dumps(event, ensure_ascii=False)


def _old(letter):
    try:
        was = json.loads(letter.get("body", ""))
    except ValueError:
        was = None
    return was if isinstance(was, dict) else {}


# ---- out ----


def _export(desks, options):
    filters = {"queue": options.queue, "type": options.type, "subject": options.order, "since": options.since,
               "state": None if options.state == "all" else options.state}
    filters = {name: value for name, value in filters.items() if value is not None}
    n = 0
    with _written(options.output) as file:
        for desk in desks:
            for line in desk.lines(filters):
                # What an import needs to know; the rest stays as the API wrote it.
                file.write(b'{"service":"%s",%s\n' % (desk.name.encode("ascii"), line[1:]))
                n += 1
        file.flush()
    complain(f"{n:,} dead letters{f' in {options.output}' if options.output else ''}")
    return 0


def _written(name):
    if name is None:
        return contextlib.nullcontext(sys.stdout.buffer)
    return os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


# ---- in ----


class _Tally:
    """What became of the lines, by their numbers in the file."""

    def __init__(self, as_json):
        self.counts = collections.Counter()
        self._as_json, self._told = as_json, 0

    def add(self, number, outcome):
        outcome = {**outcome, "line": number}
        self.counts[outcome["outcome"]] += 1
        if self._as_json:
            terminal.say(json.dumps(outcome))
        elif outcome["outcome"] not in AS_WANTED:
            self._told += 1
            if self._told <= SHOWN:
                terminal.say(f"line {number:,} is {outcome['outcome']}: {_why(outcome)}")

    def end(self):
        if not self._as_json:
            if self._told > SHOWN:
                terminal.say(f"and {self._told - SHOWN:,} more; --json shows all")
            counts = ", ".join(f"{n:,} {name}" for name, n in self.counts.most_common())
            terminal.say(f"{sum(self.counts.values()):,} lines{': ' if counts else ''}{counts}")
        return 0 if sum(self.counts.values()) == sum(self.counts[name] for name in AS_WANTED) else 1


def _why(outcome):
    faults = [f"{path or 'the line'} {message}" for path, messages in outcome.get("errors", {}).items() for message in messages]
    return clean("; ".join(faults) or WORDS.get(outcome["outcome"], "no reason"))


def _import(desks, options):
    tally = _Tally(options.json)
    with contextlib.nullcontext(sys.stdin.buffer) if options.file == "-" else open(options.file, "rb") as file:
        waiting = {desk.name: [] for desk in desks}  # name -> (number, line)
        for number, line in enumerate(file, 1):
            line = line.rstrip(b"\r\n")
            name, fault = _home(line, desks, options.service)
            if fault:
                tally.add(number, {"outcome": "invalid", "errors": {"": [fault]}})
                continue
            if not _fits(waiting[name], line):
                _send(_desk(desks, name), waiting.pop(name), tally, options.why)
                waiting[name] = []
            waiting[name].append((number, line))
        for name, lines in waiting.items():
            _send(_desk(desks, name), lines, tally, options.why)
    return tally.end()


def _desk(desks, name):
    return next(desk for desk in desks if desk.name == name)


def _home(line, desks, service):
    """(the service whose letter it is, None), or (None, what is wrong with the line)."""
    if len(line) >= PIECE_BYTES:
        return None, f"is longer than {PIECE_BYTES} bytes"
    try:
        letter = json.loads(line)
    except ValueError as error:
        return None, f"is no JSON: {error}"
    name = service or (letter.get("service") if isinstance(letter, dict) else None)
    if name not in [desk.name for desk in desks]:
        return None, 'has no "service" that is known; --service names it for all lines'
    return name, None


def _fits(lines, line):
    return len(lines) < PIECE_LINES and sum(len(one) + 1 for _, one in lines) + len(line) + 1 <= PIECE_BYTES


def _send(desk, lines, tally, why):
    if lines:
        for (number, _), outcome in zip(lines, desk.take([line for _, line in lines], why)):
            tally.add(number, {"service": desk.name, **outcome})
