-- Templates, and the log of notifications, which is also the queue of those that are due.

create table notification_templates (
    id uuid primary key,             -- version 7: newest first is id descending
    template_code text not null,
    channel smallint not null,       -- 1 Email, 2 Sms
    language text not null,          -- BCP 47 in lower case
    subject text not null,           -- '' for an SMS
    body text not null,
    is_active boolean not null default true,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint notification_templates_channel check (channel in (1, 2)),
    constraint notification_templates_key unique (template_code, channel, language)
);

insert into notification_templates (id, template_code, channel, language, subject, body) values
('01900000-0000-7000-8000-000000000001', 'ORDER_CONFIRMED', 1, 'en',
 'Your order {OrderNumber} is confirmed',
 'Dear {CustomerName},

thank you for your order {OrderNumber}. It is confirmed and will be sent to you soon.

Total: {OrderTotal} {Currency}
'),
('01900000-0000-7000-8000-000000000002', 'ORDER_CANCELLED', 1, 'en',
 'Your order {OrderId} is cancelled',
 'Dear {CustomerName},

your order {OrderId} is cancelled. You will not be charged for it.

Reason: {Reason}
');

create table notifications (
    id uuid primary key,             -- version 7
    event_id uuid not null,          -- the end of an order that it tells of
    order_id uuid not null,
    customer_id uuid not null,
    template_code text not null,
    parameters jsonb not null,       -- what stands for the placeholders, but for the customer's name
    status smallint not null default 1, -- 1 Pending, 2 Sending, 3 Sent, 4 Failed
    attempts integer not null default 0,
    due_at timestamptz not null default now(), -- of 1: not sent before; of 2: when its sender's lease ends
    channel smallint,                -- null until it was chosen, as all below
    destination text,
    subject text,
    body text,
    customer_source text,            -- service, or fallback: made-up data
    error text,                      -- of the last attempt; null when sent
    trace_id text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    sent_at timestamptz,
    constraint notifications_event unique (event_id),
    constraint notifications_status check (status between 1 and 4),
    constraint notifications_channel check (channel in (1, 2)),
    constraint notifications_source check (customer_source in ('service', 'fallback'))
) with (
    fillfactor = 70,                 -- room for the results beside the rows
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
create index notifications_order on notifications (order_id, id);
create index notifications_due on notifications (due_at) where status in (1, 2);
create index notifications_failed on notifications (id) where status = 4;
