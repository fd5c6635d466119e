-- Whose data a message holds that nobody could handle or publish: by this they are found when somebody is erased.
-- An event names its customer; a message that is no event may do so too.
alter table dead_letters
    add column person uuid generated always as (substring(encode(body, 'escape') from
        '(?i)"customerid"\s*:\s*"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')::uuid) stored;
create index dead_letters_person on dead_letters (person) where person is not null;
alter table outbox_parked
    add column person uuid generated always as (substring(encode(body, 'escape') from
        '(?i)"customerid"\s*:\s*"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')::uuid) stored;
create index outbox_parked_person on outbox_parked (person) where person is not null;
