-- What is on hand, what each order took of it, and the ledger of every change.

create table stock (
    product_id uuid primary key,
    quantity bigint not null,
    updated_at timestamptz not null default now(),
    constraint stock_quantity check (quantity >= 0)
) with (fillfactor = 50);            -- a hot product is updated in its own page

-- One row an order: the guard that its stock is taken once and given back once.
create table stock_reservations (
    order_id uuid primary key,
    status smallint not null,        -- 1 Taken, 2 Refused, 3 Released, 4 Cancelled before it came
    reason text,                     -- of a refusal
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint stock_reservations_status check (status between 1 and 4)
);

-- The sum of a product's movements is its quantity.
create table stock_movements (
    id uuid primary key,             -- version 7: newest first is id descending
    product_id uuid not null,
    delta bigint not null,
    kind text not null,              -- created, set, adjusted, deleted, taken, released
    order_id uuid,
    reason text,
    happened_at timestamptz not null default now()
);
create index stock_movements_product on stock_movements (product_id, id);
create index stock_movements_order on stock_movements (order_id) where order_id is not null;
