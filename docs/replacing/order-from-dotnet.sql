-- Orders with their items and ends, handled events and unpublished ones, to Cartwheel.
\set ON_ERROR_STOP on
begin;

-- A version 7 id of a time: what our lists and our relay sort by.
create function pg_temp.id_of(at timestamptz) returns uuid language sql volatile as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

create temporary table ends on commit drop as
    select distinct on (order_id, status) * from (
        select (payload -> 'Data' ->> 'OrderId')::uuid as order_id,
            case event_type when 'OrderConfirmedEvent' then 2 else 3 end as status, payload -> 'Data' ->> 'Reason' as reason,
            happened_at
        from (select type as event_type, payload::jsonb, occurred_on as happened_at from dotnet.outbox_messages) as messages
        where event_type in ('OrderConfirmedEvent', 'OrderCancelledEvent')) as every
    order by order_id, status, happened_at;

-- It knows no prices. An order that we had before goes forward only: ours are never opened again.
insert into orders (id, customer_id, status, total, currency, reason, created_at, updated_at)
select o.id, o.customer_id, greatest(o.status, 1), 0, 'USD', case when o.status = 3 then e.reason end, o.created_at,
    coalesce(e.happened_at, o.created_at)
from dotnet.orders o left join ends e on e.order_id = o.id and e.status = o.status
    on conflict (id) do update set status = excluded.status, reason = excluded.reason, updated_at = excluded.updated_at
    where orders.status < excluded.status;
insert into order_items (order_id, product_id, quantity, unit_price)
select order_id, product_id, quantity, 0 from dotnet.order_items
    on conflict do nothing;
insert into order_history (order_id, status, cause, happened_at)
select o.id, o.status, 'moved from the .NET service', coalesce(e.happened_at, o.updated_at)
from orders o join dotnet.orders theirs on theirs.id = o.id
left join ends e on e.order_id = o.id and e.status = o.status where o.status > 1
    on conflict do nothing;

insert into inbox (consumer, event_id, received_at)
select "QueueName", "EventId", coalesce("ProcessedOn", now()) from dotnet."ProcessedEvents" where "Status" = 1
    on conflict do nothing;

-- Their ids do not ascend with time: the watch passes over them. watch-moved-orders.sql gives it those that are open.
update order_watch set passed = greatest(passed, pg_temp.id_of(now()));

insert into outbox (id, message_id, exchange, routing_key, message_type, body)
select pg_temp.id_of(occurred_on), event_id::text, 'order.events.topic', type, type, convert_to(payload, 'UTF8')
from dotnet.outbox_messages where processed_on is null;
update dotnet.outbox_messages set processed_on = now() where processed_on is null;
commit;
