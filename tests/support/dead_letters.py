"""Dead letters made on purpose, and what operators do about them: the admin API and ./cartwheel dlq."""

import contextlib
import json
import os
import subprocess

import pika
from psycopg import sql

from support.api import Api, new_id
from support.broker import Broker
from support.system import LAUNCHER, ROOT, STEP_SECONDS
from support.waits import eventually

ACTS = ("replay", "discard")
MESSAGE = {"by": "ana@ops", "why": "the cause is gone"}


class DeadLetterAdmin(Api):
    """The admin API of one worker's dead letters, with its token."""

    def __init__(self, system, worker, token=None):
        super().__init__(system.admin(worker))
        self.token = token or system.endpoints["admin_token"]

    def call(self, method, path, **options):
        headers = {"Authorization": f"Bearer {self.token}", **(options.pop("headers", None) or {})}
        return super().call(method, path, headers=headers, **options)

    def list(self, **query):
        return self.all_pages("/dead-letters", query.pop("limit", 100), **query)

    def show(self, letter_id):
        answer = self.get(f"/dead-letters/{letter_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def replay(self, letter_id, **request):
        return self.post(f"/dead-letters/{letter_id}/replay", {**MESSAGE, **request})

    def discard(self, letter_id, **request):
        return self.post(f"/dead-letters/{letter_id}/discard", {**MESSAGE, **request})


def dlq(system, *arguments, check=True, timeout=STEP_SECONDS, env=None):
    """Runs ./cartwheel dlq; (exit code, [objects of --json], standard error)."""
    done = start_dlq(system, *arguments, env=env)
    output, errors = done.communicate(timeout=timeout)
    assert not check or done.returncode == 0, f"{arguments}: {done.returncode}\n{output}\n{errors}"
    return done.returncode, [json.loads(line) for line in output.splitlines()], errors


def start_dlq(system, *arguments, env=None):
    """Starts it with --json and returns the process; the caller waits for it."""
    environ = {**os.environ, "CARTWHEEL_HOME": str(system.home), **(env or {})}
    return subprocess.Popen([str(LAUNCHER), "dlq", *arguments, "--json"], cwd=ROOT, env=environ, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@contextlib.contextmanager
def broken(databases, service, table, condition):
    """While this lasts, the database refuses every new row of @table for which @condition holds.

    The handler then fails for the event that would write it, and its message dies.
    """
    name = sql.Identifier("broken_" + new_id().replace("-", "")[:12])
    names = {"table": sql.Identifier(table), "name": name, "condition": sql.SQL(condition)}
    with databases.connect(service) as connection:
        connection.execute(sql.SQL(
            "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (NOT ({condition})) NOT VALID").format(**names))
    try:
        yield
    finally:
        with databases.connect(service) as connection:
            connection.execute(sql.SQL("ALTER TABLE {table} DROP CONSTRAINT {name}").format(**names))


@contextlib.contextmanager
def slow(databases, service, table, condition):
    """While this lasts, each new row of @table for which @condition (about NEW) holds takes longer than any time-out."""
    name = sql.Identifier("slow_" + new_id().replace("-", "")[:12])
    names = {"table": sql.Identifier(table), "name": name, "condition": sql.SQL(condition)}
    with databases.connect(service) as connection:
        connection.execute(sql.SQL("CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
                                   " 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END'").format(**names))
        connection.execute(sql.SQL("CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition})"
                                   " EXECUTE FUNCTION {name}()").format(**names))
    try:
        yield
    finally:
        with databases.connect(service) as connection:
            connection.execute(sql.SQL("DROP FUNCTION {name} CASCADE").format(**names))


def let_die(amqp_url, queue, count):
    """Makes letters of @count messages that wait in @queue, whose consumer is paused; their message ids.

    They are as if their consumer had given them up: no need to wait for three attempts."""
    ids = []
    with Broker(amqp_url) as broker:
        eventually(lambda: (broker.depth(queue) or 0) >= count, f"{count} messages to wait in {queue}", 30)
        while len(ids) < count:
            method, properties, body = broker.channel.basic_get(queue)
            if method is None:
                continue
            broker.to_queue(f"{queue}.dlq", body, pika.BasicProperties(
                message_id=properties.message_id, type=properties.type, content_type=properties.content_type, delivery_mode=2,
                headers={"x-failed-queue": queue, "x-error": "a test let it die"}))
            broker.channel.basic_ack(method.delivery_tag)
            ids.append(properties.message_id)
    return ids


def dead_confirmations(system, orders, product, count):
    """Orders whose stock results all died, while their database refused to confirm them:
    {dead letter's id: order id}. The orders are Created, their stock is taken, the cause is gone."""
    customers = [new_id() for _ in range(count)]
    mine = ", ".join(f"'{customer}'" for customer in customers)
    with broken(system.databases, "order", "orders", f"customer_id IN ({mine}) AND status = 2"):
        placed = [orders.placed((product, 1), customer=customer) for customer in customers]
        return eventually(lambda: letters_about(system.databases, "order", placed, count),
                          f"{count} stock results to die", 90)


def letters_about(databases, service, order_ids, count):
    """{dead letter's id: order id} of those that wait, once there are @count; else None."""
    rows = databases.rows(service, "SELECT id::text, convert_from(body, 'UTF8') FROM dead_letters"
                          " WHERE act IS NULL AND octet_length(body) < 10000"
                          " AND died_at > now() - interval '10 minutes'"
                          " AND body LIKE ANY(SELECT convert_to('%%' || o || '%%', 'UTF8')"
                          " FROM unnest(%s::text[]) AS o)", (order_ids,))
    found = {letter: json.loads(body)["Data"]["OrderId"] for letter, body in rows}
    return found if len(found) >= count else None


def rows_of(databases, service, letter_ids):
    """Every column of these letters."""
    return databases.rows(service, "SELECT * FROM dead_letters WHERE id = ANY(%s::uuid[]) ORDER BY id",
                          (list(letter_ids),))
