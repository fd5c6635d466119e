-- Stock: products and handled events, from Cartwheel to the .NET service. It keeps nothing of orders.
\set ON_ERROR_STOP on
begin;
do $$ begin
    if exists (select from outbox) then
        raise exception 'the outbox is not empty: start the worker and let it publish first';
    end if;
end $$;

-- Its quantities are 32 bits wide: one that does not fit ends this here.
delete from dotnet.stocks;
insert into dotnet.stocks ("ProductId", "Quantity") select product_id, quantity::integer from stock;

-- Those that it left half done are among them.
update dotnet.processed_events p set "Status" = 1, "ProcessedOn" = i.received_at
from inbox i where i.consumer = 'stock.ordercreated' and i.event_id = p."EventId" and p."Status" <> 1;
insert into dotnet.processed_events ("EventId", "EventType", "QueueName", "OccurredOn", "ProcessedOn", "Status")
select event_id, 'OrderCreatedEvent', consumer, received_at, received_at, 1 from inbox
where consumer = 'stock.ordercreated'
    on conflict do nothing;
commit;
