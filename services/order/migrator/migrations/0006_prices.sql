-- The price list: what an order costs that names no prices.

create table prices (
    product_id uuid primary key,
    version bigint not null,         -- one more with every change; a deletion is one
    unit_price numeric(19, 4),       -- null: deleted
    currency text,
    changed_at timestamptz not null,
    constraint prices_whole check ((unit_price is null) = (currency is null)),
    constraint prices_unit_price check (unit_price >= 0)
);

-- Every price that a product ever had, the present one too.
create table price_versions (
    product_id uuid not null,
    version bigint not null,
    unit_price numeric(19, 4),
    currency text,
    changed_at timestamptz not null,
    primary key (product_id, version)
);
