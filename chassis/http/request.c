/* Requests: what handlers read, and the answers they put on them. */
#include "chassis/http/request.h"

#include "chassis/http/request_life.h"

#include <string.h>

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

char *ch_http_request_headers(const ChHttpRequest *request, const char *name)
{
    GString *all = NULL;
    const char *end = request->headers->str + request->headers->len;
    for (const char *at = request->headers->str; at < end;) {
        const char *value = at + strlen(at) + 1;
        if (g_ascii_strcasecmp(at, name) == 0 && all == NULL)
            all = g_string_new(value);
        else if (g_ascii_strcasecmp(at, name) == 0)
            g_string_append_printf(all, ", %s", value);
        at = value + strlen(value) + 1;
    }
    return all == NULL ? NULL : g_string_free(all, FALSE);
}

const char *ch_http_request_body(const ChHttpRequest *request, size_t *bytes)
{
    *bytes = request->body == NULL ? 0 : request->body->len;
    return request->body == NULL ? "" : request->body->str;
}

uint64_t ch_http_request_address(const ChHttpRequest *request)
{
    return ch_http_address_number(&request->client);
}

void ch_http_request_client(const ChHttpRequest *request, char text[CH_HTTP_ADDRESS_TEXT_BYTES])
{
    ch_http_address_format(&request->client, text);
}

const ChCaller *ch_http_request_caller(const ChHttpRequest *request)
{
    return request->caller;
}

void ch_http_request_set_actor(ChHttpRequest *request, const char *actor)
{
    request->actor = actor;
}

const char *ch_http_request_actor(const ChHttpRequest *request)
{
    if (request->caller != NULL)
        return request->caller->subject;
    return request->actor != NULL ? request->actor : "anonymous";
}

const char *ch_http_request_operation(const ChHttpRequest *request)
{
    return request->match.route->operation_id;
}

const char *ch_http_request_scope(const ChHttpRequest *request)
{
    int scope = request->match.route->scope;
    return scope > 0 ? request->match.scopes->names[scope] : NULL;
}

bool ch_http_request_may(const ChHttpRequest *request, int scope)
{
    return request->caller == NULL || (request->caller->scopes & CH_SCOPE(scope)) != 0;
}

ChTrace ch_http_request_trace(const ChHttpRequest *request)
{
    return request->trace;
}

void ch_http_request_set_data(ChHttpRequest *request, void *data, GDestroyNotify destroy)
{
    ch_http_request_drop_data(request);
    request->data = data;
    request->destroy_data = destroy;
}

void *ch_http_request_data(const ChHttpRequest *request)
{
    return request->data;
}

/* ---- answering ---- */

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
