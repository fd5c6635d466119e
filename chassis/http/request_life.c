/* Requests from their first byte to their end. */
#include "chassis/http/request_life.h"

#include "chassis/http/percent.h"

#include <string.h>

enum {
    HEADERS_ROOM = 512, /* what a usual client sends fits without growing */
};

/* ---- answers ---- */

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
    atomic_init(&request->deadline_us, deadline_us);
    return request;
}

ChHttpRequest *ch_http_request_ref(ChHttpRequest *request)
{
    atomic_fetch_add_explicit(&request->references, 1, memory_order_relaxed);
    return request;
}

void ch_http_request_drop_data(ChHttpRequest *request)
{
    if (request->destroy_data != NULL && request->data != NULL)
        request->destroy_data(request->data);
}

void ch_http_request_drop_changes(ChHttpRequest *request)
{
    g_clear_pointer(&request->changes, g_array_unref);
}

void ch_http_request_unref(ChHttpRequest *request)
{
    if (atomic_fetch_sub_explicit(&request->references, 1, memory_order_acq_rel) > 1)
        return;
    ch_http_request_drop_data(request);
    ch_http_request_drop_changes(request);
    ch_http_answer_clear(&request->answer);
    ch_caller_unref(request->caller);
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
