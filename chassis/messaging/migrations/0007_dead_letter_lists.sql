-- Lists in the order in which letters died, for each choice of filters that a list may have, and
-- for each state of a letter: what it reads is what it shows, however many letters there are.
drop index dead_letters_queue;
drop index dead_letters_waiting;
drop index dead_letters_group;
create index dead_letters_state on dead_letters (coalesce(act, 'waiting'), died_at, id);
create index dead_letters_queue on dead_letters (queue, coalesce(act, 'waiting'), died_at, id);
create index dead_letters_type on dead_letters (message_type, coalesce(act, 'waiting'), died_at, id);
create index dead_letters_group on dead_letters (group_id, coalesce(act, 'waiting'), died_at, id);
