-- The stock service's database, as its own migrations leave it.
create table stocks (
    "ProductId" uuid not null,
    "Quantity" integer not null,
    constraint "PK_stocks" primary key ("ProductId")
);

create table processed_events (
    "EventId" uuid not null,
    "EventType" character varying(200) not null,
    "QueueName" character varying(200) not null,
    "ProcessedOn" timestamp with time zone,
    "OccurredOn" timestamp with time zone not null default '0001-01-01 00:00:00+00',
    "Status" integer not null default 0,
    constraint "PK_processed_events" primary key ("EventId")
);
create unique index "IX_processed_events_EventType_EventId" on processed_events ("EventType", "EventId");
create index "IX_processed_events_QueueName_ProcessedOn" on processed_events ("QueueName", "ProcessedOn");

create table outbox_messages (
    "Id" uuid not null,
    "EventId" uuid not null,
    "OccurredOn" timestamp with time zone not null,
    "Type" character varying(250) not null,
    "Payload" text not null,
    "ProcessedOn" timestamp with time zone,
    constraint "PK_outbox_messages" primary key ("Id")
);
create index "IX_outbox_messages_ProcessedOn_OccurredOn" on outbox_messages ("ProcessedOn", "OccurredOn");

create table "__EFMigrationsHistory" (
    "MigrationId" character varying(150) not null,
    "ProductVersion" character varying(32) not null,
    constraint "PK___EFMigrationsHistory" primary key ("MigrationId")
);
