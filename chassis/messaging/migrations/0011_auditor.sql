-- What the auditor looks at, and what it found (docs/operations.md, The auditor).

-- How far the lap of each check has come: one row a check.
create table auditor_checks (
    name text primary key,
    position text not null default '', -- up to here; '': the lap begins. Its form is the check's own
    lap bigint not null default 1,   -- which one it is
    began_at timestamptz not null default now() -- of the lap, once it has a position
);

-- What was not as it has to be when a lap came by, at most 1,000 of a check. A row goes when a whole
-- lap no longer finds it.
create table auditor_findings (
    check_name text not null,
    subject text not null,           -- the order, product, ... that it is about
    fault text not null,
    lap bigint not null,             -- that saw it last
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    primary key (check_name, subject)
);
