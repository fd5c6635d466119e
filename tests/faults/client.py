"""Seeded clients in a process of their own: they place, repeat, cancel and read orders, and write down what they see.

The history file is the only truth about what was accepted. One JSON object a line:
  {"t", "event": "invoke", "op", "key", ...}       before a request is sent
  {"t", "event": "ok" | "fail" | "info", ...}      what became of it; info: nobody knows
Times are CLOCK_MONOTONIC, which all processes of the machine share.
"""

import argparse
import json
import random
import socket
import threading
import time
import uuid

DEADLINE_S = 15.0  # the server's own is 10 s: an answer that takes longer is a hang
DUPLICATE, CANCEL, READ, RETRY = 0.1, 0.1, 0.1, 0.7
RETRIES = 8
PAUSE_S = (0.1, 0.6)  # before a retry, with jitter


class Hung(Exception):
    """No answer before the deadline."""


class Connection:
    """One keep-alive HTTP connection by hand: a request costs this side some 100 microseconds."""

    def __init__(self, address):
        self._address = address
        self._socket = None

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def call(self, method, path, body=b"", headers=()):
        """(status, body); OSError when the connection fails, Hung after DEADLINE_S."""
        deadline = time.monotonic() + DEADLINE_S
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, timeout=DEADLINE_S)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.settimeout(DEADLINE_S)
            self._socket.sendall(_request(method, path, body, headers))
            return self._answer(deadline)
        except TimeoutError as error:
            self.close()
            raise Hung from error
        except OSError:
            self.close()
            raise

    def _more(self, deadline):
        self._socket.settimeout(max(0.01, deadline - time.monotonic()))
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("closed before the answer was whole")
        return data

    def _answer(self, deadline):
        data = self._more(deadline)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more(deadline)
        head = data[:end].lower()
        size = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        while len(data) < end + 4 + size:
            data += self._more(deadline)
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), data[end + 4:end + 4 + size]


def _request(method, path, body, headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: orders", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


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
        self._connection = Connection((options.host, options.port))
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
            status, answer = self._connection.call(method, path, body, headers)
            if status < 300:
                event, order = "ok", json.loads(answer)["id"] if op == "place" else order
            elif status < 500:
                event = "fail"
        except Hung:
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
