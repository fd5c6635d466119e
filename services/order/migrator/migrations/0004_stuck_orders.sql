-- The watch over orders that are not final in time (docs/operations.md, stuck orders).

-- Where the watch stands: one row. Each order is looked at once, when
-- it comes of age, so that neither placing nor settling an order maintains an index for it.
create table order_watch (
    single boolean primary key default true,
    passed uuid not null default '00000000-0000-0000-0000-000000000000', -- up to here all are final or in stuck_orders
    probed_at timestamptz not null default '-infinity', -- when an order was last announced again on trial
    constraint order_watch_single check (single)
);
insert into order_watch default values;

-- Orders that were not final in time. A row goes when its order is final.
create table stuck_orders (
    order_id uuid primary key,
    announced_at timestamptz not null, -- its last OrderCreatedEvent
    repeats integer not null default 0, -- how often it was announced again
    found_at timestamptz not null default now()
);
