"""Small servers that answer what a test says, in place of somebody else's: plain HTTP, and the beginning of TLS."""

import contextlib
import http.server
import json
import socket
import ssl
import threading


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = self.server.answers.get(self.path.partition("?")[0], (404, {}))
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response_only(status)
        self.send_header("Date", self.server.date or self.date_time_string())
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def answering(answers, date=None):
    """An HTTP server: {path: (status, JSON value or text)}; its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answers, server.date = answers, date
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def showing(certificate, key, postgres=False):
    """Shows the certificate to each who comes, and closes; with @postgres it is asked for TLS as PostgreSQL is. Its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with plain, contextlib.suppress(OSError):
                    if postgres and len(plain.recv(8)) == 8:
                        plain.sendall(b"S")
                    with context.wrap_socket(plain, server_side=True) as wrapped:
                        wrapped.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
