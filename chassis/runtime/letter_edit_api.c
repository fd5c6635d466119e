/* Requests to edits. */
#include "chassis/runtime/letter_edit_api.h"

#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"
#include "chassis/runtime/audit.h"
#include "chassis/runtime/dead_letter_api.h"

#include <string.h>

enum {
    MAX_BODY_CHARS = CH_HTTP_LARGE_BODY_BYTES, /* of the request that holds it */
};

static const ChHttpProblem not_edited = { "dead-letter-not-edited", 409, "Not edited" };

bool ch_letter_api_show(void *admin, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!ch_dead_letter_api_show(admin, requests[i], error))
            return false;
    }
    return true;
}

/* ---- the request ---- */

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such dead letter");
}

/* False: the request was answered. The body belongs to @json. */
static bool read_edit(ChHttpRequest *request, ChJson *json, ChViolations *violations,
                      ChDeadLetterEdit *edit)
{
    if (!ch_http_param_uuid(request, "id", &edit->id)) {
        respond_unknown(request);
        return false;
    }
    if (json != NULL) {
        ChJsonValue root = ch_json_root(json);
        ch_json_read_text(root, "body", CH_JSON_REQUIRED, 1, MAX_BODY_CHARS, &edit->body,
                          violations);
        ch_json_read_bool(root, "dryRun", CH_JSON_OPTIONAL, &edit->dry_run, violations);
    }
    if (ch_violations_count(violations) > 0) {
        ch_http_respond_violations(request, violations);
        return false;
    }
    edit->body_bytes = strlen(edit->body);
    return true;
}

/* ---- the answer ---- */

static GString *record_of(const char *state, const char *message_id, const char *sha256)
{
    GString *json = g_string_sized_new(192);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "state", state);
    ch_json_add_text(json, "messageId", message_id);
    ch_json_add_text(json, "bodySha256", sha256);
    ch_json_end_object(json);
    return json;
}

/* Of the bodies, which the letter keeps, their hashes alone. */
static void note_change(ChHttpRequest *request, const ChDeadLetterEdit *edit,
                        const ChDeadLetterEditOutcome *outcome)
{
    char id[CH_UUID_TEXT_BYTES];
    g_autofree char *sha256 = g_compute_checksum_for_data(
        G_CHECKSUM_SHA256, (const guchar *)edit->body, edit->body_bytes);
    ch_uuid_format(outcome->message_id, id);
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "dead-letter",
                                     .id = edit->id,
                                     .before = record_of("waiting", outcome->was, outcome->was_sha),
                                     .after = record_of("replayed", id, sha256),
                                 });
}

static void respond_done(ChHttpRequest *request, const ChDeadLetterEdit *edit,
                         const ChDeadLetterEditOutcome *outcome)
{
    GString *json = g_string_sized_new(192);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", edit->id);
    ch_json_add_text(json, "act", "replayed");
    ch_json_add_uuid(json, "replayedAs", outcome->message_id);
    ch_json_add_bool(json, "dryRun", edit->dry_run);
    ch_json_add_bool(json, "before", outcome->result == CH_DEAD_LETTER_EDITED_BEFORE);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}

static void respond(ChHttpRequest *request, const ChDeadLetterEdit *edit,
                    const ChDeadLetterEditOutcome *outcome, ChViolations *violations)
{
    switch (outcome->result) {
    case CH_DEAD_LETTER_EDITED:
        if (!edit->dry_run)
            note_change(request, edit, outcome);
        respond_done(request, edit, outcome);
        break;
    case CH_DEAD_LETTER_EDITED_BEFORE:
        respond_done(request, edit, outcome);
        break;
    case CH_DEAD_LETTER_EDIT_UNKNOWN:
        respond_unknown(request);
        break;
    case CH_DEAD_LETTER_EDIT_INVALID:
        ch_violations_add(violations, "body", "%s", outcome->why);
        ch_http_respond_violations(request, violations);
        break;
    case CH_DEAD_LETTER_EDIT_REFUSED:
        ch_http_respond_problem(request, &not_edited, "%s", outcome->why);
        break;
    }
}

static bool edit_one(const ChDeadLetterAdmin *admin, ChHttpRequest *request, GError **error)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    g_autofree char *why = ch_audit_reason(request);
    g_auto(ChDeadLetterEditOutcome) outcome = { .result = CH_DEAD_LETTER_EDIT_UNKNOWN };
    const char *actor = ch_http_request_actor(request);
    ChDeadLetterEdit edit = {
        .by = actor,
        .why = why != NULL ? why : "edited",
        .as = actor,
        .trace = ch_http_request_trace(request),
    };
    if (!read_edit(request, json, violations, &edit))
        return true;
    if (!ch_dead_letter_edit(admin, &edit, &outcome, error))
        return false;
    respond(request, &edit, &outcome, violations);
    return true;
}

bool ch_letter_api_edit(void *admin, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!edit_one(admin, requests[i], error))
            return false;
    }
    return true;
}
