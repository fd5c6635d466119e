-- How fast a group grows: its letters, of which each counts half as much for every minute that has
-- passed since it died.
alter table failure_groups
    add column pulse double precision not null default 0, -- as of pulse_at
    add column pulse_at timestamptz not null default now();
