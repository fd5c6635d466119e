-- Replays of many letters, carried out by the worker as these rows say.
create table replay_jobs (
    id uuid primary key,
    number bigint generated always as identity unique, -- the order of the list
    state text not null default 'running',
    queue text not null,
    group_id uuid,                   -- of these letters; null: of those below
    message_type text,               -- null: any, as below
    subject uuid,
    since timestamptz not null,      -- died then or later, and before the job was made
    rate bigint not null,            -- letters a second
    stop_failures bigint,            -- stop when so many come back ...
    stop_of bigint,                  -- ... while so many are replayed; null: never
    created_at timestamptz not null default now(),
    created_by text not null,
    why text not null,
    total bigint,                    -- null: nobody has counted yet
    replayed bigint not null default 0,
    refused bigint not null default 0,
    last_died timestamptz,           -- the letter it looked at last
    last_id uuid,
    due_at timestamptz not null default now(), -- the next ones, not before
    began_at timestamptz not null default now(), -- or was resumed ...
    began_with bigint not null default 0, -- ... when it had looked at so many
    window_replayed bigint not null default 0, -- as things were when it began to count
    window_returned bigint not null default 0,
    ended_at timestamptz,
    note text,                       -- why it stopped
    constraint replay_jobs_state check (state in ('running', 'paused', 'stopped', 'done', 'cancelled')),
    constraint replay_jobs_stop check ((stop_failures is null) = (stop_of is null))
);
-- One at a time for a queue; and what a worker looks for.
create unique index replay_jobs_one on replay_jobs (queue) where state in ('running', 'paused');

-- What a job refused.
create table replay_refusals (
    job_id uuid not null references replay_jobs on delete cascade,
    number bigint generated always as identity,
    letter_id uuid not null,
    why text not null,
    primary key (job_id, number)
);
create index replay_refusals_letter on replay_refusals (letter_id);

-- Which job replayed a letter; and of which a letter is that came back.
alter table dead_letters
    add column replay_job uuid,
    add column returned_job uuid;
create index dead_letters_replay on dead_letters (message_id) where replay_job is not null;
create index dead_letters_returned on dead_letters (returned_job) where returned_job is not null;
