/* Showing what was told to whom. */
#include "notification/api/log.h"

#include "chassis/http/query.h"
#include "chassis/http/page.h"
#include "chassis/json/json_writer.h"
#include "chassis/runtime/audit.h"
#include "notification/api/scopes.h"
#include "notification/api/stores.h"
#include "notification/application/masking.h"

enum {
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
    if (entry->resent_us != 0)
        ch_json_add_time(json, "resentAt", entry->resent_us);
}

ChUuid notification_api_write_entry(GString *json, const void *row)
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

static bool read_filter(ChHttpRequest *request, const ChPage *page, void *query,
                        ChViolations *violations)
{
    NotificationFilter *filter = query;
    const char *status = NULL;
    filter->page = *page;
    filter->masked = !ch_http_request_may(request, NOTIFICATION_SCOPE_PERSONAL_DATA);
    filter->has_order = ch_http_query_uuid(request, "orderId", &filter->order_id, violations);
    if (!ch_http_query_text(request, "status", MAX_STATUS_CHARS, &status, violations))
        return true;
    filter->has_status = notification_status_parse(status, &filter->status);
    if (!filter->has_status)
        ch_violations_add(violations, "status", "must be Pending, Sending, Sent or Failed");
    return true;
}

static bool ask_filters(void *context, const void *queries, size_t n, GPtrArray **pages,
                        GError **error)
{
    NotificationLog *log = ((const NotificationLists *)context)->log;
    const NotificationFilter *filters = queries;
    if (!log->ops->list(log, filters, n, pages, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        for (guint row = 0; filters[i].masked && row < pages[i]->len; row++)
            notification_entry_mask(g_ptr_array_index(pages[i], row));
    }
    return true;
}

static const ChHttpList entries = {
    .query_bytes = sizeof(NotificationFilter),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_filter,
    .ask = ask_filters,
    .write_row = notification_api_write_entry,
};

bool notification_api_list_log(void *lists, ChHttpRequest *const *requests, size_t n,
                               GError **error)
{
    return ch_http_list(&entries, lists, requests, n, error);
}

bool notification_api_list_audit(void *lists, ChHttpRequest *const *requests, size_t n,
                                 GError **error)
{
    return ch_audit_api_list(((const NotificationLists *)lists)->audit, requests, n, error);
}
