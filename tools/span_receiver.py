"""Takes spans over OTLP/HTTP on 127.0.0.1 and keeps them in a folder: span_receiver.py PORT FOLDER

./cartwheel up --observe starts it, ./cartwheel trace reads the folder. Started by root it becomes nobody first.
"""

import http.server
import sys
import threading
from pathlib import Path

from launcher.accounts import NOBODY, Account
from launcher.otlp import decode
from launcher.spans import Store

PATH = "/v1/traces"
BODY_BYTES = 8 * 1024 * 1024  # of a request at most; ours are far below
IDLE_SECONDS = 120


class Receiver(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, store):
        super().__init__(("127.0.0.1", port), Handler)
        self._lock = threading.Lock()  # guards the store
        self._store = store

    def keep(self, body):
        """Of the answer the status."""
        try:
            spans = decode(body)
        except ValueError:
            return 400
        try:
            with self._lock:
                self._store.add(spans)
        except OSError as error:
            print(f"cannot keep spans: {error}", file=sys.stderr, flush=True)
            return 503
        return 200


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self):  # only whether we are there
        self._answer(200 if self.path == PATH else 404)

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if self.path != PATH or not length.isdecimal() or int(length) > BODY_BYTES:
            self.close_connection = True  # the body is not read
            self._answer(404 if self.path != PATH else 413 if length else 411)
            return
        self._answer(self.server.keep(self.rfile.read(int(length))))

    def _answer(self, status):
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *unused):
        pass


def main(port, folder):
    account = Account(NOBODY)
    account.own(folder)
    account.become()
    Receiver(port, Store(folder)).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
