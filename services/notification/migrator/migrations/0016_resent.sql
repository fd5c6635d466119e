-- A notification that an operator asked to be sent again: the same row, with more attempts.

alter table notifications
    add column resent_at timestamptz,            -- when it was last asked for; null: never, as the next
    add column message_id uuid,                  -- by which receivers tell its repeats; null: event_id
    add column attempts_before integer not null default 0; -- of attempts, those before resent_at
