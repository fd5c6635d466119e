"""What there is on the broker, against what is declared, and how it stands."""

import re

from launcher.catalogue import read as catalogue

from . import declared
from .checks import ERROR, WARNING, Check, NotChecked, Problem, Unasked, Unreachable
from .database import migrate_here
from .server import clock_problem

MOST_HELD = 10_000  # messages of a queue that were given out and not settled: a worker takes a few hundred
LIMITING = ("max-length", "max-length-bytes", "message-ttl", "expires", "max-in-memory-length")
RIGHTS = ("configure", "write", "read")


def _reached(patient):
    try:
        patient.amqp()
    except Unreachable as away:
        yield Problem("broker", f"{away}: {away.detail}")


def _place(queue):
    return f"{queue.service}/{queue.name}"


def differences(queue, found, kind):
    """What of its arguments differs from what is declared; of several kinds, where none is wanted, from the nearest."""
    found = {name: value for name, value in found.items() if (name, value) != ("x-queue-type", "classic")}

    def from_kind(one):
        wanted = queue.arguments[one]
        return [f"{name} is {found.get(name, 'missing')}, declared {wanted.get(name, 'without')}"
                for name in sorted({*wanted, *found}) if wanted.get(name) != found.get(name)]

    return min((from_kind(one) for one in ([kind] if kind else declared.KINDS)), key=len)


def _queues(patient):
    try:
        definitions = patient.definitions()
    except NotChecked:
        yield from _queues_over_amqp(patient)
        return
    there = {queue["name"]: queue for queue in definitions["queues"] if queue["vhost"] == patient.vhost}
    for queue in declared.queues():
        if queue.name not in there:
            yield Problem(_place(queue), "there is no such queue", ERROR)
            continue
        if not there[queue.name]["durable"] or there[queue.name]["auto_delete"]:
            yield Problem(_place(queue), "it does not outlive a restart of the broker or its consumers", ERROR)
        if differ := differences(queue, there[queue.name]["arguments"], patient.queue_kind(queue.service)):
            yield Problem(_place(queue), "; ".join(differ))


def _queues_over_amqp(patient):
    for queue in declared.queues():
        if not patient.amqp().has_queue(queue.name):
            yield Problem(_place(queue), "there is no such queue", ERROR)
        elif not any(patient.amqp().is_queue(queue.name, arguments) for arguments in queue.arguments.values()):
            yield Problem(_place(queue), "its arguments are not those that are declared")


def _bindings(patient):
    definitions = patient.definitions()
    kinds = {one["name"]: one for one in definitions["exchanges"] if one["vhost"] == patient.vhost}
    for name, service in declared.exchanges().items():
        if name not in kinds:
            yield Problem(f"{service}/{name}", "there is no such exchange", ERROR)
        elif kinds[name]["type"] != "topic" or not kinds[name]["durable"]:
            yield Problem(f"{service}/{name}", f"the exchange is {kinds[name]['type']}, declared as a durable topic", ERROR)
    bound = {}
    for one in definitions["bindings"]:
        if one["vhost"] == patient.vhost and one["destination_type"] == "queue":
            bound.setdefault(one["destination"], set()).add((one["source"], one["routing_key"]))
    for queue in declared.queues():
        has = bound.get(queue.name, set())
        for exchange, key in sorted(queue.bindings - has):
            yield Problem(_place(queue), f"is not bound to {exchange} by {key}", ERROR)
        for exchange, key in sorted(has - queue.bindings - queue.more):
            yield Problem(_place(queue), f"is bound to {exchange} by {key or 'nothing'}, too", WARNING)


def _policies(patient):
    definitions, ours = patient.definitions(), [queue.name for queue in declared.queues()]
    operators = [{**one["value"], "name": one["name"], "vhost": one["vhost"]} for one in definitions.get("parameters", [])
                 if one.get("component") == "operator_policy"]
    for policy in [*definitions["policies"], *operators]:
        limits = [name for name in LIMITING if name in policy["definition"]]
        hit = [name for name in ours if re.search(policy["pattern"], name)]
        if policy["vhost"] == patient.vhost and limits and hit and policy.get("apply-to") != "exchanges":
            more = f" and {len(hit) - 1} more" if len(hit) > 1 else ""
            yield Problem(hit[0] + more, f"policy {policy['name']} sets {', '.join(limits)}")


def _rights(patient):
    definitions = patient.definitions()
    tags = {user["name"]: _tags(user) for user in definitions["users"]}
    held = {row["user"]: row for row in definitions["permissions"] if row["vhost"] == patient.vhost}
    for service in catalogue().values():
        if patient.shares_user:
            yield Unasked(service.name, "all services have one user of a broker that is given, who needs all rights")
        elif service.name not in tags and not patient.ours("rabbitmq"):
            yield Unasked(service.name, f"the broker has no user {service.name}: which one it has is not known")
        else:
            yield from _rights_of(service, tags.get(service.name, []), held.get(service.name, dict.fromkeys(RIGHTS, "^$")))
    if "guest" in tags:
        yield Problem("guest", "there is the user guest, whose password everybody knows")


def _tags(user):
    return [tag for tag in (user["tags"] if isinstance(user["tags"], list) else user["tags"].split(",")) if tag]


def _rights_of(service, tags, held):
    if tags:
        yield Problem(service.name, f"its user is {', '.join(tags)}")
    for right, names in declared.needs(service).items():
        if lacks := [name for name in names if not re.search(held[right], name)]:
            yield Problem(service.name, f"its user may not {right} {lacks[0]}" + (f" and {len(lacks) - 1} more" if lacks[1:] else ""), ERROR)
    for right in RIGHTS:
        if allowed := [name for name in declared.nobodys(service) if re.search(held[right], name)]:
            what = "anything" if declared.PROBE in allowed else allowed[0]
            yield Problem(service.name, f"its user may {right} {what}, which is not its own")


def _give_rights(patient, problems):
    """What our own broker reads at every start."""
    if rabbitmq := patient.ours("rabbitmq"):
        rabbitmq.load_definitions()


def _consumers(patient):
    there = {queue["name"]: queue for queue in patient.broker().queue_states()}
    for queue in declared.queues():
        state = there.get(queue.name)
        if state is None:
            continue  # broker.queues says so
        if "consumers" not in state:
            yield Unasked(_place(queue), "the broker has not counted it yet")
            continue
        if queue.consumed and not state["consumers"]:
            yield Problem(_place(queue), "nobody consumes it")
        if state["messages_unacknowledged"] > MOST_HELD:
            yield Problem(_place(queue), f"{state['messages_unacknowledged']:,} messages were given out and are not settled")


def _alarms(patient):
    for node, alarms in patient.broker().alarms().items():
        for alarm in alarms:
            yield Problem(node, alarm)


def _clock(patient):
    if problem := clock_problem("broker", *patient.broker().clock()):
        yield problem


CHECKS = (
    Check(
        "broker.reached", "the broker answers", ERROR,
        "events wait in the outboxes, and orders stay open",
        "start RabbitMQ; check host, port, user and virtual host of AMQP_URL",
        _reached,
    ),
    Check(
        "broker.queues", "every queue is there, as it is declared", WARNING,
        "an event without its queue is parked in the outbox; a queue with other arguments may drop messages that are retried often",
        "./cartwheel restart the service's worker, or run its migrator, makes what is missing (--fix); ./cartwheel reshape gives a "
        "queue its arguments (docs/operations.md, Moving queues to another shape)",
        _queues, migrate_here,
    ),
    Check(
        "broker.bindings", "exchanges and bindings are those that are declared", WARNING,
        "without its binding a service hears of nothing, and nobody is told; one too many brings messages that become dead letters",
        "run the service's migrator for one that is missing (--fix); unbind what nobody declared",
        _bindings, migrate_here,
    ),
    Check(
        "broker.policies", "no policy limits our queues", WARNING,
        "a length limit or a time to live drops events or has them refused: orders stay open, customers are not told",
        "rabbitmqctl clear_policy -p VHOST NAME (clear_operator_policy)",
        _policies,
    ),
    Check(
        "broker.rights", "each service's user may do what it does, and no more", WARNING,
        "a user that lacks a right cannot declare or publish, and its service stands still; one with too many opens the other "
        "services' queues to whoever has its password",
        "rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ, as deploy/compose/permissions.json has them (--fix, of a "
        "broker of the launcher's own)",
        _rights, _give_rights,
    ),
    Check(
        "broker.consumers", "queues are consumed, and what was given out is settled", WARNING,
        "what nobody consumes waits; what is held and never settled is seen by nobody until its consumer ends",
        "./cartwheel status, controls: start the worker or resume it; close the connection of a consumer that is not ours",
        _consumers,
    ),
    Check(
        "broker.alarms", "the broker has memory and disk", ERROR,
        "while an alarm is up the broker takes no message, and the outboxes grow",
        "make room: rabbitmqctl list_queues name messages, then the disk, then disk_free_limit and vm_memory_high_watermark",
        _alarms,
    ),
    Check(
        "broker.clock", "the broker's clock is right", WARNING,
        "times to live of retries and what the broker's log says go by it",
        "let chrony or systemd-timesyncd set the clock of each machine",
        _clock,
    ),
)  # fmt: skip
