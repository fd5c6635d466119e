/* Checks of a request's head, in the order in which they answer. */
#include "chassis/http/head.h"

#include "chassis/http/media_type.h"
#include "chassis/http/request.h"

#include <string.h>

static ChHttpRefusal refusal(const ChHttpProblem *problem, const char *detail)
{
    return (ChHttpRefusal){ .problem = problem, .detail = detail };
}

static bool has_too_many_params(const ChHttpRequest *request)
{
    size_t params = 0;
    for (const char *rest = request->query; *rest != '\0'; rest += strspn(rest, "&")) {
        size_t bytes = strcspn(rest, "&");
        params += bytes > 0;
        rest += bytes;
    }
    return params > CH_HTTP_MAX_QUERY_PARAMS;
}

/* RFC 9110, section 9.3.7: what may be done with the path. */
static bool answer_options(void *router, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)error;
    for (size_t i = 0; i < n; i++) {
        g_autofree char *allow = ch_http_router_allow(router, ch_http_request_path(requests[i]));
        ch_http_respond_empty(requests[i], 204);
        ch_http_respond_header(requests[i], "Allow", allow);
    }
    return true;
}

/* Of every path that has routes, so that it is in no table. */
static const ChHttpRoute options_route = {
    .method = "OPTIONS",
    .pattern = "/",
    .operation_id = "getOptions",
    .lane = CH_HTTP_INLINE,
    .handler = answer_options,
    .query = CH_HTTP_ANY_QUERY,
    .scope = CH_HTTP_PUBLIC,
};

/* A path with routes, but none for this method. */
static ChHttpRefusal match_options(const ChHttpRouter *router, ChHttpRequest *request)
{
    if (strcmp(request->method, "OPTIONS") != 0)
        return refusal(&ch_http_method_not_allowed,
                       "This path is served, but not with this method.");
    request->match = (ChHttpMatch){ .route = &options_route, .inline_context = (void *)router };
    return refusal(NULL, NULL);
}

static ChHttpRefusal find_route(const ChHttpRouter *router, ChHttpRequest *request)
{
    size_t query_bytes = request->query == NULL ? 0 : strlen(request->query);
    if (strpbrk(request->path, " \t") != NULL ||
        (request->query != NULL && strpbrk(request->query, " \t") != NULL))
        return refusal(&ch_http_malformed, "The target holds white space.");
    /* The path's texts and the query's, see ch_http_request_read_query(). */
    request->decoded = g_malloc(strlen(request->path) + 1 + 2 * query_bytes + 2);
    switch (ch_http_router_match(router, request->method, request->path, request->decoded,
                                 &request->match)) {
    case CH_HTTP_BAD_PATH:
        return refusal(&ch_http_malformed, "The path is malformed.");
    case CH_HTTP_UNKNOWN_PATH:
        return refusal(&ch_http_unknown_path, "Nothing is served under this path.");
    case CH_HTTP_METHOD_NOT_ALLOWED:
        return match_options(router, request);
    case CH_HTTP_FOUND:
        break;
    }
    if (!ch_http_request_read_query(request))
        return has_too_many_params(request)
                   ? refusal(&ch_http_target_too_long, "The query has too many parameters.")
                   : refusal(&ch_http_malformed, "The query is malformed.");
    return refusal(NULL, NULL);
}

static ChHttpRefusal check_media_type(const ChHttpRequest *request)
{
    const char *type = ch_http_request_header(request, "Content-Type");
    const char *encoding = ch_http_request_header(request, "Content-Encoding");
    bool lines = (request->match.route->traits & CH_HTTP_NDJSON) != 0;
    if (lines && (type == NULL || !ch_http_media_type_is_ndjson(type)))
        return refusal(&ch_http_unsupported_media_type, "The body must be application/x-ndjson.");
    if (!lines && (type == NULL || !ch_http_media_type_is_json(type)))
        return refusal(&ch_http_unsupported_media_type, "The body must be application/json.");
    if (encoding != NULL && g_ascii_strcasecmp(encoding, "identity") != 0)
        return refusal(&ch_http_unsupported_media_type, "The body must not be compressed.");
    return refusal(NULL, NULL);
}

/* A client that asks before it sends (Expect) is told at once, as is one that would send far too
 * much. */
static ChHttpRefusal refuse_length(const ChHttpRequest *request, int64_t length,
                                   size_t max_body_bytes)
{
    ChHttpRefusal too_long = refusal(&ch_http_body_too_long, "The body is too long.");
    too_long.at_once = ch_http_request_header(request, "Expect") != NULL ||
                       length > (int64_t)max_body_bytes * CH_HTTP_DISCARD_BODIES;
    return too_long;
}

size_t ch_http_head_max_body(const ChHttpRequest *request, size_t max_body_bytes)
{
    const ChHttpRoute *route = request->match.route;
    unsigned traits = route != NULL ? route->traits : 0;
    if ((traits & CH_HTTP_PIECE) != 0)
        return CH_HTTP_PIECE_BYTES;
    bool large = (traits & CH_HTTP_LARGE_BODY) != 0;
    return large ? MAX(max_body_bytes, CH_HTTP_LARGE_BODY_BYTES) : max_body_bytes;
}

ChHttpRefusal ch_http_head_check(const ChHttpRouter *router, ChHttpRequest *request,
                                 const ChHttpGuard *guard, const char *version,
                                 size_t max_body_bytes)
{
    request->trace = ch_trace_continue(ch_http_request_header(request, "traceparent"));
    const char *fault = ch_http_guard_verdict(guard, version);
    if (fault != NULL)
        return (ChHttpRefusal){ .problem = &ch_http_malformed, .detail = fault, .at_once = true };
    ChHttpRefusal found = find_route(router, request);
    max_body_bytes = ch_http_head_max_body(request, max_body_bytes);
    if (guard->content_length > (int64_t)max_body_bytes)
        return refuse_length(request, guard->content_length, max_body_bytes);
    if (found.problem == NULL && guard->accepts > 0 && !ch_http_media_type_is_accepted(request))
        return refusal(&ch_http_not_acceptable, "There is no such version of this API.");
    if (found.problem == NULL && (guard->content_length > 0 || guard->encodings > 0))
        return check_media_type(request);
    return found;
}
