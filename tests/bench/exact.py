"""What must hold after every scenario: the invariants of all suites, and that nothing is missing of what was accepted."""

from support import invariants
from support.broker import Broker
from support.names import QUEUES, SERVICES, dead_letter_queue

SHOWN = 5  # violations

COUNT_INTAKE = (
    "select (select count(*) from orders), (select count(*) from order_items), (select count(*) from outbox),"
    " (select count(*) from orders o join order_items i on i.order_id = o.id)"
)


def intake_agrees(rig, result, what, runs):
    """Each order that was answered is there with its item and its event; of those under way when
    wrk stopped (one a connection) any number may be."""
    answered = sum(run.answers - run.refused for run, _ in runs)
    open_at_end = sum(connections for _, connections in runs)
    orders, items, events, pairs = rig.sql("order", COUNT_INTAKE)[0]
    if not (answered <= orders <= answered + open_at_end and orders == items == events == pairs):
        result.check(f"{what}: {answered} answered, {orders} orders, {items} items, {events} events", False)


def no_refusals(result, what, runs):
    refused = sum(run.refused for run in runs)
    broken = sum(run.broken for run in runs)
    result.check(f"{what}: {refused} answers other than 2xx, {broken} without an answer", refused + broken == 0)


def left_over(rig):
    """Messages that are still in an outbox, a queue or a dead letter queue."""
    pending = sum(map(rig.databases.outbox_pending, SERVICES))  # first: what leaves an outbox is in a queue by then
    with Broker(rig.amqp_url) as broker:
        return pending + sum(broker.depths([*broker.working_queues(), *map(dead_letter_queue, QUEUES)]).values())


def saga_agrees(rig, result, what):
    """Every accepted order is there and confirmed, and I2 to I5 hold of all there are. Nothing waits, nothing was given
    up."""
    with rig.databases.snapshot() as snapshot:
        states = invariants.states_of(snapshot)
        wrong = (invariants.check_order_states(snapshot) + invariants.check_stock(snapshot, states, rig.stocked()) +
                 invariants.check_notifications(snapshot, timeout=0) + invariants.check_nothing_parked(snapshot))
        dead = sum(snapshot.value(service, "select count(*) from dead_letters") for service in SERVICES)
    confirmed, waiting = sum(status == invariants.CONFIRMED for status in states.values()), left_over(rig)
    result.check(
        f"{what}: {rig.accepted} accepted, {len(states)} orders, {confirmed} confirmed, each with its stock and its"
        f" notification but for {len(wrong)} violations; {waiting} waiting, {dead} dead letters",
        rig.accepted <= len(states) <= rig.accepted + rig.unanswered
        and confirmed == len(states)
        and not wrong
        and waiting == 0
        and dead == 0,
    )
    result.notes += wrong[:SHOWN]
    if rig.refused or rig.unanswered:
        result.notes.append(
            f"{what}, warm-up included: {rig.refused} answered other than 2xx, {rig.unanswered} not answered"
        )
