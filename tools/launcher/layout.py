"""Where things are: the checkout, the state folder (.cartwheel) and the build folder."""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK_WAIT_SECONDS = 300


class LauncherError(Exception):
    """Something the reader must know; printed as one message, without a stack trace."""


class Layout:
    """All paths. Creates nothing until prepare() is called."""

    def __init__(self, environ):
        self.root = ROOT
        self.home = (self.root / (environ.get("CARTWHEEL_HOME") or ".cartwheel")).resolve()
        self.build = (self.root / (environ.get("CARTWHEEL_BUILD") or "build")).resolve()
        self.logs = self.home / "logs"
        self.settings_file = self.home / "settings.json"
        self.endpoints_file = self.home / "endpoints.json"
        self.superuser_file = self.home / "superuser.json"
        self.processes_file = self.home / "processes.json"
        self.lock_file = self.home / "lock"
        self.tls = self.home / "tls"
        self.issuer = self.home / "issuer"
        self.wants_tls = environ.get("CARTWHEEL_TLS") == "1"
        # Names what belongs to this state folder where it can be mistaken for another's.
        self.hash = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]

    def log(self, name):
        return self.logs / f"{name}.log"

    def exists(self):
        self._refuse_foreign_owner()
        return self.settings_file.exists() or self.processes_file.exists()

    def prepare(self):
        """Makes the state folder. Servers that run as another user must be able to pass through."""
        self._refuse_foreign_owner()
        mode = 0o711 if os.getuid() == 0 else 0o700
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self.home.chmod(mode)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LauncherError(f"cannot use the state folder {self.home}: {error}") from error

    def endpoints(self):
        """What endpoints.json says; empty before the first start."""
        self._refuse_foreign_owner()
        return read_json(self.endpoints_file) or {}

    def _refuse_foreign_owner(self):
        try:
            owner = self.home.stat().st_uid
        except FileNotFoundError:
            return
        if owner == os.getuid():
            return
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = str(owner)
        raise LauncherError(
            f"{self.home} belongs to user {name}; run as that user, or set CARTWHEEL_HOME to a "
            "folder of your own"
        )

    @contextlib.contextmanager
    def lock(self, say):
        """One launcher at a time changes what runs; others wait here."""
        with open(self.lock_file, "w", encoding="utf-8") as file:
            _wait_for_flock(file.fileno(), f"another launcher works on {self.home}", say)
            yield


@contextlib.contextmanager
def locked_directory(path, say):
    """Holds an exclusive lock on a directory itself, so that no lock file lies about."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for_flock(descriptor, f"another launcher builds in {path}", say)
        yield
    finally:
        os.close(descriptor)


def _wait_for_flock(descriptor, what, say):
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    said = False
    started = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LauncherError(f"{what}; gave up after {LOCK_WAIT_SECONDS} s") from None
        if not said and time.monotonic() - started > 1:
            say(f"{what}; waiting for it")
            said = True
        time.sleep(0.05)


def write_atomically(path, text, mode=0o600):
    """Replaces the file in one step, so that a reader sees the old text or the new, never half."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def write_json(path, value):
    write_atomically(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    """The file's value; None when it is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
