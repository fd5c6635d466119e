"""HTTP by hand over a socket, for what no decent client would send."""

import dataclasses
import socket
import time

from support import tokens


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def closes(self):
        return self.headers.get("connection", "").lower() == "close"


class RawConnection:
    """A socket with a deadline on everything."""

    def __init__(self, address, timeout=10.0):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Sends; a peer that already hung up is not an error here (its answer tells)."""
        self.socket.settimeout(self.timeout)
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self, deadline):
        self.socket.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return False
        self._buffer += data
        return bool(data)

    def answer(self, head_only=False):
        """The next answer, or None when the peer closed before one was complete."""
        deadline = time.monotonic() + self.timeout
        while b"\r\n\r\n" not in self._buffer:
            if not self._more(deadline):
                return None
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {n.strip().lower(): v.strip() for n, _, v in (l.partition(":") for l in lines[1:])}
        if status == 100:
            self._buffer = rest
            return self.answer(head_only)
        size = 0 if head_only or status in (204, 304) else int(headers.get("content-length", "0"))
        self._buffer = rest
        while len(self._buffer) < size:
            if not self._more(deadline):
                return None
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Answer(status, headers, body)

    def is_closed(self, within=5.0):
        """Whether the peer closes within that time without sending another answer."""
        deadline = time.monotonic() + within
        try:
            while self._more(deadline):
                if self._buffer:
                    return False
        except socket.timeout:
            return False
        return not self._buffer


def exchange(address, data, timeout=10.0):
    """Sends @data on a new connection; all the answers until the peer closes or falls silent."""
    answers = []
    with RawConnection(address, timeout) as connection:
        connection.send(data)
        try:
            while (answer := connection.answer()) is not None:
                answers.append(answer)
                if answer.closes:
                    break
                connection.timeout = 0.5
        except socket.timeout:
            pass
    return answers


def request(method, path, body=b"", headers=(), *, host="localhost", length=None):
    """The bytes of a request, with the run's token; what a POST brings (bytes) is JSON."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}",
             f"Content-Length: {len(body) if length is None else length}", *headers,
             *(f"{name}: {value}" for name, value in tokens.headers().items())]
    if method == "POST":
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def post(path, body, *, headers=(), **more):
    """The bytes of a POST of @body (bytes)."""
    return request("POST", path, body, headers, **more)


class KeepAlive:
    """Requests one after the other over a connection that is opened again when it was lost. A request costs this side
    some 100 microseconds."""

    def __init__(self, address, timeout):
        self._address = address
        self._timeout = timeout
        self._connection = None

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(self, method, path, body=b"", headers=()):
        """The Answer; OSError when the connection fails, which a TimeoutError is too."""
        try:
            if self._connection is None:
                self._connection = RawConnection(self._address, self._timeout)
            self._connection.send(request(method, path, body, headers))
            answer = self._connection.answer()
            if answer is None:
                raise ConnectionResetError("closed before the answer was whole")
        except OSError:
            self.close()
            raise
        if answer.closes:
            self.close()
        return answer
