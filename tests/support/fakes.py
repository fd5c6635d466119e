"""Servers that stand in for the outside world: customer service, HTTP channel, SMTP sink."""

import contextlib
import email
import email.policy
import http.server
import json
import socketserver
import threading

from support.waits import eventually

# No customer service: mail goes to made-up addresses, one for each customer.
MADE_UP = {"MADE_UP_ADDRESSES": "send"}


def later(status, retry_after):
    """An answer of FakeHttp that asks to be called later: @retry_after seconds, or a date."""
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Retry-After", str(retry_after))
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    return status, answer


class _Served:
    """Serves on localhost, in threads, until the end of the block."""

    def __init__(self, server, scheme):
        self._server = server
        self.port = server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class FakeHttp(_Served):
    """Answers every request with respond(method, path, body) -> (status, object or None).

    A status of None closes the connection without an answer. An answer that is a function is
    given the handler, writes whatever it likes, and the connection is closed. With a @context it speaks TLS.
    """

    def __init__(self, respond, port=0, context=None):
        self.requests = []
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                with outer._lock:
                    outer.requests.append((self.command, self.path, dict(self.headers), body))
                status, answer = respond(self.command, self.path, body)
                if status is None:
                    self.close_connection = True
                    return
                if callable(answer):
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        answer(self)
                    return
                data = b"" if answer is None else json.dumps(answer).encode()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            do_GET = do_POST = _serve

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        server = Server(("127.0.0.1", port), Handler)
        if context is not None:  # each connection shakes hands in its own thread
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        super().__init__(server, "http" if context is None else "https")

    def count(self, part):
        """Requests whose path or body holds @part."""
        with self._lock:
            return sum(part in path or part.encode() in body for _, path, _, body in self.requests)

    def wait(self, part, timeout=15):
        """The first request whose path or body holds @part: (method, path, headers, body)."""
        def probe():
            with self._lock:
                return next((r for r in self.requests if part in r[1] or part.encode() in r[3]), None)
        return eventually(probe, f"a request with {part!r} at the fake server", timeout)


class FakeSmtp(_Served):
    """An SMTP sink: keeps (sender, recipients, message); @refuse(recipient) gives an error line.

    @instead(step, message or None) may give another answer to "greeting", "EHLO", "MAIL", "RCPT", "DATA" or "text",
    or raise a ConnectionError to hang up. A mail is kept when its text was answered by a 2xx.
    """

    def __init__(self, refuse=lambda recipient: None, instead=lambda step, message: None, port=0):
        self.mails = []
        self._lock = threading.Lock()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(ConnectionError):
                    outer._session(self.rfile, self.wfile, refuse, instead)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        super().__init__(Server(("127.0.0.1", port), Handler), "smtp")

    def _session(self, lines, out, refuse, instead):
        def say(step, usual, message=None):
            """Whether it was no refusal."""
            text = instead(step, message) or usual
            out.write(text.encode() + b"\r\n")
            out.flush()
            return text[0] in "23"

        sender, recipients = None, []
        say("greeting", "220 sink ready")
        for raw in lines:
            line = raw.decode("latin-1").rstrip("\r\n")
            verb = line[:4].upper()
            if verb in ("EHLO", "HELO"):
                say("EHLO", "250 sink")
            elif verb == "MAIL":
                sender, recipients = _address(line), []
                say(verb, "250 ok")
            elif verb == "RCPT":
                if say(verb, refuse(_address(line)) or "250 ok"):
                    recipients.append(_address(line))
            elif verb == "DATA":
                if say(verb, "354 go on"):
                    message = _text(lines)
                    if say("text", "250 kept", message):
                        self._keep(sender, recipients, message)
            elif verb == "QUIT":
                say(verb, "221 bye")
                return
            else:
                say(verb, "250 ok" if verb in ("RSET", "NOOP") else "502 no")

    def _keep(self, sender, recipients, message):
        with self._lock:
            self.mails.append((sender, recipients, message))

    def to(self, recipient):
        with self._lock:
            return [mail for mail in self.mails if recipient in mail[1]]

    def wait(self, recipient, timeout=15):
        return eventually(lambda: self.to(recipient), f"a mail to {recipient}", timeout)[0]


def _text(lines):
    data = b""
    for line in lines:
        if line == b".\r\n":
            break
        data += line[1:] if line.startswith(b"..") else line
    return email.message_from_bytes(data, policy=email.policy.default)


def _address(line):
    return line[line.index("<") + 1:line.index(">")]
