"""What ends some day: certificates, keys and tokens."""

import base64
import contextlib
import datetime
import json
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from .checks import ERROR, WARNING, Check, NotChecked, Problem, Unasked
from .settings import environments

CERTIFICATE_DAYS, TOKEN_DAYS = (30, 7), (3, 1)  # before their end: a warning, an error
DAY = 86400
CALL_SECONDS = 5
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
POSTGRES_WANTS_TLS = bytes.fromhex("0000000804d2162f")  # SSLRequest of its protocol
OWN = re.compile(r"(HTTP_TLS|AMQP)_CERT_FILE")
TRUSTED = re.compile(r"\w+_CA_FILE")
TLS_PORTS = {"https": 443, "amqps": 5671, "postgresql": 5432, "postgres": 5432}


def end_of(pem):
    """(when the certificate ends, whose it is)"""
    try:
        done = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-subject"], input=pem, capture_output=True, text=True, check=True)
    except OSError as error:
        raise NotChecked(f"cannot run openssl (Debian package openssl): {error}") from error
    except subprocess.CalledProcessError as error:
        raise NotChecked("it is no certificate that openssl reads") from error
    end = re.search(r"notAfter=(.*)", done.stdout)[1].strip()
    subject = re.search(r"subject=\s*(.*)", done.stdout)[1].strip()
    return ssl.cert_time_to_seconds(end), subject


def ends(where, what, at, days=None):
    """The problem that @what, which ends at @at, is; None: none yet."""
    soon, very_soon = days or CERTIFICATE_DAYS
    left = at - time.time()
    if left > soon * DAY:
        return None
    day = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    if left <= 0:
        return Problem(where, f"{what} has ended, on {day}", ERROR)
    return Problem(where, f"{what} ends in {left / DAY:.1f} days, on {day}", ERROR if left < very_soon * DAY else None)


def certificate_files(patient):
    """{file: (where it is named, whether it holds whom we trust)}"""
    found = {}
    for name in ("ca_file", "certificate_file"):
        if name in patient.endpoints:
            found.setdefault(patient.endpoints[name], (name, name == "ca_file"))
    with contextlib.suppress(NotChecked):
        for process, environ in environments(patient).items():
            for name, value in environ.items():
                if value and (OWN.fullmatch(name) or TRUSTED.fullmatch(name)):
                    found.setdefault(value, (f"{process}, {name}", TRUSTED.fullmatch(name) is not None))
    for name, url in patient.endpoints.items():
        if isinstance(url, str) and url.startswith(("postgresql://", "postgres://")):
            for option, value in parse_qs(urlsplit(url).query).items():
                if option in ("sslrootcert", "sslcert"):
                    found.setdefault(value[0], (f"{name}, {option}", option == "sslrootcert"))
    return found


def _files(patient):
    for file, (where, trusted) in certificate_files(patient).items():
        try:
            blocks = PEM.findall(Path(file).read_text(encoding="ascii", errors="replace"))
        except OSError as error:
            yield Unasked(where, f"{file}: {error.strerror}")
            continue
        if not blocks:
            yield Problem(where, f"{file} holds no certificate", ERROR)
            continue
        # Of whom we trust, one that goes on suffices; a chain breaks at its first end.
        at, subject = (max if trusted else min)(map(end_of, blocks))
        if problem := ends(where, f"the certificate of {subject} in {file}", at):
            yield problem
    environments(patient)  # says so when it is not known which files they name


def listeners(patient):
    """{(host, port): (name, whether it is PostgreSQL)} of what is reached over TLS."""
    found = {}
    for name, url in patient.endpoints.items():
        parts = urlsplit(url) if isinstance(url, str) and "://" in url else None
        if parts is None or parts.scheme not in TLS_PORTS or not parts.hostname:
            continue
        postgres = parts.scheme.startswith("postgres")
        if not postgres or parse_qs(parts.query).get("sslmode", ["prefer"])[0] not in ("disable", "allow", "prefer"):
            found.setdefault((parts.hostname, parts.port or TLS_PORTS[parts.scheme]), (name, postgres))
    return found


def shown_by(host, port, postgres):
    """The certificate that is shown there, whoever issued it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), CALL_SECONDS) as plain:
            if postgres:
                plain.sendall(POSTGRES_WANTS_TLS)
                if plain.recv(1) != b"S":
                    raise NotChecked("it does not speak TLS")
            with context.wrap_socket(plain, server_hostname=host) as wrapped:
                return ssl.DER_cert_to_PEM_cert(wrapped.getpeercert(binary_form=True))
    except OSError as error:
        raise NotChecked(f"{host}:{port} cannot be reached over TLS: {error}") from error


def _shown(patient):
    for (host, port), (name, postgres) in listeners(patient).items():
        try:
            at, subject = end_of(shown_by(host, port, postgres))
        except NotChecked as reason:
            yield Unasked(name, str(reason))
            continue
        if problem := ends(f"{host}:{port}", f"its certificate, of {subject},", at):
            yield problem


def token_end(token):
    """When an access token ends; None: it does not say."""
    try:
        body = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"]
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _tokens(patient):
    for where, token in ((patient.file.name, patient.endpoints.get("token")), ("CARTWHEEL_TOKEN", patient.environ.get("CARTWHEEL_TOKEN"))):
        at = token_end(token) if token else None
        if at is not None and (problem := ends(where, "the access token", at, TOKEN_DAYS)):
            yield problem


def _renew_token(patient, problems):
    """endpoints.json as a start writes it, with another token."""
    if patient.local is not None:
        patient.local.write_endpoints()
        patient.read_endpoints()


def _keys(patient):
    files, urls = {}, {}
    for process, environ in environments(patient).items():
        if environ.get("AUTH_JWKS_FILE"):
            files.setdefault(environ["AUTH_JWKS_FILE"], process)
        elif environ.get("AUTH_ISSUER"):
            urls.setdefault(environ["AUTH_ISSUER"], process)
    for file, process in files.items():
        try:
            keys = json.loads(Path(file).read_text(encoding="utf-8"))["keys"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield Problem(process, f"AUTH_JWKS_FILE, {file}, holds no keys: {error}", ERROR)
            continue
        if not keys:
            yield Problem(process, f"AUTH_JWKS_FILE, {file}, holds no key", ERROR)
        for key in keys:
            yield from _key(process, key)
    for url, process in urls.items():
        yield Unasked(process, f"the keys of {url}: the APIs fetch them, and their metrics tell of refusals")


def _key(process, key):
    """A key ends when it says so, or with the certificate that it comes with."""
    name = f"the issuer's key {key.get('kid', 'without a name')}"
    if isinstance(key.get("exp"), (int, float)):
        at = key["exp"]
    elif key.get("x5c"):
        at, _ = end_of(ssl.DER_cert_to_PEM_cert(base64.b64decode(key["x5c"][0])))
    else:
        return
    if problem := ends(process, name, at):
        yield problem


CHECKS = (
    Check(
        "expiry.files", "no certificate in a file ends soon", WARNING,
        "from its end on every connection that it is for is refused",
        "put a new certificate and its key in place; listeners read them within three seconds, connections to the broker when they are "
        "made anew (./cartwheel restart NAME)",
        _files,
    ),
    Check(
        "expiry.listeners", "no certificate that a listener shows ends soon", WARNING,
        "from its end on clients refuse the connection: customers reach no API, processes no server",
        "renew it where the listener has it from; look why the renewal did not come by itself",
        _shown,
    ),
    Check(
        "expiry.tokens", "no access token of an operator ends soon", WARNING,
        "commands and scripts that use it are answered 401",
        "take another one: ./cartwheel token, or of your issuer; that in endpoints.json is renewed by --fix, and by ./cartwheel up",
        _tokens, _renew_token,
    ),
    Check(
        "expiry.keys", "the issuer's keys are there, and none ends soon", WARNING,
        "without its key no token is accepted, and every caller gets 401",
        "put the issuer's new key beside the old one in AUTH_JWKS_FILE, before it signs with it; the file is read again when it changes",
        _keys,
    ),
)  # fmt: skip
