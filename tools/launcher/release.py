"""./cartwheel test release [12|13]: the README's two commands on a bare Debian of that release, made by debootstrap.

<home>/releases/<release>/bare stays as debootstrap left it; each run begins with a copy of it, "root". Nothing of the
machine is in it but its way to the packages; after the installation it has no network.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import debian, terminal
from .layout import LauncherError

CONFINE = Path(__file__).with_name("confine.py")
SOURCE = "cartwheel"  # the checkout's folder in the root
ARCHIVES = "var/cache/apt/archives"
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
HOSTS = "127.0.0.1 localhost\n"
NOT_COPIED = ("__pycache__", "node_modules", ".pytest_cache", ".hypothesis")
NOT_COPIED_AT_THE_ROOT = (".git", ".cartwheel")
WARNING = re.compile(r"^.*\b(?:warning|deprecat\w*|DEPRECATION|WARNING)\b.*$", re.M)

# What the suites run on, and what compiles it; each with the version of its package.
SHOWN = (
    "gcc-[0-9]*", "clang-[0-9]*", "meson", "libglib2.0-dev", "libmicrohttpd-dev", "libgnutls28-dev", "libpq-dev", "librabbitmq-dev",
    "libcurl4-openssl-dev", "openssl", "postgresql-[0-9]*", "rabbitmq-server", "erlang-base", "python3", "python3-requests",
    "python3-pika", "python3-psycopg", "valgrind", "spin",
)  # fmt: skip


def others():
    """The releases that this machine is not."""
    return [release for release in debian.CODENAMES if release != debian.version()]


class Release:
    """One release; needs root."""

    def __init__(self, layout, release, call):
        if os.getuid() != 0:
            raise LauncherError("a Debian of its own takes root: sudo ./cartwheel test release")
        self._layout = layout
        self._release = release
        self._call = call  # function: runs a command with its output shown; its exit code
        self._folder = layout.home / "releases" / release
        self._root = self._folder / "root"

    def run(self, steps):
        """Runs the commands of ./cartwheel one after the other until one fails; None, or what failed."""
        self._prepare()
        rows, problem = [], None
        for name, step in (("install", self._install), ("build", self._build), *((s, self._step(s)) for s in steps)):
            started = time.monotonic()
            problem = step()
            rows.append([name, "failed" if problem else "passed", f"{time.monotonic() - started:.1f} s"])
            if problem:
                break
        self._show_versions()
        terminal.table([f"Debian {self._release}", "result", "took"], rows)
        return problem and f"Debian {self._release}: {problem}"

    def _prepare(self):
        """The root, with the checkout as it is now and nothing that an earlier run built."""
        self._layout.prepare()
        self._folder.mkdir(parents=True, exist_ok=True)
        bare = self._folder / "bare"
        if not bare.exists():
            self._make(bare)
        unfinished = self._folder / "root.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(bare), str(unfinished)], check=True)
        for fetched in (self._root / ARCHIVES).glob("*.deb"):  # apt takes it when it is what the mirror has
            fetched.rename(unfinished / ARCHIVES / fetched.name)
        (unfinished / "etc" / "dpkg" / "dpkg.cfg.d" / SOURCE).write_text("force-unsafe-io\n", encoding="ascii")
        shutil.rmtree(self._root, ignore_errors=True)
        unfinished.rename(self._root)
        source = self._root / SOURCE
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(self._layout.root, source, symlinks=True, ignore=self._unneeded)

    def _make(self, bare):
        codename = debian.CODENAMES[self._release]
        unfinished = self._folder / "bare.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        mirror = debian.mirror()
        more = ["--include=ca-certificates"] if mirror.startswith("https") else []
        command = ["debootstrap", "--variant=minbase", *more, codename, str(unfinished), mirror]
        if self._call_apart(["--mount", "--pid", "--kill-child", *command]) != 0:
            raise LauncherError(f"debootstrap failed; its log is {unfinished / 'debootstrap' / 'debootstrap.log'}")
        debian.give_to(unfinished, codename)
        (unfinished / "etc" / "hosts").write_text(HOSTS, encoding="ascii")
        unfinished.rename(bare)

    def _unneeded(self, folder, names):
        at_root = Path(folder) == self._layout.root
        return [name for name in names if name in NOT_COPIED
                or at_root and (name in NOT_COPIED_AT_THE_ROOT or name == "build" or name.startswith("build-"))]

    def _install(self):
        shutil.copy("/etc/resolv.conf", self._root / "etc" / "resolv.conf")
        return self._inside("network", "./cartwheel install") and "the installation failed"

    def _build(self):
        """The user's own build, with every line that it prints."""
        if self._inside("alone", "./cartwheel build --verbose >build.log 2>&1 || { cat build.log; false; }"):
            return "the build failed"
        warnings = WARNING.findall((self._root / SOURCE / "build.log").read_text(encoding="utf-8", errors="replace"))
        for line in warnings:
            terminal.say(line)
        return f"{len(warnings)} lines of the build warn" if warnings else None

    def _step(self, command):
        return lambda: self._inside("alone", f"./cartwheel {command}") and f"./cartwheel {command} failed"

    def _show_versions(self):
        done = subprocess.run(
            ["chroot", str(self._root), "dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n", *SHOWN],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
        )  # fmt: skip
        rows = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("installed ")]
        terminal.table(["package", "version"], [row for row in rows if not row[0].endswith("-base") or "erl" in row[0]])

    def _inside(self, network, script):
        """Runs a line of shell in the checkout's copy, as root of the tree; its exit code."""
        kept = {name: os.environ[name] for name in PROXIES if name in os.environ and network == "network"}
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", **kept}
        words = [f"{name}={value}" for name, value in environ.items()]
        spaces = ["--mount", "--propagation", "private", "--pid", "--ipc", "--uts", "--kill-child"]
        spaces += ["--net"] if network == "alone" else []
        return self._call_apart([
            *spaces, sys.executable, "-E", "-s", str(CONFINE), str(self._root), network,
            "env", "-i", *words, "sh", "-euc", f"cd /{SOURCE}; {script}",
        ])  # fmt: skip

    def _call_apart(self, arguments):
        """Runs unshare, which ends when we do, by whatever: the namespaces end with their first process, and all in
        them. Every other signal it ignores."""
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", *arguments]
        return self._call(command, end_signal=signal.SIGKILL)
