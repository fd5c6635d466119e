/* A piece a request. */
#include "chassis/runtime/erasure_api.h"

#include "chassis/core/log.h"
#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"

enum {
    PIECE = 2000, /* rows of each part in one transaction: a fraction of a second */
};

static int64_t rows_of(const ChErased *erased)
{
    int64_t rows = 0;
    for (size_t i = 0; i < erased->parts; i++)
        rows += erased->rows[i];
    return rows;
}

static void log_piece(const ChHttpRequest *request, ChUuid person, const ChErased *erased)
{
    ch_log_info("personal data erased", CH_ID("person", person), CH_INT("rows", rows_of(erased)),
                CH_STR("left", erased->done ? "nothing" : "more"),
                CH_TRACE(ch_http_request_trace(request)));
}

/* For the record: who had it erased; of one of whom nothing was left nothing. */
static void note_piece(ChHttpRequest *request, ChUuid person, const ChErased *erased)
{
    if (rows_of(erased) == 0)
        return;
    GString *json = g_string_sized_new(64);
    ch_json_begin_object(json, NULL);
    ch_json_add_integer(json, "erasedRows", rows_of(erased));
    ch_json_end_object(json);
    ch_http_note_change(request,
                        (ChHttpChange){ .object = "customer", .id = person, .after = json });
}

static void respond(ChHttpRequest *request, const ChErased *erased)
{
    GString *json = g_string_sized_new(160);
    ch_json_begin_object(json, NULL);
    ch_json_add_bool(json, "done", erased->done);
    ch_json_begin_object(json, "erased");
    for (size_t i = 0; i < erased->parts; i++)
        ch_json_add_integer(json, erased->names[i], erased->rows[i]);
    ch_json_end_object(json);
    ch_json_end_object(json);
    ch_http_respond_json(request, erased->done ? 200 : 202, json);
}

static bool erase_one(ChErasure *erasure, ChHttpRequest *request, GError **error)
{
    ChUuid person;
    ChErased erased;
    if (!ch_http_param_uuid(request, "id", &person) || ch_uuid_is_nil(person)) {
        ch_http_respond_problem(request, &ch_http_not_found, "the path names nobody");
        return true;
    }
    if (!ch_erasure_run(erasure, person, PIECE, &erased, error))
        return false;
    log_piece(request, person, &erased);
    note_piece(request, person, &erased);
    respond(request, &erased);
    return true;
}

bool ch_erasure_api(void *erasure, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!erase_one(erasure, requests[i], error))
            return false;
    }
    return true;
}
