/* Reading and writing envelopes. */
#include "chassis/messaging/event.h"

#include <string.h>

static bool fail(const char *why, GError **error)
{
    g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "not an event: %s", why);
    return false;
}

/* Data is an object, or a string that holds one. */
static bool read_data(ChEvent *event, ChJsonValue root, GError **error)
{
    if (ch_json_find(root, "Data", &event->data) > 1)
        return fail("Data is there more than once", error);
    size_t bytes = 0;
    const char *text = ch_json_text(event->data, &bytes);
    if (text != NULL) {
        event->inner = ch_json_parse(text, bytes, error);
        if (event->inner == NULL) {
            g_prefix_error(error, "not an event: Data ");
            return false;
        }
        ch_json_spell_as_event(event->inner, "Data");
        event->data = ch_json_root(event->inner);
    }
    return ch_json_kind(event->data) == CH_JSON_OBJECT || fail("Data is no object", error);
}

/* What is wrong with it counts as none: then it is the event, and no more. */
static ChUuid announcement_of(ChJsonValue root, ChUuid event_id)
{
    size_t bytes = 0;
    ChUuid id;
    const char *text = ch_json_text(ch_json_member(root, "AnnouncementId"), &bytes);
    if (text == NULL || !ch_uuid_parse(text, bytes, &id) || ch_uuid_is_nil(id))
        return event_id;
    return id;
}

static bool read_envelope(ChEvent *event, GError **error)
{
    ChJsonValue root = ch_json_root(event->document);
    if (ch_json_kind(root) != CH_JSON_OBJECT)
        return fail("the body is no JSON object", error);
    size_t bytes = 0;
    ChJsonValue member;
    if (ch_json_find(root, "EventId", &member) > 1)
        return fail("EventId is there more than once", error);
    const char *id = ch_json_text(member, &bytes);
    if (id == NULL || !ch_uuid_parse(id, bytes, &event->id) || ch_uuid_is_nil(event->id))
        return fail("EventId is no UUID", error);
    if (ch_json_find(root, "EventType", &member) > 1)
        return fail("EventType is there more than once", error);
    event->type = g_strdup(ch_json_text(member, NULL));
    event->told_as = announcement_of(root, event->id);
    return read_data(event, root, error);
}

ChEvent *ch_event_parse(const void *body, size_t bytes, const char *traceparent, GError **error)
{
    g_autoptr(ChEvent) event = g_new0(ChEvent, 1);
    event->document = ch_json_parse(body, bytes, error);
    if (event->document == NULL) {
        g_prefix_error(error, "not an event: the body ");
        return NULL;
    }
    ch_json_spell_as_event(event->document, "");
    if (!read_envelope(event, error))
        return NULL;
    event->trace = ch_trace_continue(traceparent);
    return g_steal_pointer(&event);
}

void ch_event_free(ChEvent *event)
{
    if (event == NULL)
        return;
    ch_json_free(event->document);
    ch_json_free(event->inner);
    g_free(event->type);
    g_free(event);
}

/* @announcement: NULL: it is announced for the first time. */
static GString *begin(ChUuid id, const ChUuid *announcement, const char *type, int64_t occurred_us)
{
    enum {
        USUAL_BYTES = 512
    };
    GString *event = g_string_sized_new(USUAL_BYTES);
    ch_json_begin_object(event, NULL);
    ch_json_add_uuid(event, "EventId", id);
    if (announcement != NULL)
        ch_json_add_uuid(event, "AnnouncementId", *announcement);
    ch_json_add_text(event, "EventType", type);
    ch_json_add_time(event, "OccurredOn", occurred_us);
    ch_json_begin_object(event, "Data");
    ch_json_add_uuid(event, "Id", id);
    ch_json_add_time(event, "OccurredOn", occurred_us);
    return event;
}

GString *ch_event_begin(ChUuid id, const char *type, int64_t occurred_us)
{
    return begin(id, NULL, type, occurred_us);
}

GString *ch_event_begin_again(ChUuid id, ChUuid announcement, const char *type, int64_t occurred_us)
{
    return begin(id, &announcement, type, occurred_us);
}

void ch_event_end(GString *event)
{
    ch_json_end_object(event);
    ch_json_end_object(event);
}
