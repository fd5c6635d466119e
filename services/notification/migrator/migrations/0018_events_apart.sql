-- Events that were taken in and that no notification names: another announcement of one that has its own, and what was
-- taken in before anybody kept this. Of every other event in the inbox there is a notification.
create table events_apart (
    event_id uuid primary key        -- as the inbox has it
);
insert into events_apart (event_id)
select distinct event_id from inbox i
where not exists (select from notifications n where n.event_id = i.event_id);
