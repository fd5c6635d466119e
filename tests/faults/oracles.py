"""What more can be said of a run than support.invariants does: it began with empty databases, in which faults.audit
noted every committed event and every move of an order.

Each check gives a list of violations, in words that name the orders; none stops the others.
I1 to I6 read one snapshot of each database (repeatable read), taken after the system was quiet.
"""

import collections

from support.history import OK
from support.invariants import CANCELLED, CONFIRMED, CREATED, check_nothing_parked, check_order_states, some, states_of
from support.names import (APP_ID_OF_EXCHANGE, DATA_FIELDS, DIGESTS_QUEUE, ORDER_CANCELLED, ORDER_CONFIRMED, QUEUES, SERVICES)


def check_states(snapshot, history):
    """I2: (violations, {order: status}); moves are those that the trigger saw."""
    states = states_of(snapshot)
    wrong = check_order_states(snapshot)
    accepted = {order: attempt for attempt in history.attempts for order in attempt.ids}
    moves = collections.defaultdict(list)
    for order, was, now in snapshot.rows(
            "order", "select order_id::text, was, is_now from fault_plan.moves order by at"):
        moves[order].append((was, now))
    for order, steps in moves.items():
        back = [s for s in steps if s not in ((CREATED, CONFIRMED), (CREATED, CANCELLED), (CONFIRMED, CANCELLED))]
        if back or len(steps) != len(set(steps)):
            wrong.append(f"I2: order {order} went {steps}")
        attempt = accepted.get(order)
        if (CONFIRMED, CANCELLED) in steps and attempt is not None and not attempt.may_be_cancelled:
            wrong.append(f"I2: order {order} left Confirmed though nobody cancelled it")
    for order, attempt in accepted.items():
        if OK in attempt.cancels and states.get(order) != CANCELLED:
            wrong.append(f"I2: order {order} is {states.get(order)}, its client was told that it is cancelled")
    return wrong, states


def check_audit(snapshot):
    """I11. Audit logs refuse to be emptied: rows about orders of earlier runs don't count."""
    wrong = snapshot.rows(
        "order", "select coalesce(h.order_id, a.object_id)::text, a.rows from"
        " (select order_id from order_history where status = %(cancelled)s and cause = 'cancelled by the customer') h"
        " full join (select object_id, count(*) as rows from audit_log join orders o on o.id = object_id"
        "  where action = 'cancelOrder' group by object_id) a on a.object_id = h.order_id"
        " where h.order_id is null or a.rows is distinct from 1", {"cancelled": CANCELLED})
    return [f"I11: (order, rows in the audit log of its cancellation): {some(wrong)}"] if wrong else []


def outbox_log(snapshot):
    """{service: [(message id, type, order, queue)]} of all that was ever committed to an outbox.

    An event for all has no queue; a retry, a dead letter and a replay are for one.
    """
    return {service: snapshot.rows(
        service, "select message_id, message_type, order_id,"
        " case exchange when '' then routing_key else failed_queue end"
        " from fault_plan.outbox_log") for service in SERVICES}


def check_notifications(snapshot, log, foreign):
    """I5: the full outer join of terminal events and notifications is the inner one."""
    events = {message for message, kind, _, queue in log["order"]
              if queue is None and kind in (ORDER_CONFIRMED, ORDER_CANCELLED)}
    rows = [event for event, in snapshot.rows("notification", "select event_id::text from notifications")]
    wrong = []
    if missing := events - set(rows):
        wrong.append(f"I5: {len(missing)} terminal events without a notification: {some(missing)}")
    if more := set(rows) - events - foreign:
        wrong.append(f"I5: {len(more)} notifications of no event: {some(more)}")
    if len(rows) != len(set(rows)):
        wrong.append("I5: an event has two notifications")
    return wrong


def committed(log):
    """[(message id, type, order)] of the events that had to be published."""
    return [(message, kind, order) for service in APP_ID_OF_EXCHANGE.values()
            for message, kind, order, queue in log[service] if queue is None]


def check_wire(log, tap, foreign):
    """I6: published ids are committed ids; @foreign ids were published by the row itself."""
    wrong = []
    for (order, kind), n in collections.Counter((o, k) for _, k, o in committed(log)).items():
        if n > 1 and kind in DATA_FIELDS and order not in foreign:
            wrong.append(f"I6: {n} times {kind} of order {order}")
    if not tap.listens:
        return wrong
    ids, seen = {message for message, _, _ in committed(log)}, tap.event_ids() - foreign
    if lost := ids - seen:
        wrong.append(f"I6: {len(lost)} committed events were never published: {some(lost)}")
    if ghosts := seen - ids:
        wrong.append(f"I6: {len(ghosts)} events on the wire that nobody committed: {some(ghosts)}")
    return wrong


def _fates(snapshot, log):
    """(queue, published, recorded, dead letters), as sets of ids, for each queue but one: digests may be lost."""
    for queue, (exchange, kind, service, _) in QUEUES.items():
        if queue == DIGESTS_QUEUE:
            continue
        published = {m for m, k, _, one in log[APP_ID_OF_EXCHANGE[exchange]] if one is None and k == kind}
        taken = {m for m, in snapshot.rows(service, "select event_id::text from inbox where consumer = %s", (queue,))}
        dead = {m for m, in snapshot.rows(service, "select message_id from dead_letters where queue = %s", (queue,))}
        yield queue, published, taken, dead


def on_their_way(databases):
    """How many events no consumer has recorded or given up yet. Asks no broker: one that is short of time
    says of a quorum queue that it is empty."""
    return sum(len(published - taken - dead) for _, published, taken, dead in _fates(databases, outbox_log(databases)))


def check_consumers(snapshot, log, states, foreign, doomed):
    """I6 and I7: what was published for a queue was recorded by its consumer, once, or is a dead letter.

    A poisoned OrderCreatedEvent is answered with the refusal of an order that nobody knows: no innocent event.
    @doomed are those that the row lets die.
    """
    wrong = []
    known = {m for service in APP_ID_OF_EXCHANGE.values() for m, _, order, _ in log[service] if order in states}
    for queue, published, taken, dead in _fates(snapshot, log):
        if lost := published - taken - dead:
            wrong.append(f"I7: {len(lost)} events were lost before {queue}: {some(lost)}")
        if strange := taken - published - foreign:
            wrong.append(f"I7: {queue} took in {len(strange)} events that nobody published: {some(strange)}")
        if innocent := (published & dead & known) - foreign - doomed:
            wrong.append(f"I7: {len(innocent)} innocent events are dead letters of {queue}: {some(innocent)}")
    return wrong


def check_dead_letters(snapshot, poison, note):
    """I7: each poison message is a dead letter with a reason, and nothing is parked.

    Dead lettering is at least once: a message that nobody can read has no id by which a second death could be told,
    so one whose first was committed when the connection broke dies twice. That is noted, and no violation.
    """
    wrong = []
    letters = [(service, queue, message, bytes(body), reason) for service in SERVICES
               for queue, message, body, reason in snapshot.rows(
                   service, "select queue, message_id, substr(body, 1, 600), reason from dead_letters")]
    for kind, queue, marker, _, _ in poison:
        n = sum(q == queue and (m == marker or marker.encode() in body) for _, q, m, body, _ in letters)
        if n == 0:
            wrong.append(f"I7: poison {kind} in {queue} is no dead letter")
        elif n > 1:
            note("dead letters more than once", f"{kind} in {queue}: {n}")
    if silent := [message for _, _, message, _, reason in letters if not reason]:
        wrong.append(f"I7: dead letters without a reason: {some(silent)}")
    return wrong + check_nothing_parked(snapshot)


def check_resources(before, after, more_files, most_kib, is_sanitized):
    """I8: neither files nor memory were kept. @before, @after: {name: (files, resident KiB)}."""
    wrong = []
    for name, (files, kib) in after.items():
        if files > before[name][0] + more_files:
            wrong.append(f"I8: {name} has {files} open files, {before[name][0]} at the start")
        if not is_sanitized and kib > most_kib:
            wrong.append(f"I8: {name} has {kib} KiB resident")
    return wrong


def check_answers(history, may_hang):
    """I10: every request was answered in time, whatever the answer."""
    hung = history.hung()
    return [] if may_hang or not hung else [f"I10: {hung} requests were not answered in time"]
