-- What a dead letter is about, and the whole size and hash of a body of which only the beginning, or
-- nothing, is kept. Null in the rows of before: of these all is in the body.
alter table dead_letters
    add column subject uuid,         -- the order of its event; null where it names none
    add column body_bytes bigint,
    add column body_sha256 bytea;
create index dead_letters_subject on dead_letters (subject) where subject is not null;
