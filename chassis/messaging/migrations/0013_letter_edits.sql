-- Dead letters whose body an operator changed before it was replayed: what died stays in the letter's row, what was sent in its
-- place is here. The service's own migration adds whose data it holds, as it does for the letters.
create table letter_edits (
    letter_id uuid primary key references dead_letters on delete cascade,
    message_id uuid not null unique, -- the event that was sent
    body bytea not null,
    edited_at timestamptz not null default now()
);
