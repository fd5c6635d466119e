/* Showing what was told to whom. */
#include "notification/api/log.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/page.h"
#include "chassis/json/json_writer.h"
#include "notification/api/stores.h"

enum {
    DEFAULT_LIMIT = 20,
    MAX_LIMIT = 100,
    MAX_STATUS_CHARS = 16,
};

static void write_parameters(GString *json, const NotificationEntry *entry)
{
    const char *const *names = notification_code_info(entry->code)->placeholders;
    ch_json_begin_object(json, "parameters");
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        if (entry->values.text[i] != NULL)
            ch_json_add_text(json, names[i], entry->values.text[i]);
    }
    ch_json_end_object(json);
}

static void write_times(GString *json, const NotificationEntry *entry)
{
    bool is_final = entry->status == NOTIFICATION_SENT || entry->status == NOTIFICATION_FAILED;
    ch_json_add_time(json, "createdAt", entry->created_us);
    ch_json_add_time(json, "updatedAt", entry->updated_us);
    if (!is_final)
        ch_json_add_time(json, "dueAt", entry->due_us);
    if (entry->sent_us != 0)
        ch_json_add_time(json, "sentAt", entry->sent_us);
}

static ChUuid write_entry(GString *json, const void *row)
{
    const NotificationEntry *entry = row;
    const NotificationCodeInfo *info = notification_code_info(entry->code);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", entry->id);
    ch_json_add_text(json, "event", info->event_type);
    ch_json_add_uuid(json, "eventId", entry->event_id);
    ch_json_add_uuid(json, "orderId", entry->order_id);
    ch_json_add_uuid(json, "customerId", entry->customer_id);
    ch_json_add_text(json, "templateCode", info->name);
    ch_json_add_text(json, "channel", notification_channel_name(entry->channel));
    ch_json_add_text(json, "destination", entry->destination);
    ch_json_add_text(json, "customerSource", entry->customer_source);
    ch_json_add_text(json, "status", notification_status_name(entry->status));
    ch_json_add_integer(json, "attempts", entry->attempts);
    ch_json_add_text(json, "error", entry->error);
    write_parameters(json, entry);
    ch_json_add_text(json, "subject", entry->subject);
    ch_json_add_text(json, "body", entry->body);
    ch_json_add_text(json, "traceId", entry->trace_id);
    write_times(json, entry);
    ch_json_end_object(json);
    return entry->id;
}

static void read_filter(const ChHttpRequest *request, NotificationFilter *filter,
                        ChViolations *violations)
{
    const char *status = NULL;
    ch_http_query_integer(request, "limit", 1, MAX_LIMIT, &filter->limit, violations);
    filter->has_order = ch_http_query_uuid(request, "orderId", &filter->order_id, violations);
    filter->has_before = ch_http_page_cursor(request, &filter->before, violations);
    ch_http_query_created(request, &filter->created, violations);
    if (!ch_http_query_text(request, "status", MAX_STATUS_CHARS, &status, violations))
        return;
    filter->has_status = notification_status_parse(status, &filter->status);
    if (!filter->has_status)
        ch_violations_add(violations, "status", "must be Pending, Sending, Sent or Failed");
}

/* False when the request was answered: it is not valid. */
static bool filter_of(ChHttpRequest *request, NotificationFilter *filter)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *filter = (NotificationFilter){ .limit = DEFAULT_LIMIT };
    read_filter(request, filter, violations);
    filter->limit++; /* to know of the next page */
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

bool notification_api_list_log(void *context, ChHttpRequest *const *requests, size_t n,
                               GError **error)
{
    const NotificationLists *lists = context;
    g_autofree NotificationFilter *filters = g_new(NotificationFilter, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **pages = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (filter_of(requests[i], &filters[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !lists->log->ops->list(lists->log, filters, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        size_t limit = (size_t)filters[i].limit - 1;
        ch_http_respond_json(askers[i], 200, ch_http_page(askers[i], pages[i], limit, write_entry));
        g_ptr_array_unref(pages[i]);
    }
    return true;
}
