-- What every service that sends and receives events has: outbox, inbox and dead letters.

-- Messages that are committed but not yet confirmed by the broker. Rows are deleted when confirmed.
create table outbox (
    id uuid primary key,             -- version 7: the relay publishes in this order
    message_id text,                 -- the event's id; null for a dead letter that had none
    exchange text not null,          -- '' routes to the queue named by routing_key
    routing_key text not null,
    message_type text,
    body bytea not null,
    traceparent text,
    retry_count bigint not null default 0,
    failed_queue text,               -- of a retry or dead letter: whose consumer failed on it
    error text,                      -- and why
    mandatory boolean not null default true,
    attempts integer not null default 0,
    not_before timestamptz not null default '-infinity',
    created_at timestamptz not null default now()
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0
);

-- Messages that could not be published in many tries. They need a person: see docs/operations.md.
create table outbox_parked (
    like outbox including defaults,
    reason text not null,
    parked_at timestamptz not null default now(),
    primary key (id)
);

-- Which events each consumer has taken in: a second delivery changes nothing.
create table inbox (
    consumer text not null,
    event_id uuid not null,
    received_at timestamptz not null default now(),
    primary key (consumer, event_id)
) with (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
-- Rows come in the order of time, so a block range index is enough to find the old ones.
create index inbox_received_at on inbox using brin (received_at);

-- Messages that no consumer could process.
create table dead_letters (
    id uuid primary key,             -- of the act of giving up: a second delivery is the same row
    queue text not null,
    message_id text,
    message_type text,
    body bytea not null,
    reason text not null,
    attempts bigint not null,
    traceparent text,
    died_at timestamptz not null default now()
);
create index dead_letters_queue on dead_letters (queue, died_at);
