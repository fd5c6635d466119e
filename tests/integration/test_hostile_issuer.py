"""An issuer that answers without end, or byte by byte: it costs neither memory nor anybody else's time."""

import contextlib
import time

import requests
from launcher.issuer import Issuer

from support.child import child
from support.provider import Provider
from support.waits import eventually

MISSED = "the issuer gives no keys"
ROOM = 32 * 1024 * 1024  # of memory: several times what a key set may have


def endless(write):
    write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
    while True:
        write(b" " * 65536)


def byte_by_byte(write):
    write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        write(b" ")
        time.sleep(0.1)


def endless_head(write):
    write(b"HTTP/1.1 200 OK\r\n")
    while True:
        write(b"X-More: " + b"x" * 16000 + b"\r\n")


FAULTS = {endless: "longer than 262144 bytes", byte_by_byte: "timed out", endless_head: "the head of the answer is too long"}


def status(process, token):
    return requests.get(process.base + "/api/stocks", headers={"Authorization": f"Bearer {token}"}, timeout=2).status_code


def memory(process):
    return process.metrics().value("process_resident_memory_bytes")


def test_an_issuer_without_end(system, tmp_path):
    """Keys that are known stay of use meanwhile, requests are answered at once, and a good answer ends it."""
    stranger = Issuer(tmp_path / "stranger")
    stranger.create()
    with contextlib.closing(Provider(tmp_path)) as provider, child(system, "stock-api", provider.settings) as process:
        known, unknown = provider.issuer.token("shop", ["shop"]), stranger.token("eve", ["admin"])
        assert status(process, known) == 200
        before = memory(process)
        for times, (stream, fault) in enumerate(FAULTS.items(), start=1):
            provider.stream = stream
            seen = set()

            def is_missed():
                seen.add((status(process, unknown), status(process, known)))
                return process.log.count(MISSED) == times

            eventually(is_missed, f"{stream.__name__} to be given up", 40)
            assert seen == {(401, 200)}
            assert fault in [line for line in process.log.splitlines() if MISSED in line][-1]
            assert process.is_ready()
            provider.stream = None
            eventually(lambda: process.log.count("the issuer works again") == times, "the issuer to be asked again", 40)
        assert memory(process) - before < ROOM
