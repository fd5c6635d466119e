-- Who is told of the ends of orders by webhooks, and the log of these, which is also the queue of those that are due.

create table subscriptions (
    id uuid primary key,             -- version 7: newest first is id descending
    url text not null,
    events text[] not null,          -- template codes
    secret text not null,            -- signs the webhooks; '' once it is deleted
    is_active boolean not null,
    disabled_reason text,            -- why we ended it; null: we did not
    failures integer not null default 0, -- attempts in a row that its receiver failed
    failing_since timestamptz,       -- the first of these; null: none, as the next two
    retry_at timestamptz,            -- nothing is sent before
    last_error text,
    deleted_at timestamptz,          -- its webhooks go first, then it
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index subscriptions_active on subscriptions (id) where is_active;

create table webhooks (
    subscription_id uuid not null,
    notification_id uuid not null,   -- about the same event: it has all that is told
    status smallint not null default 1, -- 1 Pending, 2 Sending, 3 Sent, 4 Failed
    attempts integer not null default 0,
    due_at timestamptz not null default now(), -- of 1: not sent before; of 2: when its sender's lease ends
    http_status integer,             -- of the last answer
    error text,                      -- of the last attempt; null when sent
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    sent_at timestamptz,
    primary key (subscription_id, notification_id),
    constraint webhooks_status check (status between 1 and 4)
) with (
    fillfactor = 70,                 -- room for the results beside the rows
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
create index webhooks_due on webhooks (subscription_id, due_at) where status in (1, 2);
