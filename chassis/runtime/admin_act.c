/* Operators' tokens and reasons. */
#include "chassis/runtime/admin_act.h"

#include "chassis/core/time.h"
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

/* Takes as long whichever character is the first wrong one; the length is no secret. */
static bool is_same(const char *given, const char *secret)
{
    size_t n = strlen(secret);
    volatile unsigned char difference = 0;
    if (strlen(given) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        difference = (unsigned char)(difference | (given[i] ^ secret[i]));
    return difference == 0;
}

static void respond_too_often(ChHttpRequest *request, unsigned wait_s)
{
    char seconds[16];
    g_snprintf(seconds, sizeof seconds, "%u", wait_s);
    ch_http_respond_problem(request, &ch_http_too_many_requests,
                            "too many wrong tokens came from this address: try again later");
    ch_http_respond_header(request, "Retry-After", seconds);
}

/* Of a request that brings one. */
static bool is_right(const ChHttpRequest *request, const char *given, const char *token,
                     ChWrongTokens *wrong_tokens)
{
    static const char scheme[] = "Bearer ";
    bool right = g_ascii_strncasecmp(given, scheme, sizeof scheme - 1) == 0 &&
                 is_same(given + sizeof scheme - 1, token);
    ch_wrong_tokens_count(wrong_tokens, ch_http_request_address(request), right,
                          ch_time_monotonic_us());
    return right;
}

bool ch_admin_may_act(ChHttpRequest *request, const char *token, ChWrongTokens *wrong_tokens)
{
    if (*token == '\0') {
        ch_http_respond_problem(request, &ch_http_forbidden,
                                "this process has no ADMIN_TOKEN, so nobody may administer it");
        return false;
    }
    unsigned wait_s = ch_wrong_tokens_wait_s(wrong_tokens, ch_http_request_address(request),
                                             ch_time_monotonic_us());
    if (wait_s > 0) {
        respond_too_often(request, wait_s);
        return false;
    }
    const char *given = ch_http_request_header(request, "Authorization");
    if (given != NULL && is_right(request, given, token, wrong_tokens)) {
        ch_http_request_set_actor(request, "admin-token");
        return true;
    }
    ch_http_respond_problem(request, &ch_http_unauthorized,
                            given == NULL ? "the header Authorization: Bearer <token> is missing"
                                          : "this is not the ADMIN_TOKEN of this process");
    ch_http_respond_header(request, "WWW-Authenticate", "Bearer");
    return false;
}

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
