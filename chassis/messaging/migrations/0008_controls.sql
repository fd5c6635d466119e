-- What an operator may pause: consumers, the relay, senders. Workers add their own and look here
-- again and again; what nobody ever paused has a name and a kind alone.
create table controls (
    name text primary key,
    kind text not null,
    paused_at timestamptz,     -- null: it runs
    paused_until timestamptz,  -- null: until somebody resumes it
    paused_by text,
    paused_why text,
    constraint controls_kind check (kind in ('consumer', 'relay', 'sender')),
    constraint controls_paused check (
        (paused_at is null) = (paused_by is null) and (paused_at is null) = (paused_why is null)
        and (paused_at is not null or paused_until is null))
);
