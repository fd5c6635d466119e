/* The controls as JSON, and what operators do with them. */
#include "chassis/runtime/control_api.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"

#include <string.h>

enum {
    MAX_WHY_CHARS = 500,
};

/* ---- as JSON ---- */

static void write_entry(GString *json, const ChControlEntry *entry)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "name", entry->name);
    ch_json_add_text(json, "kind", entry->kind);
    ch_json_add_text(json, "state", entry->paused ? "paused" : "running");
    if (entry->paused) {
        ch_json_add_time(json, "pausedAt", entry->paused_us);
        if (entry->paused_until_us != 0)
            ch_json_add_time(json, "until", entry->paused_until_us);
        ch_json_add_text(json, "by", entry->by);
        ch_json_add_text(json, "why", entry->why);
    }
    ch_json_end_object(json);
}

static GString *entry_json(const ChControlEntry *entry)
{
    GString *json = g_string_sized_new(256);
    write_entry(json, entry);
    return json;
}

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "nothing of this name can be paused here");
}

bool ch_control_api_list(void *desk, ChHttpRequest *const *requests, size_t n, GError **error)
{
    g_autoptr(GPtrArray) entries = NULL;
    if (!ch_control_desk_list(desk, &entries, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        GString *json = g_string_sized_new(1024);
        ch_json_begin_object(json, NULL);
        ch_json_begin_array(json, "items");
        for (guint row = 0; row < entries->len; row++)
            write_entry(json, g_ptr_array_index(entries, row));
        ch_json_end_array(json);
        ch_json_end_object(json);
        ch_http_respond_json(requests[i], 200, json);
    }
    return true;
}

/* ---- acts ---- */

/* The record knows what was changed by an id: made of the name, which it tells too. */
static ChUuid id_of(const char *name)
{
    static const ChUuid space = { { 0x5b, 0x0e, 0x6f, 0x9c, 0x2d, 0x41, 0x5c, 0x1e, 0x8f, 0x7a,
                                    0x30, 0x14, 0x62, 0xd8, 0xb9, 0x57 } };
    return ch_uuid_derive(space, name, strlen(name));
}

/* Answers with @after, and notes the change from @before. */
static void respond_changed(ChHttpRequest *request, const ChControlEntry *before,
                            const ChControlEntry *after, const char *why)
{
    ch_http_respond_json(request, 200, entry_json(after));
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "control",
                                     .id = id_of(after->name),
                                     .before = entry_json(before),
                                     .after = entry_json(after),
                                     .why = g_strdup(why),
                                 });
    ch_log_warning(after->paused ? "an operator pauses" : "an operator resumes",
                   CH_STR("control", after->name), CH_STR("by", ch_http_request_actor(request)),
                   CH_STR("why", why), CH_TRACE(ch_http_request_trace(request)));
}

/* False: the request was answered. */
static bool read_pause(ChHttpRequest *request, ChJson **json, const char **why, int64_t *until_us)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *json = ch_http_request_json(request, violations);
    if (*json != NULL) {
        ChJsonValue root = ch_json_root(*json);
        ch_json_read_text(root, "why", CH_JSON_REQUIRED, 1, MAX_WHY_CHARS, why, violations);
        if (ch_json_read_time(root, "until", CH_JSON_OPTIONAL, until_us, violations) &&
            *until_us <= ch_time_now_us())
            ch_json_violation(root, "until", violations, "must be in the future");
    }
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

static bool pause_one(ChControlDesk *desk, ChHttpRequest *request, GError **error)
{
    const char *name = ch_http_request_param(request, "name");
    g_autoptr(ChJson) json = NULL;
    g_autoptr(ChControlEntry) before = NULL;
    g_autoptr(ChControlEntry) after = NULL;
    const char *why = NULL;
    int64_t until_us = 0;
    if (!read_pause(request, &json, &why, &until_us))
        return true;
    if (!ch_control_desk_lock(desk, name, &before, error))
        return false;
    if (before == NULL) {
        respond_unknown(request);
        return true;
    }
    if (!ch_control_desk_pause(desk, name, until_us, ch_http_request_actor(request), why, &after,
                               error))
        return false;
    respond_changed(request, before, after, why);
    return true;
}

/* What runs is left as it is, and nothing is noted. */
static bool resume_one(ChControlDesk *desk, ChHttpRequest *request, GError **error)
{
    const char *name = ch_http_request_param(request, "name");
    g_autoptr(ChControlEntry) before = NULL;
    g_autoptr(ChControlEntry) after = NULL;
    if (!ch_control_desk_lock(desk, name, &before, error))
        return false;
    if (before == NULL) {
        respond_unknown(request);
        return true;
    }
    if (!before->paused) {
        ch_http_respond_json(request, 200, entry_json(before));
        return true;
    }
    if (!ch_control_desk_resume(desk, name, &after, error))
        return false;
    respond_changed(request, before, after, NULL);
    return true;
}

static bool each(bool (*act)(ChControlDesk *desk, ChHttpRequest *request, GError **error),
                 void *desk, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!act(desk, requests[i], error))
            return false;
    }
    return true;
}

bool ch_control_api_pause(void *desk, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return each(pause_one, desk, requests, n, error);
}

bool ch_control_api_resume(void *desk, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return each(resume_one, desk, requests, n, error);
}
