-- The notification service's database, as its own migrations leave it; the texts of the two templates are ours.
create table "NotificationLogs" (
    "Id" uuid not null,
    "EventId" uuid not null,
    "EventType" character varying(256) not null,
    "Channel" integer not null,
    "Destination" text not null,
    "Payload" text not null,
    "SentOn" timestamp with time zone not null,
    "Status" text not null,
    "Error" text,
    constraint "PK_NotificationLogs" primary key ("Id")
);

create table "NotificationTemplates" (
    "Id" uuid not null,
    "TemplateCode" character varying(256) not null,
    "Channel" integer not null,
    "Language" character varying(10) not null,
    "Subject" text not null,
    "Body" text not null,
    "IsActive" boolean not null,
    "Version" integer not null,
    constraint "PK_NotificationTemplates" primary key ("Id")
);
create unique index "IX_NotificationTemplates_TemplateCode_Channel_Language"
    on "NotificationTemplates" ("TemplateCode", "Channel", "Language");
insert into "NotificationTemplates" values
('550e8400-e29b-41d4-a716-446655440000', 'ORDER_CONFIRMED', 1, 'en', 'Your order',
 E'Hello,\n\nwe have got your order {OrderNumber} ready. It costs {OrderTotal}.', true, 1),
('550e8400-e29b-41d4-a716-446655440001', 'ORDER_CANCELLED', 1, 'en', 'Your order',
 E'Hello,\n\nyour order {OrderId} is not possible.\n\nThe reason: {Reason}', true, 1);

create table "OutboxMessages" (
    "Id" uuid not null,
    "EventId" uuid not null,
    "OccurredOn" timestamp with time zone not null,
    "Type" character varying(256) not null,
    "Data" jsonb not null,
    "Payload" text not null,
    "ProcessedOn" timestamp with time zone,
    constraint "PK_OutboxMessages" primary key ("Id")
);
create index "IX_OutboxMessages_ProcessedOn" on "OutboxMessages" ("ProcessedOn") where "ProcessedOn" is null;

create table "ProcessedEvents" (
    "Id" uuid not null,
    "EventType" character varying(256) not null,
    "QueueName" character varying(256) not null,
    "EventId" uuid not null,
    "OccurredOn" timestamp with time zone not null,
    "ProcessedOn" timestamp with time zone,
    constraint "PK_ProcessedEvents" primary key ("Id")
);
create unique index "IX_ProcessedEvents_EventId_QueueName" on "ProcessedEvents" ("EventId", "QueueName");

create table "__EFMigrationsHistory" (
    "MigrationId" character varying(150) not null,
    "ProductVersion" character varying(32) not null,
    constraint "PK___EFMigrationsHistory" primary key ("MigrationId")
);
