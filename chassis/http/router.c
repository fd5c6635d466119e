/* The route table: patterns are cut into segments once, paths once a request. */
#include "chassis/http/router.h"

#include "chassis/http/percent.h"

#include <string.h>

typedef struct {
    const char *text;
    size_t bytes;
    bool is_param; /* text is the name between the braces */
} Segment;

typedef struct {
    const ChHttpRoute *route;
    const ChScopes *scopes;
    ChHttpLane *lane;   /* NULL: inline */
    ChHttpMeter *meter; /* NULL: a probe */
    void *inline_context;
    Segment segments[CH_HTTP_MAX_SEGMENTS];
    size_t n;
} Pattern;

struct ChHttpRouter {
    Pattern *patterns;
    size_t n;
    ChHttpMeter *unrouted;
};

/* The segments of a path, decoded, each with a zero byte behind it. */
typedef struct {
    Segment segments[CH_HTTP_MAX_SEGMENTS];
    size_t n;
} Path;

/* ---- patterns ---- */

static Segment compile_segment(const char *text, size_t bytes)
{
    if (text[0] != '{')
        return (Segment){ text, bytes, false };
    g_assert(bytes > 2 && text[bytes - 1] == '}');
    return (Segment){ text + 1, bytes - 2, true };
}

static void cut(const ChHttpRoute *route, Pattern *pattern)
{
    g_assert(route->pattern[0] == '/');
    const char *rest = route->pattern;
    size_t params = 0;
    while (*rest == '/') {
        size_t bytes = strcspn(rest + 1, "/");
        g_assert(pattern->n < CH_HTTP_MAX_SEGMENTS);
        g_assert(bytes > 0 || strcmp(route->pattern, "/") == 0);
        Segment segment = compile_segment(rest + 1, bytes);
        params += segment.is_param;
        pattern->segments[pattern->n++] = segment;
        rest += 1 + bytes;
    }
    g_assert(params <= CH_HTTP_MAX_PARAMS);
}

static void bind_lane(const ChHttpRoute *route, const ChHttpBinding *binding, Pattern *pattern)
{
    if (route->lane == CH_HTTP_INLINE) {
        g_assert((route->traits & CH_HTTP_GATED) == 0);
        pattern->inline_context = binding->inline_context;
        return;
    }
    g_assert(route->lane >= 0 && (size_t)route->lane < binding->table->lanes_n);
    pattern->lane = binding->lanes[route->lane];
    g_assert(pattern->lane != NULL);
}

/* Whoever adds a route says who may ask; the server's thread, which answers those without a lane,
 * looks at no token. */
static void check_scope(const ChHttpRoute *route, const ChScopes *scopes)
{
    if (route->scope == CH_HTTP_PUBLIC || route->scope == CH_HTTP_OWN_RULE)
        return;
    g_assert(route->scope > 0 && route->lane != CH_HTTP_INLINE);
    g_assert(scopes != NULL && (size_t)route->scope < scopes->names_n);
}

static void add(ChHttpRouter *router, const ChHttpRoute *route, const ChHttpBinding *binding)
{
    g_assert(route->method != NULL && route->operation_id != NULL && route->handler != NULL);
    g_assert(route->query != NULL);
    check_scope(route, binding->table->scopes);
    for (size_t i = 0; i < router->n; i++) {
        const ChHttpRoute *other = router->patterns[i].route;
        g_assert(strcmp(route->operation_id, other->operation_id) != 0);
        g_assert(strcmp(route->pattern, other->pattern) != 0 ||
                 strcmp(route->method, other->method) != 0);
    }
    g_assert(router->n < CH_HTTP_MAX_ROUTES);
    Pattern *pattern = &router->patterns[router->n++];
    pattern->route = route;
    pattern->scopes = binding->table->scopes;
    if ((route->traits & CH_HTTP_PROBE) == 0)
        pattern->meter = ch_http_meter_new(route->method, route->pattern);
    cut(route, pattern);
    bind_lane(route, binding, pattern);
}

ChHttpRouter *ch_http_router_new(const ChHttpBinding *bindings, size_t n)
{
    ChHttpRouter *router = g_new0(ChHttpRouter, 1);
    router->patterns = g_new0(Pattern, CH_HTTP_MAX_ROUTES);
    router->unrouted = ch_http_meter_new(NULL, NULL);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < bindings[i].table->routes_n; k++)
            add(router, &bindings[i].table->routes[k], &bindings[i]);
    }
    return router;
}

void ch_http_router_free(ChHttpRouter *router)
{
    if (router == NULL)
        return;
    for (size_t i = 0; i < router->n; i++)
        ch_http_meter_free(router->patterns[i].meter);
    ch_http_meter_free(router->unrouted);
    g_free(router->patterns);
    g_free(router);
}

/* ---- paths ---- */

typedef enum {
    PATH_READ,
    PATH_TOO_LONG,
    PATH_BAD
} PathRead;

/* Cuts at the slashes that are written as such, then decodes: an escaped slash stays within its
 * segment. */
static PathRead read_path(const char *raw, char *decoded, Path *path)
{
    if (raw[0] != '/')
        return PATH_BAD;
    path->n = 0;
    while (*raw == '/') {
        size_t bytes = strcspn(raw + 1, "/");
        size_t decoded_bytes = 0;
        if (!ch_percent_decode(raw + 1, bytes, false, decoded, &decoded_bytes) ||
            strcmp(decoded, ".") == 0 || strcmp(decoded, "..") == 0)
            return PATH_BAD;
        if (path->n < CH_HTTP_MAX_SEGMENTS)
            path->segments[path->n] = (Segment){ decoded, decoded_bytes, false };
        path->n++;
        decoded += decoded_bytes + 1;
        raw += 1 + bytes;
    }
    return path->n > CH_HTTP_MAX_SEGMENTS ? PATH_TOO_LONG : PATH_READ;
}

static bool segment_equal(const Segment *literal, const Segment *segment)
{
    return literal->bytes == segment->bytes &&
           memcmp(literal->text, segment->text, segment->bytes) == 0;
}

/* How well @pattern fits: 0 not at all, else one more for each literal segment. */
static size_t fit(const Pattern *pattern, const Path *path)
{
    if (pattern->n != path->n)
        return 0;
    size_t literals = 0;
    for (size_t i = 0; i < path->n; i++) {
        if (pattern->segments[i].is_param) {
            if (path->segments[i].bytes == 0)
                return 0;
        } else if (segment_equal(&pattern->segments[i], &path->segments[i])) {
            literals++;
        } else {
            return 0;
        }
    }
    return literals + 1;
}

static size_t best_fit(const ChHttpRouter *router, const Path *path)
{
    size_t best = 0;
    for (size_t i = 0; i < router->n; i++)
        best = MAX(best, fit(&router->patterns[i], path));
    return best;
}

/* The route of method @method among those that fit best. */
static const Pattern *find(const ChHttpRouter *router, const Path *path, size_t best,
                           const char *method)
{
    for (size_t i = 0; i < router->n; i++) {
        const Pattern *pattern = &router->patterns[i];
        if (strcmp(pattern->route->method, method) == 0 && fit(pattern, path) == best)
            return pattern;
    }
    return NULL;
}

static void take_params(const Pattern *pattern, const Path *path, ChHttpMatch *match)
{
    match->params_n = 0;
    for (size_t i = 0; i < pattern->n; i++) {
        if (!pattern->segments[i].is_param)
            continue;
        match->params[match->params_n].name = pattern->segments[i].text;
        match->params[match->params_n].name_bytes = pattern->segments[i].bytes;
        match->params[match->params_n].value = path->segments[i].text;
        match->params_n++;
    }
}

ChHttpMatchKind ch_http_router_match(const ChHttpRouter *router, const char *method,
                                     const char *path, char *decoded, ChHttpMatch *match)
{
    Path read;
    switch (read_path(path, decoded, &read)) {
    case PATH_BAD:
        return CH_HTTP_BAD_PATH;
    case PATH_TOO_LONG:
        return CH_HTTP_UNKNOWN_PATH;
    case PATH_READ:
        break;
    }
    size_t best = best_fit(router, &read);
    if (best == 0)
        return CH_HTTP_UNKNOWN_PATH;
    const Pattern *pattern = find(router, &read, best, method);
    if (pattern == NULL && strcmp(method, "HEAD") == 0)
        pattern = find(router, &read, best, "GET");
    if (pattern == NULL)
        return CH_HTTP_METHOD_NOT_ALLOWED;
    match->route = pattern->route;
    match->scopes = pattern->scopes;
    match->lane = pattern->lane;
    match->meter = pattern->meter;
    match->inline_context = pattern->inline_context;
    take_params(pattern, &read, match);
    return CH_HTTP_FOUND;
}

ChHttpMeter *ch_http_router_meter(const ChHttpRouter *router, const ChHttpMatch *match)
{
    bool is_probe = match->route != NULL && (match->route->traits & CH_HTTP_PROBE) != 0;
    return match->meter != NULL || is_probe ? match->meter : router->unrouted;
}

char *ch_http_router_allow(const ChHttpRouter *router, const char *path)
{
    GString *allow = g_string_new(NULL);
    g_autofree char *decoded = g_malloc(strlen(path) + 1);
    Path read;
    if (read_path(path, decoded, &read) == PATH_READ) {
        size_t best = best_fit(router, &read);
        for (size_t i = 0; i < router->n && best > 0; i++) {
            const char *method = router->patterns[i].route->method;
            if (fit(&router->patterns[i], &read) != best)
                continue;
            g_string_append_printf(allow, "%s%s", allow->len == 0 ? "" : ", ", method);
            if (strcmp(method, "GET") == 0)
                g_string_append(allow, ", HEAD");
        }
        if (best > 0)
            g_string_append(allow, ", OPTIONS");
    }
    return g_string_free(allow, FALSE);
}
