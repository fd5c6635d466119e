/* Calls by the semantic conventions for HTTP clients. The URL is not told: it may hold a secret, or
 * whom it is about. */
#include "chassis/client/call_span.h"

#include "chassis/core/time.h"

/* The host of @url, without user, password and port; free with g_free(). */
static char *host_of(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    return uri == NULL ? NULL : g_strdup(g_uri_get_host(uri));
}

void ch_http_call_span_begin(ChHttpCall *call)
{
    call->span = ch_span_begin(call->trace, CH_SPAN_CLIENT, ch_time_now_us(), call->method,
                               call->url_template);
    if (call->span == NULL)
        return;
    g_autofree char *host = host_of(call->url);
    ch_span_text(call->span, "http.request.method", call->method);
    ch_span_text(call->span, "server.address", host);
    ch_span_text(call->span, "url.template", call->url_template);
}

void ch_http_call_span_end(ChHttpCall *call)
{
    ChSpan *span = call->span;
    call->span = NULL;
    if (call->status != 0)
        ch_span_number(span, "http.response.status_code", call->status);
    if (call->tries > 1)
        ch_span_number(span, "http.request.resend_count", call->tries - 1);
    if (call->outcome != CH_HTTP_OK)
        ch_span_fail(span, call->fault);
    ch_span_end(span);
}
