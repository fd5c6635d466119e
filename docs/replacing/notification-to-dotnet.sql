-- Templates, what was sent, and handled events, from Cartwheel to the .NET service.
\set ON_ERROR_STOP on
begin;
do $$ begin
    if exists (select from notifications where status in (1, 2)) then
        raise exception 'notifications wait to be sent: start the worker and let it send them first';
    end if;
end $$;
create temporary table templates on commit drop as
    select template_code, channel, language, is_active, version,
        replace(replace(subject, '{{', '{'), '}}', '}') as subject, replace(replace(body, '{{', '{'), '}}', '}') as body
    from notification_templates;
update dotnet."NotificationTemplates" theirs
set "Subject" = t.subject, "Body" = t.body, "IsActive" = t.is_active, "Version" = t.version
from templates t where t.template_code = theirs."TemplateCode" and t.channel = theirs."Channel"
    and t.language = lower(theirs."Language");
insert into dotnet."NotificationTemplates"
    ("Id", "TemplateCode", "Channel", "Language", "Subject", "Body", "IsActive", "Version")
select gen_random_uuid(), template_code, channel, language, subject, body, is_active, version from templates
where (template_code, channel, language) not in
    (select "TemplateCode", "Channel", lower("Language") from dotnet."NotificationTemplates");

insert into dotnet."NotificationLogs"
    ("Id", "EventId", "EventType", "Channel", "Destination", "Payload", "SentOn", "Status", "Error")
select gen_random_uuid(), event_id,
    case template_code when 'ORDER_CONFIRMED' then 'OrderConfirmedEvent' else 'OrderCancelledEvent' end,
    coalesce(channel, 1), coalesce(destination, ''), coalesce(body, ''), coalesce(sent_at, updated_at),
    case status when 3 then 'OK' else 'Failed' end, error
from notifications n
where not exists (select from dotnet."NotificationLogs" l where l."EventId" = n.event_id);

update dotnet."ProcessedEvents" p set "ProcessedOn" = i.received_at
from inbox i where i.consumer = p."QueueName" and i.event_id = p."EventId" and p."ProcessedOn" is null;
insert into dotnet."ProcessedEvents" ("Id", "EventType", "QueueName", "EventId", "OccurredOn", "ProcessedOn")
select gen_random_uuid(),
    case consumer when 'order.confirmed.queue' then 'OrderConfirmedEvent' else 'OrderCancelledEvent' end,
    consumer, event_id, received_at, received_at
from inbox where consumer in ('order.confirmed.queue', 'order.cancelled.queue')
    on conflict do nothing;
commit;
