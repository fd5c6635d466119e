#!/usr/bin/env python3
"""Writes RabbitMQ's definitions: the virtual host, a user for each service, and what each may touch.

    broker_definitions.py FOLDER > definitions.json

FOLDER holds a file for each user, who is a service, with its password and nothing else.
Passwords leave it as salted hashes. Needs nothing but Python and this checkout.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from launcher import broker_users, catalogue  # noqa: E402


def users():
    return tuple(catalogue.read())


def permissions():
    return broker_users.permissions({})


def definitions(passwords):
    return broker_users.definitions(passwords, {}, {})


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
