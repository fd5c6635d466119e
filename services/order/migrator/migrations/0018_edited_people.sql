-- Whose data an edited dead letter holds, as the letters themselves say (personal data).
alter table letter_edits
    add column person uuid generated always as (substring(encode(body, 'escape') from
        '(?i)"customerid"\s*:\s*"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')::uuid) stored;
create index letter_edits_person on letter_edits (person) where person is not null;
