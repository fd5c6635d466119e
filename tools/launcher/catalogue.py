"""The services there are: services/services.list, and of each what its own service.json says.

A service's place in the list is its number, by which it gets its ports. The members of service.json:
  paths        what its API answers below; an ingress leads them there
  queues       {queue: [exchange, event]} that its worker consumes
  connections  {"api": n, "worker": n}: to its database, of one copy
and, where the default does not do:
  publishes    the exchange of its events (none)
  database     its name (the service's)
  most_apis    copies of the API that an autoscaler may run (4)
  settings     {"api": [...], "worker": [...]}: variables that compose hands through (none)
"""

import dataclasses
import json

from .layout import ROOT


@dataclasses.dataclass(frozen=True)
class Service:
    name: str
    number: int  # from 1
    paths: list
    queues: dict
    connections: dict
    publishes: str = None
    database: str = None
    most_apis: int = 4
    settings: dict = dataclasses.field(default_factory=dict)

    @property
    def role(self):
        """Of its database, which it alone may enter."""
        return f"{self.name}_service"


def read(root=ROOT):
    """All services, by name, in the order of the list."""
    names = (root / "services" / "services.list").read_text(encoding="ascii").split()
    return {name: _read(root / "services" / name / "service.json", name, n) for n, name in enumerate(names, 1)}


def _read(path, name, number):
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Service(**{"database": name, **facts, "name": name, "number": number})
    except (OSError, ValueError, TypeError) as error:
        raise SystemExit(f"cartwheel: services.list names {name}, but of {path}: {error}") from error
