-- Receivers that answer late are sent to apart from the others, as those that fail.

alter table subscriptions
    add column is_slow boolean not null default false; -- its last answer but failures was late
