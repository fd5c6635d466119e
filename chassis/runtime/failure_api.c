/* Requests to filters, and groups to answers. */
#include "chassis/runtime/failure_api.h"

#include "chassis/core/log.h"
#include "chassis/http/change.h"
#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"

enum {
    MAX_NAME_CHARS = 255, /* of a queue in AMQP */
};

/* ---- reading ---- */

static bool read_filter(ChHttpRequest *request, const ChPage *page, void *query,
                        ChViolations *violations)
{
    ChFailureFilter *filter = query;
    const char *state;
    filter->rows = page->rows;
    filter->oldest_first = page->oldest_first;
    ch_http_page_numbers(page, &filter->after, &filter->before);
    ch_http_query_text(request, "queue", MAX_NAME_CHARS, &filter->queue, violations);
    if (!ch_http_query_text(request, "state", MAX_NAME_CHARS, &state, violations))
        return true;
    filter->has_state = ch_failure_state_parse(state, &filter->state);
    if (!filter->has_state)
        ch_violations_add(violations, "state", "must be open, replaying, closed or regressed");
    return true;
}

static bool ask(void *groups, const void *queries, size_t n, GPtrArray **pages, GError **error)
{
    return ch_failure_groups_list(groups, queries, n, pages, error);
}

static ChUuid write_group(GString *json, const void *opaque)
{
    const ChFailureGroup *group = opaque;
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", group->id);
    ch_json_add_text(json, "queue", group->queue);
    if (group->message_type != NULL)
        ch_json_add_text(json, "type", group->message_type);
    ch_json_add_text(json, "fingerprint", group->fingerprint);
    ch_json_add_text(json, "state", ch_failure_state_name(group->state));
    ch_json_add_time(json, "firstSeenAt", group->first_seen_us);
    ch_json_add_time(json, "lastSeenAt", group->last_seen_us);
    ch_json_add_integer(json, "count", group->letters);
    ch_json_add_integer(json, "waiting", group->waiting);
    ch_json_add_raw(json, "rate", group->rate);
    ch_json_add_raw(json, "builds", group->builds);
    ch_json_add_raw(json, "samples", group->samples);
    if (group->closed_by != NULL) {
        ch_json_add_text(json, "closedBy", group->closed_by);
        ch_json_add_time(json, "closedAt", group->closed_us);
    }
    ch_json_end_object(json);
    return ch_http_page_id(group->number);
}

static const ChHttpList groups_list = {
    .query_bytes = sizeof(ChFailureFilter),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_filter,
    .ask = ask,
    .write_row = write_group,
};

bool ch_failure_api_list(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&groups_list, groups, requests, n, error);
}

/* ---- closing ---- */

static GString *record_of(ChFailureState state)
{
    GString *json = g_string_sized_new(32);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "state", ch_failure_state_name(state));
    ch_json_end_object(json);
    return json;
}

static void note_closed(ChHttpRequest *request, const ChFailureGroup *group, ChFailureState was)
{
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "failure-group",
                                     .id = group->id,
                                     .before = record_of(was),
                                     .after = record_of(CH_FAILURE_CLOSED),
                                 });
    ch_log_info("failure group closed", CH_ID("group", group->id), CH_STR("queue", group->queue),
                CH_STR("fingerprint", group->fingerprint), CH_STR("by", group->closed_by),
                CH_INT("waiting", group->waiting), CH_TRACE(ch_http_request_trace(request)));
}

static bool close_one(ChFailureGroups *groups, ChHttpRequest *request, GError **error)
{
    ChUuid id;
    ChFailureState was = CH_FAILURE_CLOSED;
    g_autoptr(ChFailureGroup) group = NULL;
    if (ch_http_param_uuid(request, "id", &id) &&
        !ch_failure_groups_close(groups, id, ch_http_request_actor(request), &was, &group, error))
        return false;
    if (group == NULL) {
        ch_http_respond_problem(request, &ch_http_not_found, "there is no such group of failures");
        return true;
    }
    if (was != CH_FAILURE_CLOSED)
        note_closed(request, group, was);
    GString *json = g_string_sized_new(512);
    write_group(json, group);
    ch_http_respond_json(request, 200, json);
    return true;
}

bool ch_failure_api_close(void *groups, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!close_one(groups, requests[i], error))
            return false;
    }
    return true;
}
