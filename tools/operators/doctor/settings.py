"""The settings of processes: names that nothing reads, passwords that everybody knows, plain text to other machines."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from launcher import given
from launcher.layout import ROOT
from launcher.services import SERVICES, binary
from launcher.usage import nearest

from .checks import ERROR, WARNING, Check, NotChecked, Problem
from .patient import PROCESSES
from .processes import is_here

SETTING = re.compile(r"^  ([A-Z][A-Z0-9_]+) ", re.MULTILINE)
LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
KNOWN_TO_ALL = {"guest", "admin", "password", "postgres", "rabbitmq", "secret", "changeme"}
OTHERS = re.compile(r"(?i)https?_proxy|CARTWHEEL_\w+")  # that others read, or the launcher
DEFAULTS = {"postgresql": "PGSSLMODE", "postgres": "PGSSLMODE", "smtp": "SMTP_USERNAME"}  # beside a URL of that scheme
SAFE_MODES = ("require", "verify-ca", "verify-full")
PRIVATE = 0o077
BINARIES = (*PROCESSES, *(f"{service}-migrator" for service in SERVICES))


def environments(patient):
    """{process, or file: {name: value}}"""
    if patient.settings_file:
        return {str(patient.settings_file): dict(LINE.findall(_text(patient.settings_file)))}
    found = {process: env for process in PROCESSES if (env := patient.environment_of(process))}
    if not found:
        raise NotChecked("the settings of processes elsewhere are not known: name their .env by --settings FILE" if patient.local is None
                         else "no process runs whose settings this user may read")
    return found


def _text(path):
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise NotChecked(f"{path} cannot be read: {error.strerror}") from error


def known_names(layout):
    """Of the settings of all binaries, as each lists its own."""
    found = set()
    for name in BINARIES:
        try:
            said = subprocess.run([binary(layout, name), "--help"], capture_output=True, text=True, check=True, timeout=30).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise NotChecked(f"nothing is built in {layout.build} that lists its settings: ./cartwheel build") from error
        found.update(SETTING.findall(said))
    return found


def unknown(names, known):
    """[(name, what to say)] of those that nothing reads, though they look like settings."""
    of_files = {f"{name}_FILE" for name in known}
    families = {name.partition("_")[0] for name in known if "_" in name}
    for name in sorted(names):
        if name in known or name in of_files or name in given.VARIABLES or OTHERS.fullmatch(name):
            continue
        hint = nearest(name, sorted(known)).removeprefix("; ") if name.isupper() else ""
        if name.partition("_")[0] in families and "_" in name:
            yield name, f"nothing reads {name}" + (f": {hint}" if hint.startswith("did") else "")


def _names(patient):
    found, more = environments(patient), set()
    known = patient.once("settings", lambda: known_names(patient.layout))
    if patient.settings_file:
        more = set(re.findall(r"^([A-Z]\w+)=", _text(ROOT / ".env.example"), re.MULTILINE))
    where = {}
    for process, environ in found.items():
        for _, text in unknown(environ, known | more):
            where.setdefault(text, []).append(process)
    for text, processes in where.items():
        yield Problem("all processes" if len(processes) == len(PROCESSES) else ", ".join(processes), text)


def shipped_passwords():
    values = re.findall(r"^\w+_PASSWORD=(\S+)$", _text(ROOT / ".env.example"), re.MULTILINE)
    return KNOWN_TO_ALL.union(values)


def _default(url, environ):
    """What applies where the URL says nothing: libpq's sslmode, the mail server's login."""
    return environ.get(DEFAULTS.get(url.partition(":")[0], ""))


def _urls(patient):
    """(where, name, URL, the default beside it) of the endpoints file and of each setting, each once."""
    seen = set()
    for name, value in patient.endpoints.items():
        if isinstance(value, str) and "://" in value:
            default = _default(value, patient.environ)
            seen.add((value, default))
            yield patient.file.name, name, value, default
    try:
        found = environments(patient)
    except NotChecked:
        return
    for process, environ in found.items():
        for name, value in environ.items():
            default = _default(value, environ)
            if "://" in value and name.endswith("_URL") and (value, default) not in seen:
                seen.add((value, default))
                yield process, name, value, default


def _passwords(patient):
    shipped = shipped_passwords()
    for where, name, url, _ in _urls(patient):
        parts = urlsplit(url)
        if parts.password and unquote(parts.password) in shipped:
            yield Problem(where, f"the password in {name} is one that everybody knows", None if is_here(parts.hostname) else ERROR)
    for process, environ in _unless_unknown(patient):
        for name, value in environ.items():
            if name.endswith(("_PASSWORD", "_TOKEN")) and value in shipped:
                yield Problem(process, f"{name} is one that everybody knows")
    environments(patient)  # says that they are not known


def _unless_unknown(patient):
    try:
        return environments(patient).items()
    except NotChecked:
        return ()


def _plain(patient):
    for where, name, url, default in _urls(patient):
        parts = urlsplit(url)
        if is_here(parts.hostname):
            continue
        if parts.scheme in ("postgresql", "postgres"):
            mode = parse_qs(parts.query).get("sslmode", [default or "prefer"])[0]
            if mode not in SAFE_MODES:
                yield Problem(where, f"{name} to {parts.hostname} has sslmode={mode}, which takes plain text")
        elif parts.scheme == "smtp" and (default or parts.username):
            continue  # a login goes over TLS or not at all
        elif parts.scheme in ("amqp", "http", "smtp"):
            yield Problem(where, f"{name} to {parts.hostname} is {parts.scheme}://, plain text", WARNING if parts.scheme == "http" else None)
    environments(patient)


def _secret_files(patient):
    """Files of the launcher's with passwords and keys, which their owner alone may read."""
    layout = patient.layout
    if patient.local is None:
        return [patient.file]
    return [path for path in (layout.settings_file, layout.endpoints_file, layout.superuser_file, layout.issuer / "issuer.key",
                              layout.tls / "ca.key") if path.exists()]


def _files(patient):
    for path in _secret_files(patient):
        if path.stat().st_mode & PRIVATE:
            yield Problem(path.name, f"others may read {path}, which holds secrets")


def _shut_files(patient, problems):
    for path in _secret_files(patient):
        os.chmod(path, 0o600)


CHECKS = (
    Check(
        "settings.names", "every setting is one that something reads", WARNING,
        "a setting that is misspelt changes nothing, and the default holds",
        "write it as the binary lists it with --help, or leave it out",
        _names,
    ),
    Check(
        "settings.passwords", "no password is one that everybody knows", WARNING,
        "whoever reaches the server gets in",
        "docs/deployment.md says how passwords are changed; then set them in the URLs, and restart",
        _passwords,
    ),
    Check(
        "settings.plain_text", "what leaves the machine is encrypted", ERROR,
        "passwords, tokens and orders can be read, and changed, on their way",
        "sslmode=verify-full and sslrootcert in DATABASE_URL, amqps:// and AMQP_CA_FILE, https:// (docs/operations.md, TLS)",
        _plain,
    ),
    Check(
        "settings.files", "files with secrets are their owner's alone", WARNING,
        "every user of the machine can take the passwords and act as the services",
        "chmod 600 (--fix)",
        _files, _shut_files,
    ),
)  # fmt: skip
