-- Orders, their items, what happened to them, and the idempotency keys of the requests.

create table orders (
    id uuid primary key,             -- version 7: newest first is id descending
    customer_id uuid not null,
    status smallint not null,        -- 1 Created, 2 Confirmed, 3 Cancelled
    total numeric(19, 4) not null,
    currency text not null,
    reason text,                     -- why it was cancelled
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint orders_status check (status between 1 and 3),
    constraint orders_total check (total >= 0)
) with (fillfactor = 85);            -- room for the change of status beside the row
create index orders_customer on orders (customer_id, id);

create table order_items (
    order_id uuid not null references orders (id),
    product_id uuid not null,
    quantity bigint not null,
    unit_price numeric(19, 4) not null,
    primary key (order_id, product_id),
    constraint order_items_quantity check (quantity > 0)
);

-- Every change of status after the creation; the creation itself is in orders.
create table order_history (
    order_id uuid not null references orders (id),
    status smallint not null,
    cause text not null,
    happened_at timestamptz not null,
    primary key (order_id, status)   -- an order enters each status once
);

-- A status never leaves its end: Created to Confirmed or Cancelled, Confirmed to Cancelled.
create function orders_check_move() returns trigger language plpgsql as $$
begin
    if new.status < old.status or old.status = 3 and new.status <> 3 then
        raise exception 'order % cannot go from status % to %', old.id, old.status, new.status;
    end if;
    return new;
end $$;
create trigger orders_move before update of status on orders
    for each row when (old.status is distinct from new.status) execute function orders_check_move();

create table idempotency_keys (
    customer_id uuid not null,
    key text not null,
    request_hash bytea not null,     -- SHA-256 of the request's body
    order_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (customer_id, key)
);
create index idempotency_keys_created_at on idempotency_keys using brin (created_at);
