-- Dead letters in groups: those of one queue and one type of message whose reasons are the same but
-- for ids, numbers and quoted values.

-- The builds that failed or kept house here, in the order in which they were seen first.
create table builds (
    number integer generated always as identity primary key,
    version text not null,
    build_id text not null unique,
    first_seen timestamptz not null default now()
);

create table failure_groups (
    id uuid primary key,             -- made of queue, type and fingerprint
    number bigint generated always as identity unique, -- the order of the list
    queue text not null,
    message_type text,               -- null: of none, or of several
    fingerprint text not null,       -- of a queue's rest: other
    state text not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    letters bigint not null,         -- that ever came
    waiting bigint not null,         -- about which nobody has done anything yet
    samples uuid[] not null,         -- the newest of them
    builds integer[] not null,       -- that failed so, in the order in which each did first
    closed_by text,                  -- of the last time
    closed_at timestamptz,
    constraint failure_groups_state check (state in ('open', 'replaying', 'closed', 'regressed'))
);
-- Those that count towards how many a queue may have.
create index failure_groups_unsolved on failure_groups (queue) where state <> 'closed';

-- Null: not filed yet, as the letters of before and of former versions of the worker.
alter table dead_letters add column group_id uuid;
create index dead_letters_group on dead_letters (group_id, id);
create index dead_letters_unfiled on dead_letters (queue, id) where group_id is null;
