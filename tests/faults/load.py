"""The clients' process."""

import subprocess
import sys
from pathlib import Path

from support.waits import eventually

CLIENT = Path(__file__).with_name("client.py")


class Load:
    """Clients that run until stopped (a context manager); their history grows in a file."""

    def __init__(self, path, address, seed, plenty, scarce, rate, clients, short=0.2):
        self.path = Path(path)
        self._command = [
            sys.executable, str(CLIENT), "--host", address[0], "--port", str(address[1]), "--seed", str(seed),
            "--history", str(path), "--plenty", ",".join(plenty), "--scarce", ",".join(scarce),
            "--rate", str(rate), "--clients", str(clients), "--short", str(short)]
        self._process = None
        self._position = 0
        self._accepted = 0

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE)
        eventually(self.path.exists, "the clients to start", 10)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Lets each client finish the request it is on."""
        if self._process is not None and self._process.poll() is None:
            self._process.stdin.close()
            try:
                assert self._process.wait(60) == 0, "the clients failed"
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise AssertionError("I10: a client never got an answer") from None

    def accepted(self):
        """How many orders have been accepted until now."""
        with open(self.path, "rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._position += len(line)
                self._accepted += b'"event": "ok", "op": "place"' in line
        return self._accepted

    def grow(self, count, timeout=30):
        """Waits until @count more orders have been accepted, so that a fault meets work in flight."""
        goal = self.accepted() + count
        eventually(lambda: self.accepted() >= goal, f"{count} more orders", timeout)
