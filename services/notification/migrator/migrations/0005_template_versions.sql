-- Every version of every template, for who asks what was sent. A deleted template keeps its own.
create table notification_template_versions (
    template_id uuid not null,
    version integer not null,
    template_code text not null,
    channel smallint not null,
    language text not null,
    subject text not null,
    body text not null,
    is_active boolean not null,
    changed_at timestamptz not null default now(),
    primary key (template_id, version)
);

insert into notification_template_versions
    (template_id, version, template_code, channel, language, subject, body, is_active, changed_at)
select id, version, template_code, channel, language, subject, body, is_active, updated_at
from notification_templates;
