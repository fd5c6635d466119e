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

static const struct {
    unsigned status;
    const char *phrase;
} phrases[] = {
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 422, "Unprocessable Content" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

const char *ch_http_status_phrase(unsigned status)
{
    for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Error";
}

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

void ch_http_answer_problem(ChHttpAnswer *answer, const ChHttpRequest *request, unsigned status,
                            const char *title, const char *detail, const ChViolations *violations,
                            unsigned retry_after_s)
{
    char trace_id[CH_TRACE_ID_BYTES];
    ch_trace_id_format(request->trace, trace_id);
    GString *json = g_string_sized_new(256);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "type", "about:blank");
    ch_json_add_text(json, "title", title != NULL ? title : ch_http_status_phrase(status));
    ch_json_add_integer(json, "status", status);
    ch_json_add_text(json, "detail", detail);
    add_instance(json, request->path);
    ch_json_add_text(json, "traceId", trace_id);
    if (violations != NULL)
        ch_json_add_violations(json, "errors", violations);
    ch_json_end_object(json);
    ch_http_answer_clear(answer);
    answer->status = status;
    answer->content_type = CH_HTTP_PROBLEM_TYPE;
    answer->body = json;
    if (retry_after_s > 0) {
        char seconds[16];
        g_snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
        ch_http_answer_header(answer, "Retry-After", seconds);
    }
}

void ch_http_respond_problem(ChHttpRequest *request, unsigned status, const char *title,
                             const char *detail_format, ...)
{
    char detail[DETAIL_BYTES];
    va_list arguments;
    va_start(arguments, detail_format);
    g_vsnprintf(detail, sizeof(detail), detail_format, arguments);
    va_end(arguments);
    ch_http_answer_problem(&request->answer, request, status, title, detail, NULL, 0);
}

void ch_http_respond_violations(ChHttpRequest *request, const ChViolations *violations)
{
    ch_http_answer_problem(&request->answer, request, 400, "Validation Failed",
                           "The request has faults; errors names each of them.", violations, 0);
}

void ch_http_respond_unavailable(ChHttpRequest *request, const char *detail)
{
    ch_http_answer_problem(&request->answer, request, 503, NULL, detail, NULL,
                           ch_http_retry_after_s());
}
