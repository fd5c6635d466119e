"""The broker's users and what each may touch, as RabbitMQ's definitions; the same here, in compose and on Kubernetes."""

import base64
import hashlib
import os

from . import catalogue

VHOST = "cartwheel"
SALT_BYTES = 4  # RabbitMQ's own format: base64 of the salt and of SHA-256 over salt and password
EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}  # in the virtual host; no user of ours is an administrator


def permissions(others):
    """What each service may do, and @others: {user: patterns}. Nobody may touch another service's queues by name."""
    patterns = {name: _patterns(service) for name, service in catalogue.read().items()} | others
    return [{"user": user, "vhost": VHOST, **rights} for user, rights in patterns.items()]


def definitions(passwords, others, tags):
    """The file that load_definitions takes; passwords are those of all users, by name, @tags those of some."""
    rows = permissions(others)
    return {
        "vhosts": [{"name": VHOST}],
        "users": [
            {
                "name": row["user"],
                "password_hash": _hash(passwords[row["user"]]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": tags.get(row["user"], ""),
            }
            for row in rows
        ],
        "permissions": rows,
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


def _hash(password):
    salt = os.urandom(SALT_BYTES)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
