#!/usr/bin/env python3
"""Writes RabbitMQ's definitions: the virtual host, a user for each service, and what each may touch.

    broker_definitions.py FOLDER > definitions.json

FOLDER holds a file for each user (each service, and keda) with its password and nothing else.
Passwords leave it as salted hashes. Needs nothing but Python and this checkout.
"""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from launcher import catalogue  # noqa: E402

VHOST = "cartwheel"
SALT_BYTES = 4  # RabbitMQ's own format: base64 of the salt and of SHA-256 over salt and password

KEDA = "keda"  # reads the length of queues through the management API, and nothing else
SERVICES = catalogue.read()


def users():
    return (*SERVICES, KEDA)


def permissions():
    """What each user may do, in RabbitMQ's terms. Nobody may touch another service's queues by name."""
    rows = [_permission(name, **_patterns(service)) for name, service in SERVICES.items()]
    return [*rows, _permission(KEDA, configure="^$", write="^$", read="^$")]


def definitions(passwords):
    """The file that load_definitions takes; passwords are those of all users, by name."""
    return {
        "vhosts": [{"name": VHOST}],
        "users": [
            {
                "name": name,
                "password_hash": _hash(passwords[name]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "management" if name == KEDA else "",
            }
            for name in users()
        ],
        "permissions": permissions(),
    }


def _patterns(service):
    """docs/contract.md, 1.3: a service declares its own exchange and queues, and the exchange that a binding needs."""
    own = [f"{service.name}.dlq", service.publishes]
    queues = [rf"{queue}(.dlq|.unread|.retry.[0-9]+)?" for queue in service.queues]
    sources = dict.fromkeys(exchange for exchange, _ in service.queues.values())
    return {
        "configure": _any(*own, *queues, *sources),
        # amq.default: a retry goes to its queue through the default exchange, which asks for no more than this.
        "write": _any(*own, *queues, "amq.default"),
        "read": _any(f"{service.name}.dlq", *queues, *sources),
    }


def _any(*names):
    return "^(" + "|".join(name.replace(".", r"\.") for name in names if name) + ")$"


def _permission(user, **patterns):
    return {"user": user, "vhost": VHOST, **patterns}


def _hash(password):
    salt = os.urandom(SALT_BYTES)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    passwords = {}
    for name in users():
        try:
            passwords[name] = (Path(arguments[0]) / name).read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            print(f"no password of user {name}: {error}", file=sys.stderr)
            return 1
        if not passwords[name]:
            print(f"the password of user {name} is empty", file=sys.stderr)
            return 1
    json.dump(definitions(passwords), sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
