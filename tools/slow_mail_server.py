"""A mail server on 127.0.0.1 that takes every mail, and takes its time: slow_mail_server.py PORT SECONDS

./cartwheel break slow-mail starts it. It keeps no mail. Started by root it becomes nobody first.
"""

import contextlib
import socketserver
import sys
import time

from launcher.accounts import NOBODY, Account

IDLE_SECONDS = 60
LINE_BYTES = 65536
ANSWERS = {b"EHLO": b"250 slow", b"HELO": b"250 slow", b"MAIL": b"250 ok", b"RCPT": b"250 ok", b"RSET": b"250 ok",
           b"NOOP": b"250 ok"}


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port, seconds):
        super().__init__(("127.0.0.1", port), Session)
        self.seconds = seconds  # from the end of a mail to its answer


class Session(socketserver.StreamRequestHandler):
    timeout = IDLE_SECONDS

    def handle(self):
        with contextlib.suppress(OSError):
            self._say(b"220 slow")
            while line := self.rfile.readline(LINE_BYTES):
                verb = line[:4].upper()
                if verb == b"QUIT":
                    self._say(b"221 bye")
                    return
                if verb == b"DATA":
                    self._take_mail()
                else:
                    self._say(ANSWERS.get(verb, b"502 no"))

    def _take_mail(self):
        self._say(b"354 go on")
        while (line := self.rfile.readline(LINE_BYTES)) not in (b".\r\n", b""):
            pass
        time.sleep(self.server.seconds)
        self._say(b"250 taken")

    def _say(self, text):
        self.wfile.write(text + b"\r\n")


def main(port, seconds):
    Account(NOBODY).become()
    Server(port, seconds).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
