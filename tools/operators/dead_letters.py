"""The admin API of the workers' dead letters, as an operator's tool sees it (docs/contract.md, 2.7)."""

import http.client
import json
import sys
import time
from urllib.parse import quote, urlencode

from launcher import web
from launcher.layout import LauncherError

PAGE = 1000
NDJSON = "application/x-ndjson"  # a body that is bytes, and an answer whose lines are wanted
CALL_SECONDS = 30
PATIENCE_SECONDS = 60  # for a worker that is being restarted, or whose database is away
PAUSE_FIRST_SECONDS = 0.1
PAUSE_MAX_SECONDS = 2


def _next(link):
    """Where a list goes on, of its header Link; None: nowhere."""
    return link[1 : link.index(">")] if link else None


class Pace:
    """Lets one act through every 1/rate seconds. What was not used is not saved up: no bursts."""

    def __init__(self, rate, clock=time.monotonic, sleep=time.sleep):
        self._gap = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._last = None

    def wait(self):
        if self._last is not None:
            while (left := self._last + self._gap - self._clock()) > 0:
                self._sleep(left)
        self._last = self._clock()


class Outcome:
    """What became of one letter."""

    def __init__(self, done, why=None):
        self.done = done
        self.why = why  # of one that was refused


class Desk:
    """One address where operators are served: asks again while it is away. @trust: whom over TLS, see web.py."""

    def __init__(self, name, url, token, say, trust=None, patience=PATIENCE_SECONDS, what="the admin address of a worker"):
        self.name = name
        self._what = what
        self._url, self._trust = url, trust
        self._token = token
        self._say = say
        self._patience = patience
        self._connection = None

    def _get(self, path):
        status, answer, _ = self._call("GET", path)
        return self._expect(200, status, answer)

    def _expect(self, expected, status, answer):
        if status == expected:
            return answer
        text = answer.get("detail") or answer.get("title") or ""
        faults = "; ".join(
            f"{path or 'the request'} {message}"
            for path, messages in answer.get("errors", {}).items()
            for message in messages
        )
        raise LauncherError(f"{self.name} at {self._url} answers {status}: {faults or text}")

    def _call(self, method, path, body=None, headers=None):
        """(status, value, whether an earlier try may have arrived). Waits for a worker that is away:
        asking again is safe, because what is done is done once."""
        deadline = time.monotonic() + self._patience
        pause, again = PAUSE_FIRST_SECONDS, False
        while True:
            try:
                status, answer = self._try(method, path, body, headers)
                if status != 503:
                    return status, answer, again
                what = f"answers 503: {answer.get('detail', '')}"
            except (OSError, http.client.HTTPException) as error:
                self.close()
                what = f"does not answer: {error or type(error).__name__}"
            if time.monotonic() > deadline:
                raise LauncherError(
                    f"{self.name} at {self._url} {what}; what was done is done: run the same command again"
                )
            if not again:
                self._say(f"{self.name} {what}; trying again for {self._patience} s")
            again = True
            time.sleep(pause)
            pause = min(pause * 2, PAUSE_MAX_SECONDS)

    def _try(self, method, path, body, headers):
        if self._connection is None:
            self._connection = web.connection(self._url, CALL_SECONDS, self._trust)
        kind = NDJSON if isinstance(body, bytes) else "application/json"
        headers = {**(headers or {}), "Authorization": f"Bearer {self._token}", "Content-Type": kind}
        text = body if body is None or isinstance(body, bytes) else json.dumps(body)
        self._connection.request(method, path, text, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.getheader("Content-Type") == NDJSON:
            return response.status, {"lines": content.splitlines(), "next": _next(response.getheader("Link"))}
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise LauncherError(f"{self._url} is not {self._what} (it answers {response.status})")
        return response.status, answer

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class DeadLetterAdmin(Desk):
    """The dead letters of one service, at one of its workers."""

    def letters(self, filters, limit=None):
        """Yields the letters that match, oldest first."""
        cursor, left = None, limit
        while left is None or left > 0:
            query = {**filters, "limit": PAGE if left is None else min(PAGE, left)}
            if cursor is not None:
                query["cursor"] = cursor
            page = self._get("/dead-letters?" + urlencode(query))
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    def letter(self, letter_id):
        """The letter with its body; None when this service has none of that id."""
        status, answer, _ = self._call("GET", f"/dead-letters/{quote(letter_id, safe='')}")
        return None if status == 404 else self._expect(200, status, answer)

    def act(self, act, letter_id, request):
        """Replays or discards a letter; None when there is none of that id."""
        path = f"/dead-letters/{quote(letter_id, safe='')}/{act}"
        status, answer, again = self._call("POST", path, request)
        if status == 404:
            return None
        if status == 409:
            if again and self._did(act, letter_id, request):
                return Outcome(True)
            return Outcome(False, answer["detail"])
        self._expect(200, status, answer)
        return Outcome(True)

    def announce(self, order_id, request):
        """Has a final order announced again; None when there is none of that id. Asking twice is safe:
        it is the same event."""
        status, answer, _ = self._call("POST", f"/orders/{quote(order_id, safe='')}/announce", request)
        if status == 404:
            return None
        if status == 409:
            return Outcome(False, answer["detail"])
        self._expect(200, status, answer)
        return Outcome(True)

    def _did(self, act, letter_id, request):
        """Whether an earlier try, whose answer never came, did what is refused now."""
        letter = self.letter(letter_id)
        done = {"replay": "replayed", "discard": "discarded"}[act]
        return letter is not None and (letter["state"], letter.get("actedBy"), letter.get("actedWhy")) == (
            done, request["by"], request["why"],
        )  # fmt: skip


def clean(text):
    """What a stranger wrote must not steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def complain(text):
    print(f"cartwheel: {text}", file=sys.stderr, flush=True)
