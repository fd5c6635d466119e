"""What the product does not keep, noted from outside: triggers in a schema of ours."""

from support.databases import GIVEN_UP, MESSAGES, TABLES
from support.names import SERVICES

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
        databases.execute(service, f"truncate {TABLES[service]}, {MESSAGES}, {GIVEN_UP}, fault_plan.outbox_log{more}")
        for left in ("replay_jobs", "controls", "auditor_checks", "auditor_findings"):  # by a run that failed
            databases.execute(service, f"delete from {left}")
