"""Which user a process runs as, and where its data may be.

PostgreSQL and RabbitMQ refuse to run as root, or are better not. Root hands them to the users that
their Debian packages made, and our own processes to one who owns nothing; anybody else runs them as himself.
"""

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from .layout import LauncherError

FALLBACK = Path("/var/tmp")
NOBODY = "nobody"  # whom our own processes run as, when root starts them
COPIES = "copies"  # folder beside the servers' data, of files that this user cannot reach where they are


class Account:
    """The user a server runs as."""

    def __init__(self, name):
        self.changes = os.getuid() == 0
        try:
            entry = pwd.getpwnam(name) if self.changes else pwd.getpwuid(os.getuid())
        except KeyError:
            raise LauncherError(
                f"there is no user {name}, which the Debian package of the server makes"
                if self.changes
                else f"user {os.getuid()} has no entry in /etc/passwd, which initdb needs"
            ) from None
        self.uid, self.gid, self.name, self.home = entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir

    def popen_arguments(self):
        if not self.changes:
            return {"umask": 0o077}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "umask": 0o077}

    def become(self):
        """From here on this very process is that user's."""
        if self.changes:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)
        os.umask(0o077)

    def own(self, path):
        """Makes a folder that only this user can read; one that exists is taken over."""
        path.mkdir(mode=0o700, parents=False, exist_ok=True)
        if self.changes:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)

    def write(self, path, text):
        """A small file of this user's, readable by him alone."""
        new = path.with_name(path.name + ".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            if self.changes:
                os.fchown(file.fileno(), self.uid, self.gid)
            file.write(text)
        os.replace(new, path)

    def reaches(self, path):
        """Whether this user can work inside that folder."""
        if not self.changes:
            return os.access(path, os.W_OK | os.X_OK)
        return self._may("-w", str(path), "-a", "-x", str(path))

    def reachable(self, file, parent):
        """The file where this user can read it: where it is, or as a copy below @parent, which he can pass through."""
        if not self.changes or self._may("-r", str(file)):
            return file
        folder = parent / COPIES
        folder.mkdir(mode=0o711, exist_ok=True)
        new = folder / f".{file.name}.{secrets.token_hex(4)}"  # processes are started side by side
        shutil.copy2(file, new)
        new.chmod(0o755)
        return new.replace(folder / file.name)

    def _may(self, *tests):
        done = subprocess.run(["/usr/bin/test", *tests], cwd="/", check=False, **self.popen_arguments())
        return done.returncode == 0


def data_folder(layout, settings, accounts, say):
    """The folder below which every account can have a folder of its own; chosen once and kept.

    Normally the state folder itself. When root starts servers from a place that their users cannot
    reach (below /root, say), a folder in /var/tmp.
    """
    if settings.data is not None and settings.data.is_dir():
        return settings.data
    if all(_can_have_folder(account, layout.home) for account in accounts):
        settings.data = layout.home
    else:
        settings.data = _fallback(layout)
        names = " and ".join(sorted({account.name for account in accounts}))
        say(f"the users {names} cannot reach {layout.home}; the servers' data is in {settings.data}")
    return settings.data


def _can_have_folder(account, parent):
    trial = Path(tempfile.mkdtemp(prefix=".trial-", dir=parent))
    try:
        account.own(trial)
        return account.reaches(trial)
    finally:
        trial.rmdir()


def _fallback(layout):
    path = FALLBACK / f"cartwheel-{layout.hash}"
    try:
        path.mkdir(mode=0o711)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            path = Path(tempfile.mkdtemp(prefix="cartwheel-", dir=FALLBACK))
    path.chmod(0o711)
    return path


def belongs_to(file, settings):
    """Whether data carries the mark of these settings, whose passwords we know."""
    try:
        return file.read_text(encoding="utf-8") == settings.instance
    except OSError:
        return False


def set_aside(path, why, say):
    """Moves data that cannot be used out of the way, under a name that says so."""
    number = 1
    while (target := path.with_name(f"{path.name}.unused-{number}")).exists():
        number += 1
    os.replace(path, target)
    say(f"{why}; it is kept as {target}")


def remove_data(layout, settings):
    """Removes what the launcher made: of the state folder only the names it knows."""
    places = {layout.home, settings.data or layout.home}
    for place in places:
        for name in ("postgres", "rabbitmq", "spans", "prometheus", "alertmanager", COPIES):
            shutil.rmtree(place / name, ignore_errors=True)
    shutil.rmtree(layout.logs, ignore_errors=True)
    shutil.rmtree(layout.home / "sanitizers", ignore_errors=True)
    shutil.rmtree(layout.tls, ignore_errors=True)
    shutil.rmtree(layout.issuer, ignore_errors=True)
    files = (layout.settings_file, layout.endpoints_file, layout.superuser_file, layout.processes_file, layout.lock_file)
    for file in files:
        file.unlink(missing_ok=True)
    for place in places:
        try:
            place.rmdir()
        except OSError:
            pass  # holds something that is not ours
