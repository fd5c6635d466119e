"""Servers with certificates of our choice that let nobody in, and keep what they were told."""

import contextlib
import socket
import ssl
import struct
import threading

AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
SSL_REQUEST = struct.pack(">II", 8, 80877103)  # PostgreSQL's wish for TLS, before anything else
HANDSHAKE = 0x16  # first byte of a TLS connection


def tls_context(certificate, key, client_ca=None):
    """What such a server shows; with @client_ca it demands a certificate of the other side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Listener:
    """Accepts on localhost; with a @context it speaks TLS, without one it says what a plain server says."""

    def __init__(self, context=None, postgres=False):
        self.outside = []  # the first bytes of each connection, before TLS
        self.inside = []  # what came through TLS
        self._context, self._postgres = context, postgres
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            if self._postgres:
                self.outside.append(connection.recv(4096))
                connection.sendall(b"N" if self._context is None else b"S")
            else:
                self.outside.append(connection.recv(8, socket.MSG_PEEK))
            if self._context is not None:
                with self._context.wrap_socket(connection, server_side=True) as secure:
                    self.inside.append(secure.recv(4096))
                return
            if not self._postgres:
                connection.sendall(AMQP_HEADER)
            self.outside.append(connection.recv(4096))

    def assert_told_nothing_in_the_clear(self):
        """Each connection asked for TLS, and a server without it was told nothing else."""
        assert self.outside
        for told in self.outside:
            is_tls = told[:1] == bytes([HANDSHAKE])
            assert not told or is_tls or (self._postgres and told == SSL_REQUEST), told
