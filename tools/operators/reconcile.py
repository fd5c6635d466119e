"""./cartwheel reconcile: what the three services know of each order, side by side.

Reads only, one snapshot a database. What is on its way between two services looks like a difference
for a moment, so what differs is looked at again after a while, until nothing changes any more.
"""

import argparse
import contextlib
import dataclasses
import json
import re
import sys
import time
import uuid
from pathlib import Path

from launcher import terminal
from launcher.layout import LauncherError, read_json
from launcher.services import SERVICES
from launcher.system import running_system
from launcher.usage import order_id

EXIT_SAME, EXIT_DIFFERENT, EXIT_FAILED = 0, 1, 2
FETCH_ROWS = 5000

CREATED, CONFIRMED, CANCELLED = 1, 2, 3
TAKEN, REFUSED, RELEASED, TOMBSTONE = 1, 2, 3, 4
ORDER_NAMES = {None: "-", CREATED: "Created", CONFIRMED: "Confirmed", CANCELLED: "Cancelled"}
STOCK_NAMES = {None: "-", TAKEN: "Taken", REFUSED: "Refused", RELEASED: "Released", TOMBSTONE: "Cancelled"}

# Every difference there is; docs/operations.md says what to do about each.
KINDS = {
    "not_final": "the order is open for too long and stock knows nothing of it",
    "answer_missing": "stock was decided, the order has not heard of it",
    "cancelled_in_stock_only": "the stock service holds the order for cancelled, the order is open",
    "holds_no_stock": "the order is confirmed but holds no stock",
    "holds_stock": "the order is cancelled but still holds its stock",
    "stock_not_told": "the order is cancelled, the stock service never heard of it",
    "unknown_order": "there is no such order",
    "ledger": "the stock ledger does not show what the order must have taken or given back",
    "history": "the order's history does not lead to its status",
    "notification_missing": "the customer was not told how the order ended",
    "notification_extra": "the customer is told what did not happen, or twice",
    "product": "the product's quantity is not the sum of its movements",
}

# Rows of one service in ascending order of their ids. %(ids)s: these alone; null: all.
ORDERS = """
    select o.id::text, o.status, extract(epoch from now() - o.created_at)::float8,
        array(select h.status from order_history h where h.order_id = o.id order by h.status),
        (select string_agg(i.product_id || ' ' || i.quantity, ',' order by i.product_id)
            from order_items i where i.order_id = o.id)
    from orders o where (%(ids)s::uuid[] is null or o.id = any(%(ids)s::uuid[])) order by o.id"""
RESERVATIONS = """
    select coalesce(r.order_id, m.order_id)::text, r.status, m.taken, m.released
    from (select order_id, status from stock_reservations
            where %(ids)s::uuid[] is null or order_id = any(%(ids)s::uuid[])) r
    full join (select order_id,
            string_agg(product_id || ' ' || -delta, ',' order by product_id) filter (where kind = 'taken') as taken,
            string_agg(product_id || ' ' || delta, ',' order by product_id) filter (where kind = 'released') as released
            from stock_movements where order_id is not null
            and (%(ids)s::uuid[] is null or order_id = any(%(ids)s::uuid[])) group by order_id) m
        on m.order_id = r.order_id
    order by coalesce(r.order_id, m.order_id)"""
NOTIFICATIONS = """
    select order_id::text, count(*) filter (where template_code = 'ORDER_CONFIRMED'),
        count(*) filter (where template_code = 'ORDER_CANCELLED')
    from notifications where %(ids)s::uuid[] is null or order_id = any(%(ids)s::uuid[])
    group by order_id order by order_id"""
PRODUCTS = """
    select coalesce(s.product_id, m.product_id)::text, s.quantity, m.sum
    from (select product_id, quantity from stock
            where %(ids)s::uuid[] is null or product_id = any(%(ids)s::uuid[])) s
    full join (select product_id, sum(delta) as sum from stock_movements
            where %(ids)s::uuid[] is null or product_id = any(%(ids)s::uuid[]) group by product_id) m
        on m.product_id = s.product_id
    where coalesce(s.quantity, 0) <> coalesce(m.sum, 0)
    order by coalesce(s.product_id, m.product_id)"""


@dataclasses.dataclass(frozen=True)
class Order:
    id: str
    status: int
    age_seconds: float
    history: list
    items: str


@dataclasses.dataclass(frozen=True)
class Reservation:
    id: str
    status: int = None  # None: movements without a reservation
    taken: str = None  # "product quantity,..." ascending, None: nothing
    released: str = None


@dataclasses.dataclass(frozen=True)
class Told:
    id: str
    confirmed: int = 0
    cancelled: int = 0


@dataclasses.dataclass(frozen=True, order=True)
class Difference:
    id: str  # of the order, of a product when the kind is "product"
    kind: str
    order: str = "-"
    stock: str = "-"
    notifications: str = "-"
    detail: str = ""


def add_arguments(command):
    command.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    command.add_argument("--order", action="append", metavar="ID", type=order_id, help="this order alone; may be repeated")
    command.add_argument("--settle", metavar="TIME", type=_duration, default=10.0,
                         help="what is on its way gets this long before it is looked at again (default 10s)")
    command.add_argument("--stuck-after", metavar="TIME", type=_duration, default=300.0,
                         help="an open order is a difference when it is this old (default 5m)")
    command.add_argument("--endpoints", metavar="FILE",
                         help="JSON with order_database_url, stock_database_url, notification_database_url "
                              "(default: those of the running system)")


def _duration(text):
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no time: 500ms, 10s, 5m, 2h, 1d")
    return int(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def run(layout, options):
    """The command; 0 nothing differs, 1 something does, 2 the services could not be compared."""
    import psycopg  # the other commands do without

    def say(text):
        print(text, file=sys.stderr, flush=True)

    try:
        if not options.endpoints:
            running_system(layout, "postgres")
        urls = _urls(Path(options.endpoints) if options.endpoints else layout.endpoints_file)
        count, found = _look(urls, options, options.order, options.order is None)
        looks = 1
        while found:
            say(f"{_counted(len(found), 'difference')}; looking again in {options.settle:g} s at what may be on its way")
            time.sleep(options.settle)
            before, looks = found, looks + 1
            _, found = _look(urls, options, _ids(before, products=False), _ids(before, products=True))
            if {(d.id, d.kind) for d in found} == {(d.id, d.kind) for d in before}:
                break
    except (psycopg.Error, LauncherError) as error:
        say(f"cartwheel: the services cannot be compared: {error}")
        return EXIT_FAILED
    _print(options, count, looks, found)
    return EXIT_DIFFERENT if found else EXIT_SAME


def _urls(path):
    endpoints = read_json(path)
    if endpoints is None:
        raise LauncherError(f"{path} cannot be read; ./cartwheel up writes it")
    try:
        return {service: endpoints[f"{service}_database_url"] for service in SERVICES}
    except KeyError as missing:
        raise LauncherError(f"{path} has no {missing.args[0]}") from missing


def _ids(differences, products):
    return sorted({d.id for d in differences if (d.kind == "product") == products})


def _look(urls, options, ids, products):
    """(number of orders, [Difference]) of the orders @ids (None: all) and the products (True: all, or ids)."""
    found, count = [], 0
    asked_for = set(ids or ())
    with contextlib.ExitStack() as stack:
        snapshots = {service: stack.enter_context(_snapshot(url)) for service, url in urls.items()}
        streams = [
            (Order(*row) for row in _rows(snapshots["order"], ORDERS, ids)),
            (Reservation(*row) for row in _rows(snapshots["stock"], RESERVATIONS, ids)),
            (Told(*row) for row in _rows(snapshots["notification"], NOTIFICATIONS, ids)),
        ]
        for key, (order, reservation, told) in merged(streams):
            asked_for.discard(key)
            count += order is not None
            found += compare(key, order, reservation, told, options.stuck_after)
        found += [Difference(key, "unknown_order", detail="no service knows it") for key in asked_for]
        if products:
            for key, quantity, total in _rows(snapshots["stock"], PRODUCTS, None if products is True else products):
                found.append(Difference(key, "product", stock="-" if quantity is None else str(quantity),
                                        detail=f"the movements sum up to {total or 0}"))
    return count, sorted(found)


@contextlib.contextmanager
def _snapshot(url):
    import psycopg

    with psycopg.connect(url, connect_timeout=10, application_name="reconcile") as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("select 1")  # the snapshot is taken by the first statement
        yield connection


def _rows(connection, statement, ids):
    """Streams: a history of millions of orders is never in memory."""
    with connection.cursor(name=f"rows_{uuid.uuid4().hex}") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(statement, {"ids": ids})
        yield from cursor


def merged(streams):
    """(id, [its row of each stream or None]) in the order of ids, from streams that ascend by .id."""
    streams = [iter(stream) for stream in streams]
    heads = [next(stream, None) for stream in streams]
    while any(head is not None for head in heads):
        key = min(head.id for head in heads if head is not None)
        row = [head if head is not None and head.id == key else None for head in heads]
        yield key, row
        heads = [next(stream, None) if mine is not None else head
                 for stream, head, mine in zip(streams, heads, row)]


def compare(key, order, reservation, told, stuck_after):
    """Every Difference of what the services know of one order; None: nothing."""
    reservation, told = reservation or Reservation(key), told or Told(key)
    if order is None:
        found = [("unknown_order", "")]
    else:
        found = [*_of_stock(order, reservation, stuck_after), *_of_ledger(order, reservation),
                 *_of_history(order), *_of_notifications(order, told)]
    return [Difference(key, kind, ORDER_NAMES[order.status if order else None], STOCK_NAMES[reservation.status],
                       f"{told.confirmed} confirmed, {told.cancelled} cancelled", detail) for kind, detail in found]


def _of_stock(order, reservation, stuck_after):
    held = reservation.status
    if order.status == CREATED:
        if held in (TAKEN, REFUSED):
            yield "answer_missing", ""
        elif held is not None:
            yield "cancelled_in_stock_only", ""
        elif order.age_seconds > stuck_after:
            yield "not_final", f"placed {order.age_seconds:.0f} s ago"
    elif order.status == CONFIRMED and held != TAKEN:
        yield "holds_no_stock", ""
    elif order.status == CANCELLED and held == TAKEN:
        yield "holds_stock", ""
    elif order.status == CANCELLED and held is None:
        yield "stock_not_told", ""


def _of_ledger(order, reservation):
    taken = order.items if reservation.status in (TAKEN, RELEASED) else None
    released = order.items if reservation.status == RELEASED else None
    if reservation.taken != taken:
        yield "ledger", f"taken {reservation.taken or 'nothing'}, should be {taken or 'nothing'}"
    if reservation.released != released:
        yield "ledger", f"given back {reservation.released or 'nothing'}, should be {released or 'nothing'}"


def _of_history(order):
    ways = {CREATED: [[]], CONFIRMED: [[CONFIRMED]], CANCELLED: [[CANCELLED], [CONFIRMED, CANCELLED]]}
    if order.history not in ways[order.status]:
        yield "history", ", ".join(ORDER_NAMES[status] for status in order.history) or "empty"


def _of_notifications(order, told):
    for status, n in ((CONFIRMED, told.confirmed), (CANCELLED, told.cancelled)):
        wanted = 1 if status in order.history else 0
        if n != wanted:
            yield ("notification_missing" if n < wanted else "notification_extra"), f"{ORDER_NAMES[status]}: {n}"


def _counted(n, noun):
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _print(options, count, looks, found):
    if options.json:
        print(json.dumps({"orders": count, "looks": looks,
                          "differences": [{**dataclasses.asdict(d), "meaning": KINDS[d.kind]} for d in found]}, indent=2))
        return
    if found:
        terminal.table(["order or product", "difference", "order", "stock", "notifications", "detail"],
                       [[d.id, d.kind, d.order, d.stock, d.notifications, d.detail] for d in found])
        for kind in sorted({d.kind for d in found}):
            terminal.say(f"  {kind}: {KINDS[kind]}")
    terminal.say(f"{_counted(count, 'order')} compared in {_counted(looks, 'look')}, {_counted(len(found), 'difference')}")
