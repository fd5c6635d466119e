-- What an operator did about a dead letter, in the letter's own row: who, when and why. It is done
-- once: a row that has an act is changed by no other (docs/operations.md, Dead letters).
alter table dead_letters
    add column act text,             -- null: it waits for somebody
    add column acted_by text,
    add column acted_why text,
    add column acted_at timestamptz,
    add constraint dead_letters_act check (act in ('replayed', 'discarded')),
    add constraint dead_letters_acted check (
        (act is null) = (acted_by is null)
        and (act is null) = (acted_why is null)
        and (act is null) = (acted_at is null));

-- Those that wait, in the order of their ids.
create index dead_letters_waiting on dead_letters (id) where act is null;
