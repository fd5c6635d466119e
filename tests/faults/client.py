"""Seeded clients in a process of their own: they place, repeat, cancel and read orders, and write down what they see.

The history file, which support.history reads, is the only truth about what was accepted.
"""

import argparse
import json
import random
import threading
import time
import uuid

from support.rawhttp import KeepAlive

DEADLINE_S = 15.0  # the server's own is 10 s: an answer that takes longer is a hang
DUPLICATE, CANCEL, READ, RETRY = 0.1, 0.1, 0.1, 0.7
RETRIES = 8
PAUSE_S = (0.1, 0.6)  # before a retry, with jitter


class Recorder:
    def __init__(self, path):
        self._file = open(path, "w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, event, **members):
        line = json.dumps({"t": round(time.monotonic(), 6), "event": event, **members})
        with self._lock:
            self._file.write(line + "\n")


class Client:
    """One customer after the other over one connection."""

    def __init__(self, options, recorder, number, stop):
        self._connection = KeepAlive((options.host, options.port), DEADLINE_S)
        self._recorder = recorder
        self._random = random.Random(f"{options.seed}-{number}")
        self._plenty, self._scarce = options.plenty.split(","), options.scarce.split(",")
        self._short = options.short
        self._period_s = options.clients / options.rate
        self._stop = stop

    def run(self):
        due = time.monotonic() + self._random.random() * self._period_s
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._period_s, time.monotonic() - 1.0)  # does not make up for a long pause at once
            self._serve_one()
        self._connection.close()

    def _serve_one(self):
        customer, key, lines = self._uuid(), self._uuid(), self._lines()
        order = self._place_until_known(customer, key, lines)
        if self._random.random() < DUPLICATE:
            self._place(customer, key, lines)
        if order is None:
            return
        if self._random.random() < READ:
            self._call("read", key, "GET", f"/api/orders/{order}", order=order)
        if self._random.random() < CANCEL:
            self._call("cancel", key, "POST", f"/api/orders/{order}/cancel", b"{}", order=order)

    def _uuid(self):
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _lines(self):
        products = self._random.sample(self._plenty, self._random.randint(1, 3))
        if self._random.random() < self._short:
            products.append(self._random.choice(self._scarce))
        return [[product, self._random.randint(1, 3)] for product in products]

    def _place_until_known(self, customer, key, lines):
        """The order's id, or None when the client gave up asking."""
        for _ in range(RETRIES):
            event, order = self._place(customer, key, lines)
            if event == "ok" or self._random.random() > RETRY:
                return order
            if self._stop.wait(self._random.uniform(*PAUSE_S)):
                return None
        return None

    def _place(self, customer, key, lines):
        body = {"customerId": customer,
                "items": [{"productId": p, "quantity": q, "unitPrice": 1.25} for p, q in lines]}
        return self._call("place", key, "POST", "/api/orders", json.dumps(body).encode(),
                          (f"Idempotency-Key: {key}",), customer=customer, lines=lines)

    def _call(self, op, key, method, path, body=b"", headers=(), **members):
        """(event, order id or None)."""
        self._recorder.write("invoke", op=op, key=key, **members)
        started = time.monotonic()
        event, status, order, detail = "info", None, members.get("order"), None
        try:
            answer = self._connection.call(method, path, body, headers)
            status = answer.status
            if status < 300:
                event, order = "ok", json.loads(answer.body)["id"] if op == "place" else order
            elif status < 500:
                event = "fail"
        except TimeoutError:
            detail = "hung"
        except (OSError, ValueError, KeyError) as error:
            detail = type(error).__name__
        self._recorder.write(event, op=op, key=key, status=status, detail=detail, order=order,
                             ms=round((time.monotonic() - started) * 1000, 3))
        return event, order if event == "ok" else None


def main():
    parser = argparse.ArgumentParser()
    for name in ("host", "seed", "history", "plenty", "scarce"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("port", "clients"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("rate", "short"):
        parser.add_argument(f"--{name}", type=float, required=True)
    options = parser.parse_args()
    stop = threading.Event()
    recorder = Recorder(options.history)
    clients = [Client(options, recorder, n, stop) for n in range(options.clients)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    try:
        input()  # runs until its parent closes standard input
    except (EOFError, KeyboardInterrupt):
        pass
    stop.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
