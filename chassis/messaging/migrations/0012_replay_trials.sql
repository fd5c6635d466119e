-- Jobs that only try: the handler of each letter runs and is rolled back, and what it came to is a row.
alter table replay_jobs
    add column dry_run boolean not null default false,
    add column works bigint not null default 0,
    add column fails bigint not null default 0,
    add column untried bigint not null default 0,
    add column trying uuid;          -- the letter whose handler runs; left behind by a worker that ended meanwhile

create table replay_trials (
    job_id uuid not null references replay_jobs on delete cascade,
    number bigint generated always as identity,
    letter_id uuid not null,
    verdict text not null,
    why text,                        -- null: it would work
    primary key (job_id, number),
    constraint replay_trials_verdict check (verdict in ('works', 'fails', 'refused', 'untried'))
);
create index replay_trials_letter on replay_trials (letter_id);
