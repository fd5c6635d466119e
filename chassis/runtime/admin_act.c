/* Operators' reasons. */
#include "chassis/runtime/admin_act.h"

#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"

#include <string.h>

enum {
    MAX_BY_CHARS = 100,
    MAX_WHY_CHARS = 500,
};

bool ch_admin_act_read(ChHttpRequest *request, ChAdminAct *act)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *act = (ChAdminAct){ .json = ch_http_request_json(request, violations) };
    if (act->json != NULL) {
        ChJsonValue root = ch_json_root(act->json);
        ch_json_read_bool(root, "dryRun", CH_JSON_OPTIONAL, &act->dry_run, violations);
        ChJsonNeed need = act->dry_run ? CH_JSON_OPTIONAL : CH_JSON_REQUIRED;
        ch_json_read_text(root, "by", need, 1, MAX_BY_CHARS, &act->by, violations);
        ch_json_read_text(root, "why", need, 1, MAX_WHY_CHARS, &act->why, violations);
    }
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

void ch_admin_act_clear(ChAdminAct *act)
{
    ch_json_free(act->json);
}

/* @by NULL: nobody. */
static GString *record_of(const char *key, const char *word, const char *by)
{
    GString *json = g_string_sized_new(64);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, key, word);
    if (by != NULL)
        ch_json_add_text(json, "by", by);
    ch_json_end_object(json);
    return json;
}

void ch_admin_act_note(ChHttpRequest *request, const ChAdminAct *act, const char *object, ChUuid id,
                       const char *key, const char *before, const char *after)
{
    if (act->dry_run)
        return;
    ch_http_note_change(request, (ChHttpChange){
                                     .object = object,
                                     .id = id,
                                     .before = record_of(key, before, NULL),
                                     .after = record_of(key, after, act->by),
                                     .why = g_strdup(act->why),
                                 });
}
