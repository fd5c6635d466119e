/* Problem documents. */
#include "chassis/http/problem.h"

#include "chassis/core/random.h"
#include "chassis/http/request_life.h"
#include "chassis/json/json_violations.h"
#include "chassis/json/json_writer.h"

enum {
    DETAIL_BYTES = 512,  /* longer details are cut */
    INSTANCE_CHARS = 256 /* so are longer paths */
};

const ChHttpProblem ch_http_malformed = { "malformed-request", 400, "Bad Request" };
const ChHttpProblem ch_http_invalid = { "invalid-request", 400, "Validation Failed" };
const ChHttpProblem ch_http_unauthorized = { "unauthorized", 401, "Unauthorized" };
const ChHttpProblem ch_http_forbidden = { "forbidden", 403, "Forbidden" };
const ChHttpProblem ch_http_not_found = { "not-found", 404, "Not Found" };
const ChHttpProblem ch_http_unknown_path = { "unknown-path", 404, "Unknown path" };
const ChHttpProblem ch_http_method_not_allowed = { "method-not-allowed", 405,
                                                   "Method Not Allowed" };
const ChHttpProblem ch_http_not_acceptable = { "not-acceptable", 406, "Not Acceptable" };
const ChHttpProblem ch_http_changed_meanwhile = { "changed-meanwhile", 412, "Precondition Failed" };
const ChHttpProblem ch_http_body_too_long = { "body-too-long", 413, "Content Too Large" };
const ChHttpProblem ch_http_target_too_long = { "target-too-long", 414, "URI Too Long" };
const ChHttpProblem ch_http_unsupported_media_type = { "unsupported-media-type", 415,
                                                       "Unsupported Media Type" };
const ChHttpProblem ch_http_too_many_requests = { "too-many-requests", 429, "Too Many Requests" };
const ChHttpProblem ch_http_head_too_large = { "head-too-large", 431,
                                               "Request Header Fields Too Large" };
const ChHttpProblem ch_http_failed = { "failed", 500, "Internal Server Error" };
const ChHttpProblem ch_http_unavailable = { "unavailable", 503, "Service Unavailable" };
const ChHttpProblem ch_http_outcome_unknown = { "outcome-unknown", 503, "Outcome unknown" };

unsigned ch_http_retry_after_s(void)
{
    return 1 + (unsigned)ch_random_below(3);
}

/* The path is the client's text: whatever is odd in it stays percent-encoded, the rest is cut. */
static void add_instance(GString *json, const char *path)
{
    g_autofree char *valid = g_utf8_make_valid(path, -1);
    g_autofree char *cut =
        g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), INSTANCE_CHARS));
    ch_json_add_text(json, "instance", cut);
}

void ch_http_answer_problem(ChHttpAnswer *answer, const ChHttpRequest *request,
                            const ChHttpProblem *problem, const char *detail,
                            const ChViolations *violations, unsigned retry_after_s)
{
    char trace_id[CH_TRACE_ID_BYTES];
    g_autofree char *type = g_strconcat(CH_HTTP_PROBLEM_URI, problem->name, NULL);
    ch_trace_id_format(request->trace, trace_id);
    GString *json = g_string_sized_new(256);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "type", type);
    ch_json_add_text(json, "title", problem->title);
    ch_json_add_integer(json, "status", problem->status);
    ch_json_add_text(json, "detail", detail);
    add_instance(json, request->path);
    ch_json_add_text(json, "traceId", trace_id);
    if (violations != NULL)
        ch_json_add_violations(json, "errors", violations);
    ch_json_end_object(json);
    ch_http_answer_clear(answer);
    answer->status = problem->status;
    answer->content_type = CH_HTTP_PROBLEM_TYPE;
    answer->body = json;
    if (retry_after_s > 0) {
        char seconds[16];
        g_snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
        ch_http_answer_header(answer, "Retry-After", seconds);
    }
}

void ch_http_respond_problem(ChHttpRequest *request, const ChHttpProblem *problem,
                             const char *detail_format, ...)
{
    char detail[DETAIL_BYTES];
    va_list arguments;
    va_start(arguments, detail_format);
    g_vsnprintf(detail, sizeof(detail), detail_format, arguments);
    va_end(arguments);
    ch_http_answer_problem(&request->answer, request, problem, detail, NULL, 0);
}

void ch_http_respond_violations(ChHttpRequest *request, const ChViolations *violations)
{
    ch_http_answer_problem(&request->answer, request, &ch_http_invalid,
                           "The request has faults; errors names each of them.", violations, 0);
}

void ch_http_respond_unavailable(ChHttpRequest *request, const char *detail)
{
    ch_http_answer_problem(&request->answer, request, &ch_http_unavailable, detail, NULL,
                           ch_http_retry_after_s());
}
