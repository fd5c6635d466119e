"""What the product does not keep, noted from outside: triggers in a schema of ours, a queue that sees each event."""

import json
import time

from support.broker import Broker, open_connection
from support.names import EXCHANGE_OF, QUEUES, SERVICES, dead_letter_queue

TAP = "fault-plan.tap"
IDLE_S = 0.5  # without a message: the queue is empty, when all that had to come has come
TABLES = {
    "order": "orders, order_items, order_history, idempotency_keys",
    "stock": "stock, stock_reservations, stock_movements",
    "notification": "notifications",
}
MESSAGING = "outbox, outbox_parked, inbox, dead_letters"

# Committed outbox rows, and moves of orders, outlive what the relay deletes.
SETUP = """
create schema if not exists fault_plan;
create table if not exists fault_plan.outbox_log (message_id text, exchange text, routing_key text,
    message_type text, order_id text, failed_queue text, at timestamptz default clock_timestamp());
create or replace function fault_plan.note_outbox() returns trigger language plpgsql security definer as $$
declare
    about text;
begin
    if new.failed_queue is null then
        about := convert_from(new.body, 'UTF8')::jsonb -> 'Data' ->> 'OrderId';
    end if;
    insert into fault_plan.outbox_log values
        (new.message_id, new.exchange, new.routing_key, new.message_type, about, new.failed_queue);
    return null;
end $$;
drop trigger if exists fault_plan_outbox on outbox;
create trigger fault_plan_outbox after insert on outbox for each row execute function fault_plan.note_outbox();
"""
SETUP_ORDERS = """
create table if not exists fault_plan.moves (order_id uuid, was smallint, is_now smallint,
    at timestamptz default clock_timestamp());
create or replace function fault_plan.note_move() returns trigger language plpgsql security definer as $$
begin
    insert into fault_plan.moves values (new.id, old.status, new.status);
    return null;
end $$;
drop trigger if exists fault_plan_moves on orders;
create trigger fault_plan_moves after update of status on orders
    for each row execute function fault_plan.note_move();
"""


def install(databases):
    """Once a system: the triggers. The services' roles own their databases, so they may."""
    for service in SERVICES:
        databases.execute(service, SETUP)
    databases.execute("order", SETUP_ORDERS)


def clean(databases):
    """Every run begins with empty tables. The locks wait for no long transaction: nothing runs."""
    for service in SERVICES:
        more = ", fault_plan.moves" if service == "order" else ""
        databases.execute(service, f"truncate {TABLES[service]}, {MESSAGING}, fault_plan.outbox_log{more}")


class TapQueue:
    """A quorum queue bound with # to both exchanges: it outlives the restarts of the broker and the loss of a node."""

    def __init__(self, url, listens=True):
        self._url = url
        self.listens = listens
        self.seen = []  # (event id, event type, routing key)
        with Broker(url) as broker:
            broker.channel.queue_delete(TAP)
            if listens:
                broker.channel.queue_declare(TAP, durable=True, arguments={"x-queue-type": "quorum"})
                for exchange in set(EXCHANGE_OF.values()):
                    broker.channel.queue_bind(TAP, exchange, "#")

    def collect(self, expected, patience_s):
        """Takes all that has come: @expected ids at least, unless nothing comes for @patience_s."""
        if not self.listens:
            return
        missing, last = set(expected), time.monotonic()
        connection = open_connection(self._url)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=1000)
            for method, properties, body in channel.consume(TAP, inactivity_timeout=IDLE_S):
                if method is not None:
                    self.seen.append(_seen(method, properties, body))
                    missing.discard(self.seen[-1][0])
                    channel.basic_ack(method.delivery_tag)
                    last = time.monotonic()
                elif not missing or time.monotonic() - last > patience_s:
                    break
            channel.cancel()
        finally:
            connection.close()

    def delete(self):
        with Broker(self._url) as broker:
            broker.channel.queue_delete(TAP)


def _seen(method, properties, body):
    try:
        return json.loads(body)["EventId"], properties.type, method.routing_key
    except (ValueError, KeyError, TypeError):
        return properties.message_id, properties.type, method.routing_key


def purge(url):
    """Empties every queue of the product: a run that failed may have left something."""
    with Broker(url) as broker:
        for queue in [*broker.working_queues(), *map(dead_letter_queue, QUEUES)]:
            broker.channel.queue_purge(queue)
