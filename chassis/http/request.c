/* Requests: what handlers read, and the answers they put on them. */
#include "chassis/http/request.h"

#include "chassis/http/exchange.h"
#include "chassis/http/percent.h"

#include <string.h>

enum {
    HEADERS_ROOM = 512
}; /* what a usual client sends fits without growing */

/* ---- life ---- */

ChHttpRequest *ch_http_request_new(const char *target, int64_t started_us, int64_t deadline_us)
{
    ChHttpRequest *request = g_new0(ChHttpRequest, 1);
    atomic_init(&request->references, 1);
    atomic_init(&request->state, CH_HTTP_READING);
    request->path = g_strdup(target);
    request->query = strchr(request->path, '?');
    if (request->query != NULL)
        *request->query++ = '\0';
    request->headers = g_string_sized_new(HEADERS_ROOM);
    request->started_us = started_us;
    request->deadline_us = deadline_us;
    return request;
}

ChHttpRequest *ch_http_request_ref(ChHttpRequest *request)
{
    atomic_fetch_add_explicit(&request->references, 1, memory_order_relaxed);
    return request;
}

static void drop_data(ChHttpRequest *request)
{
    if (request->destroy_data != NULL && request->data != NULL)
        request->destroy_data(request->data);
}

void ch_http_request_unref(ChHttpRequest *request)
{
    if (atomic_fetch_sub_explicit(&request->references, 1, memory_order_acq_rel) > 1)
        return;
    drop_data(request);
    ch_http_answer_clear(&request->answer);
    if (request->body != NULL)
        g_string_free(request->body, TRUE);
    g_string_free(request->headers, TRUE);
    g_free(request->query_params);
    g_free(request->decoded);
    g_free(request->path);
    g_free(request);
}

bool ch_http_request_finish(ChHttpRequest *request, ChHttpState state)
{
    int waiting = CH_HTTP_WAITING;
    return atomic_compare_exchange_strong(&request->state, &waiting, (int)state);
}

/* ---- reading ---- */

const char *ch_http_request_method(const ChHttpRequest *request)
{
    return request->method;
}

const char *ch_http_request_path(const ChHttpRequest *request)
{
    return request->path;
}

const char *ch_http_request_param(const ChHttpRequest *request, const char *name)
{
    size_t bytes = strlen(name);
    for (size_t i = 0; i < request->match.params_n; i++) {
        if (request->match.params[i].name_bytes == bytes &&
            memcmp(request->match.params[i].name, name, bytes) == 0)
            return request->match.params[i].value;
    }
    return NULL;
}

const char *ch_http_request_query(const ChHttpRequest *request, const char *name)
{
    for (size_t i = 0; i < request->query_params_n; i++) {
        if (strcmp(request->query_params[i].name, name) == 0)
            return request->query_params[i].value;
    }
    return NULL;
}

size_t ch_http_request_query_count(const ChHttpRequest *request, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < request->query_params_n; i++)
        n += strcmp(request->query_params[i].name, name) == 0;
    return n;
}

const char *ch_http_request_header(const ChHttpRequest *request, const char *name)
{
    const char *end = request->headers->str + request->headers->len;
    for (const char *at = request->headers->str; at < end;) {
        const char *value = at + strlen(at) + 1;
        if (g_ascii_strcasecmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

const char *ch_http_request_body(const ChHttpRequest *request, size_t *bytes)
{
    *bytes = request->body == NULL ? 0 : request->body->len;
    return request->body == NULL ? "" : request->body->str;
}

ChTrace ch_http_request_trace(const ChHttpRequest *request)
{
    return request->trace;
}

void ch_http_request_set_data(ChHttpRequest *request, void *data, GDestroyNotify destroy)
{
    drop_data(request);
    request->data = data;
    request->destroy_data = destroy;
}

void *ch_http_request_data(const ChHttpRequest *request)
{
    return request->data;
}

void ch_http_request_add_header(ChHttpRequest *request, const char *name, size_t name_bytes,
                                const char *value, size_t value_bytes)
{
    g_string_append_len(request->headers, name, (gssize)name_bytes);
    g_string_append_c(request->headers, '\0');
    g_string_append_len(request->headers, value, (gssize)value_bytes);
    g_string_append_c(request->headers, '\0');
}

/* One name=value of the query is decoded to @to; the byte behind what was written, or NULL. */
static char *read_param(const char *text, size_t bytes, char *to, ChHttpParam *param)
{
    const char *equals = memchr(text, '=', bytes);
    size_t name_bytes = equals == NULL ? bytes : (size_t)(equals - text);
    size_t written = 0;
    if (!ch_percent_decode(text, name_bytes, true, to, &written))
        return NULL;
    param->name = to;
    to += written + 1;
    const char *value = equals == NULL ? text + bytes : equals + 1;
    if (!ch_percent_decode(value, (size_t)(text + bytes - value), true, to, &written))
        return NULL;
    param->value = to;
    return to + written + 1;
}

bool ch_http_request_read_query(ChHttpRequest *request)
{
    if (request->query == NULL || *request->query == '\0')
        return true;
    const char *rest = request->query;
    /* Behind the path's texts; a parameter without "=" gets a second zero, hence twice the length.
     */
    char *to = request->decoded + strlen(request->path) + 1;
    request->query_params = g_new0(ChHttpParam, CH_HTTP_MAX_QUERY_PARAMS);
    for (;;) {
        size_t bytes = strcspn(rest, "&");
        if (bytes > 0) {
            if (request->query_params_n == CH_HTTP_MAX_QUERY_PARAMS)
                return false;
            to = read_param(rest, bytes, to, &request->query_params[request->query_params_n++]);
            if (to == NULL)
                return false;
        }
        if (rest[bytes] == '\0')
            return true;
        rest += bytes + 1;
    }
}

/* ---- answering ---- */

void ch_http_answer_clear(ChHttpAnswer *answer)
{
    if (answer->body != NULL)
        g_string_free(answer->body, TRUE);
    for (size_t i = 0; i < answer->headers_n; i++)
        g_free(answer->headers[i].value);
    *answer = (ChHttpAnswer){ 0 };
}

static bool is_header_value(const char *value)
{
    const char *c = value;
    while ((unsigned char)*c >= 0x20 && *c != 0x7F)
        c++;
    return *c == '\0' && c - value <= CH_HTTP_MAX_ANSWER_HEADER_BYTES;
}

void ch_http_answer_header(ChHttpAnswer *answer, const char *name, const char *value)
{
    g_assert(answer->status != 0 && answer->headers_n < CH_HTTP_MAX_ANSWER_HEADERS);
    g_assert(is_header_value(value));
    answer->headers[answer->headers_n].name = name;
    answer->headers[answer->headers_n].value = g_strdup(value);
    answer->headers_n++;
}

static void respond(ChHttpRequest *request, unsigned status, const char *content_type,
                    GString *body)
{
    g_assert(status >= 200 && status <= 599);
    ch_http_answer_clear(&request->answer);
    request->answer.status = status;
    request->answer.content_type = content_type;
    request->answer.body = body;
}

void ch_http_respond_json(ChHttpRequest *request, unsigned status, GString *json)
{
    respond(request, status, "application/json", json);
}

void ch_http_respond_empty(ChHttpRequest *request, unsigned status)
{
    respond(request, status, NULL, NULL);
}

void ch_http_respond_text(ChHttpRequest *request, unsigned status, const char *content_type,
                          GString *text)
{
    respond(request, status, content_type, text);
}

void ch_http_respond_header(ChHttpRequest *request, const char *name, const char *value)
{
    ch_http_answer_header(&request->answer, name, value);
}
