"""A log-in to an AMQP 0-9-1 broker, by hand: true only when clients really can work.

A listening socket is no proof (the port opens while the broker still boots), and rabbitmqctl takes
seconds. So: protocol header, start/start-ok, tune/tune-ok, open/open-ok, close.
"""

import socket
import ssl
import struct

START, START_OK, TUNE, TUNE_OK, OPEN, OPEN_OK, CLOSE, CLOSE_OK = 10, 11, 30, 31, 40, 41, 50, 51
CONNECTION_CLASS = 10
METHOD_FRAME = 1
FRAME_END = b"\xce"
MAX_FRAME = 131072


def login_problem(port, user, password, vhost, ca_file=None, seconds=5):
    """None when the log-in works, over TLS with a @ca_file; else a few words that say how far it came."""
    try:
        with _connect(port, ca_file, seconds) as connection:
            return _log_in(connection.makefile("rwb"), user, password, vhost)
    except OSError:
        return "starting"


def _connect(port, ca_file, seconds):
    connection = socket.create_connection(("127.0.0.1", port), timeout=seconds)
    if ca_file is None:
        return connection
    try:
        return ssl.create_default_context(cafile=ca_file).wrap_socket(connection, server_hostname="localhost")
    except BaseException:
        connection.close()
        raise


def _log_in(stream, user, password, vhost):
    stream.write(b"AMQP\x00\x00\x09\x01")
    stream.flush()
    if (found := _method(stream)) != START:
        return f"starting (no greeting, {found})"
    response = b"\0" + user.encode() + b"\0" + password.encode()
    start_ok = struct.pack(">I", 0) + _short(b"PLAIN") + struct.pack(">I", len(response)) + response
    _send(stream, START_OK, start_ok + _short(b"en_US"))
    if (found := _method(stream)) != TUNE:
        return "the broker refuses our user" if found in (CLOSE, None) else f"unexpected method {found}"
    _send(stream, TUNE_OK, struct.pack(">HIH", 1, MAX_FRAME, 0))
    _send(stream, OPEN, _short(vhost.encode()) + b"\0\0")
    if _method(stream) != OPEN_OK:
        return f"virtual host {vhost} is not there yet"
    _send(stream, CLOSE, struct.pack(">H", 200) + _short(b"probe") + struct.pack(">HH", 0, 0))
    _method(stream)
    return None


def _short(text):
    return bytes([len(text)]) + text


def _send(stream, method, arguments):
    payload = struct.pack(">HH", CONNECTION_CLASS, method) + arguments
    stream.write(struct.pack(">BHI", METHOD_FRAME, 0, len(payload)) + payload + FRAME_END)
    stream.flush()


def _method(stream):
    """The next method's number on the connection class; None when the broker hung up."""
    header = stream.read(7)
    if len(header) < 7:
        return None
    kind, _, size = struct.unpack(">BHI", header)
    payload = stream.read(size + 1)
    if kind != METHOD_FRAME or len(payload) != size + 1 or size < 4:
        return None
    return struct.unpack(">H", payload[2:4])[0]
