-- Whatever the sample shows, a filter leaves most of the letters out. Where all of a million are alike
-- it says the opposite, and the plan of a list walks over all of them to find none.
alter table dead_letters alter column queue set (n_distinct = 100);
alter table dead_letters alter column message_type set (n_distinct = 100);
alter table dead_letters alter column group_id set (n_distinct = 1000);
create index dead_letters_queue_and_type
    on dead_letters (queue, message_type, coalesce(act, 'waiting'), died_at, id);
analyze dead_letters;
