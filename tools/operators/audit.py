"""./cartwheel audit verify: whether the audit logs are as they were written.

Recomputes the chain of each service's log (docs/decisions/0078-an-audit-log-that-shows-changes.md) and holds it against its
head, and against what workers said of it in their logs: nobody who can write to the database can take that back.
"""

import contextlib
import hashlib
import json
import sys
from pathlib import Path

from launcher import terminal
from launcher.layout import LauncherError, read_json
from launcher.services import SERVICES
from launcher.system import running_system

EXIT_WHOLE, EXIT_CHANGED, EXIT_FAILED = 0, 1, 2
FETCH_ROWS = 5000
COUNTED = 20  # faults that are shown of one log

ROWS = """
    select number, json_build_array(id::text, (extract(epoch from happened_at) * 1000000)::bigint::text, subject, roles,
        scope, token_id, action, object, object_id::text, before::text, after::text, trace_id),
        address, why, salt, erasable_sha256, link
    from audit_log where number > %s order by number"""
LINK = "select link from audit_log where number = %s"
HEAD = "select number, link from audit_head"


def add_arguments(command):
    command.add_argument("act", choices=("verify",), help="recompute the chains")
    command.add_argument("--service", action="append", choices=SERVICES, help="this one alone; may be repeated")
    command.add_argument("--after", metavar="NUMBER", type=int, default=0,
                         help="the rows up to this one, which is the last of a transaction, were archived")
    command.add_argument("--head", action="append", default=[], metavar="NUMBER:LINK", type=_head,
                         help="what was told of the log elsewhere, as \"audit head\" in a worker's log; with one --service")
    command.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    command.add_argument("--endpoints", metavar="FILE",
                         help="JSON with order_database_url, stock_database_url, notification_database_url "
                              "(default: those of the running system, whose logs are read too)")


def _head(text):
    number, _, link = text.partition(":")
    return int(number), bytes.fromhex(link)


def run(layout, options):
    """The command; 0 the logs are whole, 1 they are not, 2 they could not be read."""
    import psycopg  # the other commands do without

    try:
        if not options.endpoints:
            running_system(layout, "postgres")
        endpoints = read_json(Path(options.endpoints) if options.endpoints else layout.endpoints_file) or {}
        found = {}
        for service in options.service or SERVICES:
            told = options.head + ([] if options.endpoints else heads_in(layout.log(f"{service}-worker")))
            found[service] = check_log(endpoints[f"{service}_database_url"], options.after, told)
    except (psycopg.Error, LauncherError, KeyError) as error:
        print(f"cartwheel: an audit log cannot be read: {error}", file=sys.stderr)
        return EXIT_FAILED
    _print(options, found)
    return EXIT_CHANGED if any(faults for _, faults in found.values()) else EXIT_WHOLE


def heads_in(path):
    """[(number, link)] that a worker told in its log."""
    heads = []
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if '"audit head"' in line:
                with contextlib.suppress(ValueError, KeyError):
                    record = json.loads(line)
                    heads.append((record["rows"], bytes.fromhex(record["link"])))
    return heads


def check_log(url, after=0, told=()):
    """(rows, [faults]) of one log, in one snapshot."""
    import psycopg

    with psycopg.connect(url, connect_timeout=10, application_name="audit") as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        head = connection.execute(HEAD).fetchone()
        link = b""
        if after:
            row = connection.execute(LINK, (after,)).fetchone()
            if row is None or row[0] is None:
                raise LauncherError(f"row {after} is not there, or not the last of a transaction")
            link = row[0]
        with connection.cursor(name="rows") as cursor:
            cursor.itersize = FETCH_ROWS
            cursor.execute(ROWS, (after,))
            return verify(cursor, head, told, after, link)


def digest_of(fields, erasable):
    """The SHA-256 of a row: of its fields as a JSON array of texts."""
    text = json.dumps([*fields, None if erasable is None else erasable.hex()], ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def erasable_digest_of(salt, address, why):
    return hashlib.sha256(salt + json.dumps([address, why], ensure_ascii=False).encode()).digest()


def _fault_of_erasable(address, why, salt, erasable):
    if salt is None:
        return None if address is None and why is None else "its address or reason is not what was written"
    if erasable is None or erasable_digest_of(salt, address, why) != erasable:
        return "its address or reason is not what was written"
    return None


def verify(rows, head, told, number=0, link=b""):
    """(how many rows, [what is wrong with them]); @rows ascend from behind row @number, whose link is @link."""
    faults, count = [], 0
    first, digests = number + 1, b""  # of those that have no link yet
    told = [(at, told_link) for at, told_link in told if at >= number]  # the others are about what was archived
    links, wanted = {number: link}, {at for at, _ in told}
    for row_number, fields, address, why, salt, erasable, row_link in rows:
        count += 1
        if row_number != number + 1:
            faults.append(f"row {number + 1} is missing" if row_number == number + 2 else
                          f"rows {number + 1} to {row_number - 1} are missing")
        number = row_number
        if fault := _fault_of_erasable(address, why, salt, erasable):
            faults.append(f"row {number}: {fault}")
        digests += digest_of(fields, erasable)
        if row_link is None:
            continue
        if hashlib.sha256(link + digests).digest() != row_link:
            faults.append(f"row {number} is not what was written" if first == number else
                          f"rows {first} to {number} are not what was written")
        link, first, digests = row_link, number + 1, b""
        if number in wanted:
            links[number] = link
    if digests:
        faults.append(f"rows {first} to {number} have no link: the end of their transaction is missing")
    return count, faults + _faults_of_heads(number, link, links, head, told)


def _faults_of_heads(number, link, links, head, told):
    faults = []
    if (number, link) != tuple(head):
        faults.append(f"the last row is {number}, the head says {head[0]}"
                      if number != head[0] else f"the link of row {number} is not that of the head")
    for at, told_link in sorted(set(told)):
        if at > number:
            faults.append(f"row {at} was told of, the last one is {number}: the newest rows were cut off")
        elif at in links and links[at] != told_link:
            faults.append(f"row {at} had another link when it was told of: what is up to it was written anew")
        elif at not in links and not faults:
            faults.append(f"row {at} was the last of a transaction when it was told of, and is not now")
    return faults


def _print(options, found):
    if options.json:
        print(json.dumps({service: {"rows": rows, "faults": faults} for service, (rows, faults) in found.items()}, indent=2))
        return
    for service, (rows, faults) in found.items():
        verdict = terminal.paint(f"{len(faults)} faults", "red") if faults else terminal.paint("whole", "green")
        terminal.say(f"  {service}: {rows} rows, {verdict}")
        for fault in faults[:COUNTED]:
            terminal.say(f"    {fault}")
        if len(faults) > COUNTED:
            terminal.say(f"    and {len(faults) - COUNTED} more")
