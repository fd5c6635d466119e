"""./cartwheel import: quantities from a file to the stock API, in pieces."""

import collections
import contextlib
import http.client
import json
import os
import sys
import time
from pathlib import Path

from launcher import terminal, web
from launcher.layout import LauncherError, read_json
from launcher.system import running_system
from launcher.usage import UsageError, count

from .dlq import clean

PIECE_LINES = 1000  # what the API takes at once (docs/contract.md, 2.3)
PIECE_BYTES = 128 * 1024
CALL_SECONDS = 30
PATIENCE_SECONDS = 60  # for an API that is being restarted, or whose database is away
PAUSE_SECONDS = 1
FRESH_SECONDS = 10  # a connection that nobody used for longer may be about to be closed
SHOWN = 20  # lines that went otherwise than was wanted
AS_WANTED = ("created", "set", "unchanged")
UNAVAILABLE = "urn:cartwheel:problem:unavailable"  # nothing was done


def add_arguments(command):
    command.add_argument("file", metavar="FILE", help='a line each: {"productId": ..., "quantity": ..., "expected": ...}; - is standard input')
    command.add_argument("--existing", choices=("keep", "set"), default="keep",
                         help="products that have another quantity, where no line says what is expected (keep)")
    command.add_argument("--from-line", type=count, default=1, metavar="N", help="begin with this line of the file")
    command.add_argument("--endpoints", metavar="FILE", help="an endpoints.json, in place of that of what runs here")
    command.add_argument("--url", help="the address of a stock API, in place of the one that runs here")
    command.add_argument("--json", action="store_true", help="every outcome as a JSON line")


def check(options):
    """Whether the command is asked for rightly."""
    if options.url and options.endpoints:
        raise UsageError("--url and --endpoints name the same thing: give one of them")


def run(layout, options):
    """The command; exit code 0 when every line's quantity is on hand now."""
    url, token, trust = _api(layout, options)
    client = Client(url, token, options.existing, _complain, trust)
    report = Report(options.json)
    with contextlib.closing(client), _opened(options.file) as file, _progress(options.json) as progress:
        size = os.fstat(file.fileno()).st_size if options.file != "-" else 0
        progress.begin("import", "0 lines")
        for piece in pieces(read_lines(file), options.from_line):
            try:
                report.add(piece, client.send(piece.body()) if piece.lines else [])
            except (LauncherError, KeyboardInterrupt):
                report.end(progress, f"lines before {piece.first} are done: --from-line {piece.first} goes on")
                raise
            read = f", {100 * piece.read // size} %" if size else ""
            progress.update("import", f"{report.lines:,} lines{read}")
        report.end(progress)
    return 0 if report.all_as_wanted() else 1


def _api(layout, options):
    """Its address, a token for it: the reader's, or the one that stands beside the address; and whom to trust there."""
    if options.url:
        return options.url, os.environ.get("ACCESS_TOKEN"), None
    if not options.endpoints:
        running_system(layout, "stock-api")
    endpoints = read_json(Path(options.endpoints)) if options.endpoints else layout.endpoints()
    if not endpoints or "stock_api" not in endpoints:
        raise LauncherError(f"{options.endpoints or layout.endpoints_file} names no stock_api")
    token = os.environ.get("ACCESS_TOKEN") or endpoints.get("token")
    return endpoints["stock_api"], token, web.holder_of(endpoints.get("certificate_file"))


def _opened(name):
    return contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb")


class _NoProgress(contextlib.nullcontext):
    def begin(self, *_):
        pass

    update = done = note = begin

    def __enter__(self):
        return self


def _progress(as_json):
    return _NoProgress() if as_json else terminal.Progress()


def _complain(text):
    print(f"cartwheel: {text}", file=sys.stderr, flush=True)


# ---- the file ----


def read_lines(file):
    """(number, text, how much was read with it) of each line that is not blank; the text is None when it is too long."""
    number = read = 0
    while line := file.readline(PIECE_BYTES + 1):
        number += 1
        read += len(line)
        text = line.rstrip(b"\r\n")
        if len(text) > PIECE_BYTES - 1:  # with its end it is no piece
            while line and not line.endswith(b"\n"):
                line = file.readline(PIECE_BYTES)
                read += len(line)
            text = None
        if text is None or text.strip():
            yield number, text, read


class Piece:
    """Lines that are sent together."""

    def __init__(self, first):
        self.first = first  # the number of its first line in the file, as below
        self.lines = []  # (number, text)
        self.too_long = []  # numbers
        self.bytes = 0
        self.read = 0  # of the file, with this piece

    def takes(self, text):
        return len(self.lines) < PIECE_LINES and self.bytes + len(text) + 1 <= PIECE_BYTES

    def add(self, number, text, read):
        if text is None:
            self.too_long.append(number)
        else:
            self.lines.append((number, text))
            self.bytes += len(text) + 1
        self.read = read

    def body(self):
        return b"".join(text + b"\n" for _, text in self.lines)


def pieces(lines, first=1):
    """The lines from number @first on, in pieces that the API takes."""
    piece = None
    for number, text, read in lines:
        if number < first:
            continue
        if piece is not None and text is not None and not piece.takes(text):
            yield piece
            piece = None
        piece = piece or Piece(number)
        piece.add(number, text, read)
    if piece is not None:
        yield piece


# ---- the API ----


class Client:
    """The stock API. What it did not answer is sent again where that is safe: always when nothing was done, and unless
    existing quantities are set also when it may have been."""

    def __init__(self, url, token, existing, say, trust=None, patience=PATIENCE_SECONDS):
        self._connection = web.connection(url, CALL_SECONDS, trust)
        self._url, self._existing, self._say, self._patience = url, existing, say, patience
        self._headers = {"Content-Type": "application/x-ndjson"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._used = 0

    def close(self):
        self._connection.close()

    def send(self, body):
        """The outcome of each line."""
        deadline, told = time.monotonic() + self._patience, False
        while True:
            what, pause, outcomes = self._try(body)
            if outcomes is not None:
                return outcomes
            if time.monotonic() + pause > deadline:
                raise LauncherError(f"{self._url} {what}")
            if not told:
                self._say(f"{self._url} {what}; trying again for {self._patience} s")
            told = True
            time.sleep(pause)

    def _try(self, body):
        """(what went wrong, seconds until the next try, None), or (None, 0, outcomes)."""
        if time.monotonic() - self._used > FRESH_SECONDS:
            self.close()
        try:
            if self._connection.sock is None:
                self._connection.connect()
        except OSError as error:  # nothing was sent
            self.close()
            return f"does not answer: {error or type(error).__name__}", PAUSE_SECONDS, None
        try:
            self._connection.request("POST", f"/api/stocks/import?existing={self._existing}", body, self._headers)
            response = self._connection.getresponse()
            content = response.read()
            self._used = time.monotonic()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return self._unknown(f"did not answer: {error or type(error).__name__}")
        if response.status == 200:
            return None, 0, _outcomes(content, body.count(b"\n"), self._url)
        problem = _problem(content)
        if response.status != 503:
            raise LauncherError(f"{self._url} answers {response.status}: {_words(problem)}")
        what = f"answers 503: {_words(problem)}"
        if problem.get("type") != UNAVAILABLE:
            return self._unknown(what)
        return what, int(response.getheader("Retry-After") or PAUSE_SECONDS), None

    def _unknown(self, what):
        if self._existing == "set":
            raise LauncherError(f"{self._url} {what}. Whether the quantities were set is not known, and orders may have taken "
                                "some since: look before they are set again")
        return what, PAUSE_SECONDS, None


def _outcomes(content, expected, url):
    try:
        outcomes = [json.loads(line) for line in content.splitlines()]
    except ValueError:
        outcomes = []
    if len(outcomes) != expected:
        raise LauncherError(f"{url} is no stock API: it answers {len(outcomes)} of {expected} lines")
    return outcomes


def _problem(content):
    try:
        problem = json.loads(content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _words(problem):
    return _faults(problem.get("errors") or {}) or clean(problem.get("detail") or problem.get("title") or "no reason")


def _faults(errors):
    return "; ".join(clean(f"{path or 'the line'} {message}") for path, messages in errors.items() for message in messages)


# ---- what became of it ----


class Report:
    def __init__(self, as_json):
        self.lines = 0
        self._as_json = as_json
        self._counts = collections.Counter()
        self._others = []  # sentences

    def add(self, piece, outcomes):
        told = [{**outcome, "line": number} for (number, _), outcome in zip(piece.lines, outcomes)]
        told += [{"line": number, "outcome": "invalid", "errors": {"": [f"is longer than {PIECE_BYTES} bytes"]}}
                 for number in piece.too_long]
        for outcome in sorted(told, key=lambda one: one["line"]):
            self.lines += 1
            self._counts[outcome["outcome"]] += 1
            if self._as_json:
                terminal.say(json.dumps(outcome))
            elif outcome["outcome"] not in AS_WANTED and len(self._others) < SHOWN:
                self._others.append(_sentence(outcome))

    def all_as_wanted(self):
        return self.lines == sum(self._counts[name] for name in AS_WANTED)

    def end(self, progress, rest=None):
        """Says what became of all lines."""
        counts = ", ".join(f"{n:,} {name}" for name, n in self._counts.most_common())
        progress.done("import", f"{self.lines:,} lines{': ' if counts else ''}{counts}", "red" if rest else "green")
        for sentence in self._others:
            progress.note(sentence)
        hidden = self.lines - sum(self._counts[name] for name in AS_WANTED) - len(self._others)
        if self._others and hidden > 0:
            progress.note(f"and {hidden:,} more; --json shows all")
        if rest and not self._as_json:
            progress.note(rest)
        elif rest:
            _complain(rest)


def _sentence(outcome):
    there = f": {outcome['quantity']:,} on hand" if "quantity" in outcome else ""
    why = f": {_faults(outcome['errors'])}" if "errors" in outcome else there
    return f"line {outcome['line']:,} is {outcome['outcome']}{why}"
