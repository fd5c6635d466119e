-- Who changed what, for good: every change by a person or a machine that is not a step of an order's own
-- way (docs/security.md, What was done). Rows are added and never changed; a chain of hashes shows when
-- they were all the same.

create table audit_log (
    id uuid primary key,             -- version 7: the order of the list
    number bigint not null unique,   -- 1, 2, 3, ...: the order of the chain
    happened_at timestamptz not null,
    subject text not null,           -- who: of the token; admin-token, anonymous
    roles text,                      -- of the token, separated by spaces; null: none, or no token
    scope text,                      -- that the call asks for
    token_id text,
    action text not null,            -- the operationId of the call
    object text not null,            -- of which kind it is that was changed
    object_id uuid not null,
    before jsonb,                    -- null: it was not there
    after jsonb,                     -- null: it is there no more
    trace_id text,
    address text,                    -- of a caller without a token; these three may be erased
    why text,
    salt bytea,
    erasable_sha256 bytea,           -- of salt, address and why; null: there never was one of these
    link bytea                       -- on the last row of a transaction: of all rows up to this one
);
create index audit_log_object on audit_log (object_id, id);
create index audit_log_subject on audit_log (subject, id);

-- The last link: one row.
create table audit_head (
    single boolean primary key default true,
    number bigint not null default 0,
    link bytea not null default '',
    constraint audit_head_single check (single)
);
insert into audit_head default values;

create function audit_log_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'audit_log keeps its rows: % is refused', lower(tg_op);
end $$;
create trigger audit_log_keeps before delete or truncate on audit_log
    for each statement execute function audit_log_refuse();

create function audit_log_check_erasing() returns trigger language plpgsql as $$
begin
    old.address := null;
    old.why := null;
    old.salt := null;
    if new is distinct from old then
        raise exception 'a row of audit_log may lose its address, reason and salt, and is not changed otherwise';
    end if;
    return new;
end $$;
create trigger audit_log_erases before update on audit_log
    for each row execute function audit_log_check_erasing();

-- As whom a dead letter was acted upon: acted_by is what the operator said. Null in the rows of before.
alter table dead_letters add column acted_as text;
