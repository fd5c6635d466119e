-- Templates, what was sent, and handled events, to Cartwheel.
\set ON_ERROR_STOP on
begin;

-- A version 7 id of a time: what our lists and our relay sort by.
create function pg_temp.id_of(at timestamptz) returns uuid language sql volatile as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

-- It fills in what it knows, in the body alone; every other brace is a brace.
create function pg_temp.text_of(text text, names text[]) returns text language plpgsql as $$
declare
    name text;
begin
    text := replace(replace(text, '{', '{{'), '}', '}}');
    foreach name in array names loop
        text := replace(text, '{{' || name || '}}', '{' || name || '}');
    end loop;
    return text;
end $$;
with moved as (
    insert into notification_templates as ours (id, template_code, channel, language, subject, body, is_active)
    select distinct on ("TemplateCode", "Channel", lower("Language")) pg_temp.id_of(now()), "TemplateCode", "Channel",
        lower("Language"), case "Channel" when 2 then '' else pg_temp.text_of("Subject", '{}') end,
        pg_temp.text_of("Body", case "TemplateCode" when 'ORDER_CONFIRMED' then '{OrderNumber,OrderTotal,CustomerName}'
            when 'ORDER_CANCELLED' then '{OrderId,Reason,CustomerName}' else '{}' end::text[]),
        "IsActive"
    from dotnet."NotificationTemplates"
        on conflict on constraint notification_templates_key do update
        set subject = excluded.subject, body = excluded.body, is_active = excluded.is_active,
            version = ours.version + 1, updated_at = now()
        where (ours.subject, ours.body, ours.is_active) is distinct from
            (excluded.subject, excluded.body, excluded.is_active)
    returning *)
insert into notification_template_versions
    (template_id, version, template_code, channel, language, subject, body, is_active, changed_at)
select id, version, template_code, channel, language, subject, body, is_active, updated_at from moved;

-- Its log has no order; its outbox, which nothing publishes, has the event.
insert into notifications (id, event_id, order_id, customer_id, template_code, parameters, status, attempts, due_at, channel,
    destination, body, error, created_at, updated_at, sent_at)
select distinct on (l."EventId") pg_temp.id_of(l."SentOn"), l."EventId", (o.event ->> 'OrderId')::uuid,
    (o.event ->> 'CustomerId')::uuid,
    case l."EventType" when 'OrderConfirmedEvent' then 'ORDER_CONFIRMED' else 'ORDER_CANCELLED' end,
    case l."EventType" when 'OrderConfirmedEvent'
        then jsonb_build_object('OrderNumber', o.event ->> 'OrderId', 'OrderTotal', o.event ->> 'OrderTotal')
        else jsonb_build_object('OrderId', o.event ->> 'OrderId', 'Reason', o.event ->> 'Reason') end,
    case when l."Error" is null then 3 else 4 end, 1, l."SentOn", l."Channel", l."Destination", l."Payload", l."Error",
    l."SentOn", l."SentOn", case when l."Error" is null then l."SentOn" end
from dotnet."NotificationLogs" l
join (select "EventId", "Data" as event from dotnet."OutboxMessages") o using ("EventId")
order by l."EventId", l."SentOn"
    on conflict (event_id) do nothing;

-- What was begun and not sent is not among them: while its message is in the queue it is sent by us.
insert into inbox (consumer, event_id, received_at)
select "QueueName", "EventId", coalesce("ProcessedOn", now()) from dotnet."ProcessedEvents"
where "ProcessedOn" is not null or "EventId" in (select "EventId" from dotnet."NotificationLogs")
    on conflict do nothing;

-- Its events have no notification of ours where its log has none.
insert into events_apart (event_id)
select distinct event_id from inbox i where not exists (select from notifications n where n.event_id = i.event_id)
    on conflict do nothing;
-- What the order service was told ends before these rows.
update auditor_checks set position = '' where name = 'outcomes';
commit;
