"""What our services declare on the broker (docs/contract.md, 1.2 and 1.3; chassis/rabbitmq/declare.c)."""

import dataclasses

from launcher.catalogue import read as catalogue

from ..reshape import DELIVERY_LIMIT, arguments_of

RETRY_MS = (1000, 5000)  # as in chassis/rabbitmq/queue.c
QUORUM, CLASSIC, DOTNET = "quorum", "classic", "dotnet"
KINDS = (QUORUM, CLASSIC, DOTNET)
PROBE = "doctor.of.nobody"  # a name that nothing of ours has


@dataclasses.dataclass(frozen=True)
class Queue:
    service: str
    name: str
    arguments: dict  # kind: those of the queue
    bindings: frozenset  # (exchange, key) that it has to have
    more: frozenset = frozenset()  # that it may have
    consumed: bool = False  # by our worker


def queues():
    """Every queue of every service."""
    return [made for service in catalogue().values() for queue, source in service.queues.items() for made in _around(service, queue, source)]


def exchanges():
    """{name: a service that declares it}"""
    found = {}
    for service in catalogue().values():
        for name in filter(None, (f"{service.name}.dlq", service.publishes, *(exchange for exchange, _ in service.queues.values()))):
            found.setdefault(name, service.name)
    return found


def kind_of(settings):
    """What a worker with these settings declares."""
    return DOTNET if settings.get("BROKER_SHAPE") == "dotnet" else settings.get("QUEUE_TYPE") or QUORUM


def _around(service, queue, source):
    letters = f"{service.name}.dlq"
    shaped = {kind: arguments_of("dotnet" if kind == DOTNET else "cartwheel", kind, queue, letters) for kind in KINDS}
    of = {name: {kind: found[name] for kind, found in shaped.items()} for name in (queue, f"{queue}.dlq")}
    yield Queue(service.name, queue, of[queue], frozenset([tuple(source)]), consumed=True)
    yield Queue(service.name, f"{queue}.dlq", of[f"{queue}.dlq"], frozenset([(letters, queue)]), frozenset([(letters, f"{queue}.dlq")]), True)
    limited = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
    yield Queue(service.name, f"{queue}.unread", {QUORUM: limited, CLASSIC: {}, DOTNET: limited}, frozenset())
    for number, delay in enumerate(RETRY_MS, 1):
        back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue, "x-message-ttl": delay}
        whole = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish", **back}
        yield Queue(service.name, f"{queue}.retry.{number}", {QUORUM: whole, CLASSIC: back, DOTNET: whole}, frozenset())


def needs(service):
    """{right: names that the service's user has to be allowed}"""
    own = [f"{service.name}.dlq", service.publishes]
    names = [queue.name for queue in queues() if queue.service == service.name]
    sources = [exchange for exchange, _ in service.queues.values()]
    return {"configure": _given(*own, *names, *sources), "write": _given(*own, *names), "read": _given(own[0], *names, *sources)}


def nobodys(service):
    """Names that its user must not be allowed: of the other services, and of nobody."""
    others = [queue.name for queue in queues() if queue.service != service.name]
    return [*others, *(f"{name}.dlq" for name in catalogue() if name != service.name), PROBE]


def _given(*names):
    return [name for name in names if name]

