"""An issuer of tokens over HTTPS, as an API finds one: its description and its keys."""

import contextlib
import http.server
import json
import threading

from launcher.certificates import Authority
from launcher.issuer import Issuer

from support.listeners import tls_context

DESCRIPTION = "/.well-known/openid-configuration"
KEYS = "/keys"


class Provider:
    """Serves while it is open; at the same address whenever it is opened again."""

    def __init__(self, folder):
        authority = Authority(folder / "tls")
        authority.create()
        self.ca_file = str(authority.file)
        self._context = tls_context(*authority.issue("issuer"))
        self._server = self._listen(0)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self.issuer = Issuer(folder, self.url)
        self.issuer.create()
        self.keys = [self.issuer.jwk()]
        self.stream = None  # in place of an answer: called with what sends bytes, for as long as somebody reads them
        self.asked = []

    @property
    def settings(self):
        return {"AUTH_ISSUER": self.url, "AUTH_CA_FILE": self.ca_file, "AUTH_JWKS_FILE": None}

    def answer(self, path):
        """What is served under @path; a test may say something else."""
        if path == DESCRIPTION:
            return {"issuer": self.url, "jwks_uri": self.url + KEYS}
        return {"keys": self.keys} if path == KEYS else None

    def _listen(self, port):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                if provider.stream is not None:
                    provider.stream(self.wfile.write)
                    return
                told = provider.answer(self.path)
                body = json.dumps(told).encode()
                self.send_response(404 if told is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # whoever does not trust us hangs up

        server = Server(("127.0.0.1", port), Handler)
        server.socket = self._context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @contextlib.contextmanager
    def away(self):
        port = self._server.server_address[1]
        self.close()
        try:
            yield
        finally:
            self._server = self._listen(port)
