-- Has the watch over stuck orders look after those that were moved and are open. Only when the stock service is
-- Cartwheel's: another one knows them by the id of their first event, and would take their stock twice.
\set ON_ERROR_STOP on
insert into stuck_orders (order_id, announced_at)
select o.id, now() from orders o, order_watch w where o.status = 1 and (o.id <= w.passed or substr(o.id::text, 15, 1) <> '7')
    on conflict do nothing;
