"""An issuer of access tokens for one machine: an ES256 key, its JWKS file, and tokens; all by openssl."""

import base64
import hashlib
import json
import subprocess
import time

from . import terminal
from .layout import LauncherError, write_atomically
from .usage import UsageError, duration, order_id

NAME = "urn:cartwheel:local"  # what its tokens name as issuer
AUDIENCE = "cartwheel"
COORDINATE = 32  # bytes of each half of a P-256 point and of a signature


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _number(der):
    """The first INTEGER of @der as 32 bytes, and what follows it."""
    length = der[1]
    return der[2 : 2 + length].lstrip(b"\0").rjust(COORDINATE, b"\0"), der[2 + length :]


def _flat(signature):
    """From DER to the two numbers one after the other (RFC 7518, section 3.4)."""
    first, rest = _number(signature[2:])
    return first + _number(rest)[0]


class Issuer:
    """Keeps its key (0600) and its JWKS in a folder."""

    def __init__(self, folder, name=NAME):
        self.name = name
        self._key = folder / "issuer.key"
        self.jwks_file = folder / "issuer.jwks.json"

    def create(self):
        """Makes the key unless it is there."""
        self._key.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not self._key.exists():
            self.renew()

    def renew(self):
        """Another key in place of the one there is."""
        key = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        write_atomically(self._key, key.decode("ascii"))
        write_atomically(self.jwks_file, json.dumps({"keys": [self.jwk()]}) + "\n", mode=0o644)

    def jwk(self):
        """The public half of the key."""
        point = _openssl("pkey", "-in", self._key, "-pubout", "-outform", "DER")[-2 * COORDINATE :]
        return {
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": hashlib.sha256(point).hexdigest()[:16],
            "x": _encode(point[:COORDINATE]), "y": _encode(point[COORDINATE:]),
        }  # fmt: skip

    def token(self, subject, roles=(), seconds=3600, **claims):
        now = int(time.time())
        header = {"typ": "at+jwt", "alg": "ES256", "kid": self.jwk()["kid"]}
        body = {"iss": self.name, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + seconds,
                "roles": list(roles), **claims}  # fmt: skip
        text = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, body))
        signature = _openssl("dgst", "-sha256", "-sign", self._key, given=text.encode("ascii"))
        return f"{text}.{_encode(_flat(signature))}"


def add_arguments(command):
    command.add_argument("--role", default="admin", help="customer, shop, support, operator, merchandiser, auditor, admin (default)")
    command.add_argument("--customer", type=order_id, metavar="ID", help="whose token it is: a customer's id")
    command.add_argument("--for", dest="seconds", type=duration, default=3600, metavar="TIME", help="90s, 30m, 1h (default), 30d")


def run(layout, options):
    issuer = Issuer(layout.issuer)
    if not issuer.jwks_file.exists():
        raise LauncherError("nothing was started yet; ./cartwheel up does it")
    terminal.say(issuer.token(options.customer or options.role, [options.role], options.seconds))


def check(options):
    if options.role == "customer" and options.customer is None:
        raise UsageError("a customer's token needs --customer ID")


def _openssl(*arguments, given=b""):
    try:
        done = subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, check=False)
    except OSError as error:
        raise LauncherError(f"cannot run openssl (Debian package openssl): {error}") from error
    if done.returncode != 0:
        raise LauncherError(f"openssl {arguments[0]} failed:\n{done.stderr.decode(errors='replace')}")
    return done.stdout
