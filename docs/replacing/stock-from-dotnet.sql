-- Stock: products, what each order took or was refused, handled events and unpublished ones, to Cartwheel.
\set ON_ERROR_STOP on
begin;

-- A version 7 id of a time: what our lists and our relay sort by.
create function pg_temp.id_of(at timestamptz) returns uuid language sql volatile as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

-- The results in its outbox are all that it knows of orders. One that was taken and refused, after a repetition, is taken.
create temporary table results on commit drop as
    select distinct on (order_id) * from (
        select (payload -> 'Data' ->> 'OrderId')::uuid as order_id, payload -> 'Data' -> 'Items' as items,
            event_type = 'OrderStockProcessCompletedDomainEvent' as taken,
            coalesce(nullif(payload -> 'Data' ->> 'ErrorMessage', ''), 'Unexpected') as error, happened_at
        from (select "Type" as event_type, "Payload"::jsonb as payload, "OccurredOn" as happened_at
                from dotnet.outbox_messages) as messages
        where event_type in ('OrderStockProcessCompletedDomainEvent', 'OrderStockProcessFailedDomainEvent')) as every
    order by order_id, taken desc, happened_at;

-- An order that we had decided before stays as it was. What was taken is in the ledger, so that it can be given back.
with decided as (
    insert into stock_reservations (order_id, status, reason, created_at, updated_at)
    select order_id, case when taken then 1 else 2 end, case when not taken then error end, happened_at, happened_at
    from results order by order_id on conflict do nothing returning order_id, status)
insert into stock_movements (id, product_id, delta, kind, order_id, happened_at)
select pg_temp.id_of(r.happened_at), (item ->> 'ProductId')::uuid, -sum((item ->> 'Quantity')::bigint), 'taken', r.order_id,
    r.happened_at
from decided d join results r using (order_id), jsonb_array_elements(r.items) as item
where d.status = 1 group by r.order_id, r.happened_at, item ->> 'ProductId';

-- The quantities are its own; one movement makes the ledger add up.
create temporary table ledger on commit drop as
    select product_id, sum(delta)::bigint as balance from stock_movements group by product_id;
insert into stock_movements (id, product_id, delta, kind, reason)
select pg_temp.id_of(now()), coalesce(s."ProductId", l.product_id), coalesce(s."Quantity", 0) - coalesce(l.balance, 0),
    case when s."ProductId" is null then 'deleted'
        when exists (select from stock known where known.product_id = s."ProductId") then 'adjusted' else 'created' end,
    'moved from the .NET service'
from dotnet.stocks s full join ledger l on l.product_id = s."ProductId"
where coalesce(s."Quantity", 0) <> coalesce(l.balance, 0);
delete from stock where product_id not in (select "ProductId" from dotnet.stocks);
insert into stock (product_id, quantity) select "ProductId", "Quantity" from dotnet.stocks
    on conflict (product_id) do update set quantity = excluded.quantity, updated_at = now();

-- Completed alone: what is in progress or failed is still in the queue, or refused and in the dead letter queue.
insert into inbox (consumer, event_id, received_at)
select "QueueName", "EventId", coalesce("ProcessedOn", now()) from dotnet.processed_events where "Status" = 1
    on conflict do nothing;

insert into outbox (id, message_id, exchange, routing_key, message_type, body)
select pg_temp.id_of("OccurredOn"), "EventId"::text, 'stock.events.topic', "Type", "Type", convert_to("Payload", 'UTF8')
from dotnet.outbox_messages where "ProcessedOn" is null;
update dotnet.outbox_messages set "ProcessedOn" = now() where "ProcessedOn" is null;

-- Movements came with ids of long ago: what the auditor summed is no sum any more.
update auditor_checks set position = '', began_at = now();
commit;
