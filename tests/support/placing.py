"""Clients that place orders at a given pace over kept connections, and note how long each took."""

import json
import random
import threading
import time

from support.api import items_of, new_id
from support.history import FAIL, INFO, OK, Attempt, History
from support.rawhttp import KeepAlive

CLIENTS = 4
TIMEOUT_S = 30


class Placing:
    """@rate orders a second until its end (a context manager). A request without a 201 is repeated with its key."""

    def __init__(self, address, products, rate, seed=1, most_units=3):
        self.history = History()
        self._address = address
        self._products = products
        self._most_units = most_units
        self._period_s = CLIENTS / rate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(f"{seed}-{n}",), daemon=True) for n in range(CLIENTS)]

    def _run(self, seed):
        rng, connection = random.Random(seed), KeepAlive(self._address, TIMEOUT_S)
        next_at = time.monotonic()
        while not self._stop.wait(max(0.0, next_at - time.monotonic())):
            next_at = max(next_at + self._period_s, time.monotonic() - 1)  # a delay is not made up for in one go
            attempt = Attempt(new_id(), new_id(), [(p, rng.randint(1, self._most_units)) for p in rng.sample(self._products, 2)])
            while not self._place(connection, attempt) and not self._stop.wait(0.1):
                pass
            self.history.add(attempt)
        connection.close()

    def _place(self, connection, attempt):
        """True when it is accepted."""
        body = json.dumps({"customerId": attempt.customer, "items": items_of(*attempt.items, price=1.25)}).encode()
        started = time.monotonic()
        try:
            answer = connection.call("POST", "/api/orders", body, [f"Idempotency-Key: {attempt.key}"])
        except OSError as error:
            return self._note(attempt, INFO, None, type(error).__name__, started)
        if answer.status == 201:
            attempt.accepted(json.loads(answer.body)["id"])
            return self._note(None, OK, 201, "", started)
        return self._note(attempt, FAIL if answer.status < 500 else INFO, answer.status, str(answer.status), started)

    def _note(self, failed, event, status, detail, started):
        now = time.monotonic()
        self.history.calls.append((now, "place", event, status, detail, (now - started) * 1000))
        if failed is not None:
            failed.placed.append(event)
            failed.detail = detail
        return event == OK

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S + 5)
            assert not thread.is_alive(), "a client never got an answer"
