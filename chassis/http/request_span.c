/* Requests by the semantic conventions for HTTP. */
#include "chassis/http/request_span.h"

#include "chassis/core/time.h"

void ch_http_request_span(const ChHttpRequest *request, unsigned status)
{
    const ChHttpRoute *route = request->match.route;
    if (!ch_spans_on() || (route != NULL && route->lane == CH_HTTP_INLINE))
        return;
    int64_t took_us = ch_time_monotonic_us() - request->started_us;
    ChSpan *span = ch_span_begin(request->trace, CH_SPAN_SERVER, ch_time_now_us() - took_us,
                                 request->method, route == NULL ? NULL : route->pattern);
    ch_span_text(span, "http.request.method", request->method);
    ch_span_text(span, "http.route", route == NULL ? NULL : route->pattern);
    ch_span_text(span, "url.path", request->path);
    if (status != 0)
        ch_span_number(span, "http.response.status_code", status);
    if (status == 0)
        ch_span_fail(span, "the client went away");
    else if (status >= 500)
        ch_span_fail(span, "the answer is a server error");
    ch_span_end(span);
}

ChSpan *ch_http_request_lane_span(const ChHttpRequest *request, int64_t start_us)
{
    if (!ch_trace_is_sampled(request->trace))
        return NULL;
    return ch_span_begin(ch_trace_child(request->trace), CH_SPAN_INTERNAL, start_us, "handle",
                         request->match.route->operation_id);
}
