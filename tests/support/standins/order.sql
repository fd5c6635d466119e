-- The order service's database, as its own migrations leave it.
create table orders (
    id uuid not null,
    customer_id uuid not null,
    status integer not null,
    created_at timestamp with time zone not null,
    constraint "PK_orders" primary key (id)
);

create table outbox_messages (
    "Id" uuid not null,
    occurred_on timestamp with time zone not null,
    type text not null,
    payload text not null,
    processed_on timestamp with time zone,
    event_id uuid not null default '00000000-0000-0000-0000-000000000000',
    constraint "PK_outbox_messages" primary key ("Id")
);

create table order_items (
    id uuid not null,
    product_id uuid not null,
    quantity integer not null,
    order_id uuid not null,
    constraint "PK_order_items" primary key (id),
    constraint "FK_order_items_orders_order_id" foreign key (order_id) references orders (id) on delete cascade
);
create unique index "IX_order_items_order_id_product_id" on order_items (order_id, product_id);

create table "ProcessedEvents" (
    "Id" uuid not null,
    "EventType" character varying(256) not null,
    "QueueName" character varying(256) not null,
    "EventId" uuid not null,
    "OccurredOn" timestamp with time zone not null,
    "ProcessedOn" timestamp with time zone,
    "Status" integer not null default 0,
    constraint "PK_ProcessedEvents" primary key ("Id")
);
create unique index "IX_ProcessedEvent_EventType_EventId" on "ProcessedEvents" ("EventType", "EventId");
create index "IX_ProcessedEvent_QueueName_ProcessedOn" on "ProcessedEvents" ("QueueName", "ProcessedOn");

create table "__EFMigrationsHistory" (
    "MigrationId" character varying(150) not null,
    "ProductVersion" character varying(32) not null,
    constraint "PK___EFMigrationsHistory" primary key ("MigrationId")
);
