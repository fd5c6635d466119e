"""A TCP proxy that misbehaves on request: cuts, freezes, delays, slices, and loses what goes one way."""

import contextlib
import ctypes
import random
import socket
import threading
import time

UP, DOWN = "up", "down"  # to the server, to the client
CHUNK = 65536
FINE_BYTES = 200  # of each chunk are sent in slices, the rest as one: all in slices would only be slow


class Weather:
    """What happens to the bytes of one direction. Written by the test, read by the pumps."""

    def __init__(self):
        self.frozen = threading.Event()
        self.lost = False
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.slice_bytes = None


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes on to @target (host, port); a context manager."""

    def __init__(self, target, seed=0):
        self.target = target
        self._random = random.Random(seed)
        self._weather = {UP: Weather(), DOWN: Weather()}
        self._lock = threading.Lock()
        self._pairs = set()
        self._refuses = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.clear()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    # --- the weather --------------------------------------------------------------------------

    def cut(self, share=1.0):
        """Resets that share of the connections (RST, in the middle of whatever is on the way)."""
        with self._lock:
            pairs = [pair for pair in sorted(self._pairs, key=id) if self._random.random() < share]
        for pair in pairs:
            for end in pair:
                _reset(end)

    def refuse(self, refuses=True):
        """New connections are reset at once."""
        self._refuses = refuses

    def freeze(self, *directions):
        """Bytes stay where they are and nothing is closed: a half-open connection."""
        for direction in directions or (UP, DOWN):
            self._weather[direction].frozen.set()

    def lose(self, *directions):
        """Bytes of these directions are taken and dropped."""
        for direction in directions or (UP, DOWN):
            self._weather[direction].lost = True

    def delay(self, delay_s, jitter_s=0.0, directions=(UP, DOWN)):
        """So long waits each piece that is read, and all behind it."""
        for direction in directions:
            self._weather[direction].delay_s, self._weather[direction].jitter_s = delay_s, jitter_s

    def slice(self, size):
        """At most that many bytes a segment."""
        for weather in self._weather.values():
            weather.slice_bytes = size

    def clear(self):
        """Fair weather again. Connections that lost bytes are cut: their stream is broken."""
        lossy = any(weather.lost for weather in self._weather.values())
        self._refuses = False
        for weather in self._weather.values():
            weather.lost, weather.delay_s, weather.jitter_s, weather.slice_bytes = False, 0.0, 0.0, None
            weather.frozen.clear()
        if lossy:
            self.cut()

    # --- the pumps ----------------------------------------------------------------------------

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses:
                _reset(client)
                continue
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        try:
            server = socket.create_connection(self.target, timeout=10)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        pumps = [threading.Thread(target=self._pump, args=(*ends, self._weather[direction]), daemon=True)
                 for direction, ends in ((UP, (client, server)), (DOWN, (server, client)))]
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            end.close()

    def _pump(self, source, sink, weather):
        try:
            while data := source.recv(CHUNK):
                while weather.frozen.is_set():
                    time.sleep(0.01)
                    if source.fileno() < 0:
                        return
                if weather.lost:
                    continue
                self._send(sink, data, weather)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _send(self, sink, data, weather):
        if weather.delay_s or weather.jitter_s:
            time.sleep(max(0.0, weather.delay_s + self._random.uniform(-1, 1) * weather.jitter_s))
        size = weather.slice_bytes
        if size is None:
            sink.sendall(data)
            return
        for start in range(0, min(FINE_BYTES, len(data)), size):
            sink.sendall(data[start:min(start + size, FINE_BYTES)])
        sink.sendall(data[FINE_BYTES:])


def _reset(end):
    """Sends RST and wakes who waits on the socket: what connect(2) does for the family AF_UNSPEC."""
    no_address = ctypes.create_string_buffer(16)
    ctypes.CDLL(None).connect(end.fileno(), no_address, len(no_address))
