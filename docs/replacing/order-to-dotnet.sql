-- Orders with their items, and handled events, from Cartwheel to the .NET service. It keeps no prices and no reasons.
\set ON_ERROR_STOP on
begin;
do $$ begin
    if exists (select from outbox) then
        raise exception 'the outbox is not empty: start the worker and let it publish first';
    end if;
end $$;

update dotnet.orders theirs set status = o.status from orders o where o.id = theirs.id and o.status <> theirs.status;
create temporary table new_orders on commit drop as
    select id from orders o where not exists (select from dotnet.orders theirs where theirs.id = o.id);
insert into dotnet.orders (id, customer_id, status, created_at)
select o.id, o.customer_id, o.status, o.created_at from orders o join new_orders using (id);
insert into dotnet.order_items (id, product_id, quantity, order_id)
select gen_random_uuid(), i.product_id, i.quantity::integer, i.order_id
from order_items i join new_orders n on n.id = i.order_id;

create temporary table handled on commit drop as
    select event_id, consumer, received_at, case consumer
        when 'order.stock.completed' then 'OrderStockProcessCompletedDomainEvent'
        else 'OrderStockProcessFailedDomainEvent' end as event_type
    from inbox where consumer in ('order.stock.completed', 'order.stock.fail');
update dotnet."ProcessedEvents" p set "Status" = 1, "ProcessedOn" = h.received_at
from handled h where h.event_id = p."EventId" and h.event_type = p."EventType" and p."Status" <> 1;
insert into dotnet."ProcessedEvents" ("Id", "EventType", "QueueName", "EventId", "OccurredOn", "ProcessedOn", "Status")
select gen_random_uuid(), event_type, consumer, event_id, received_at, received_at, 1 from handled
    on conflict do nothing;
commit;
