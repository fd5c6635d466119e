/* Health and metrics over HTTP. */
#include "chassis/runtime/admin.h"

#include "chassis/http/request.h"
#include "chassis/telemetry/metrics.h"

enum {
    ADMIN_CONNECTIONS = 64, /* probes and scrapers, a few each */
    ADMIN_BODY_BYTES = 16 * 1024,
};

static bool answer_live(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)context;
    (void)error;
    for (size_t i = 0; i < n; i++)
        ch_http_respond_json(requests[i], 200, g_string_new("{\"status\":\"live\"}"));
    return true;
}

static void answer_health(ChHealth *health, bool details, ChHttpRequest *const *requests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool ready = false;
        GString *json = ch_health_render(health, details, &ready);
        ch_http_respond_json(requests[i], ready ? 200 : 503, json);
    }
}

static bool answer_ready(void *health, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)error;
    answer_health(health, false, requests, n);
    return true;
}

static bool answer_ready_with_details(void *health, ChHttpRequest *const *requests, size_t n,
                                      GError **error)
{
    (void)error;
    answer_health(health, true, requests, n);
    return true;
}

static bool answer_metrics(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)context;
    (void)error;
    for (size_t i = 0; i < n; i++)
        ch_http_respond_text(requests[i], 200, "text/plain; version=0.0.4; charset=utf-8",
                             ch_metrics_render());
    return true;
}

static const ChHttpRoute health_routes[] = {
    { "GET", "/health/live", "getLiveness", CH_HTTP_INLINE, CH_HTTP_PROBE, answer_live,
      CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
    { "GET", "/health/ready", "getReadiness", CH_HTTP_INLINE, CH_HTTP_PROBE, answer_ready,
      CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
};

static const ChHttpRoute admin_routes[] = {
    { "GET", "/health/live", "getLiveness", CH_HTTP_INLINE, CH_HTTP_PROBE, answer_live,
      CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
    { "GET", "/health/ready", "getReadiness", CH_HTTP_INLINE, CH_HTTP_PROBE,
      answer_ready_with_details, CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
    { "GET", "/metrics", "getMetrics", CH_HTTP_INLINE, CH_HTTP_PROBE, answer_metrics,
      CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
};

const ChHttpRouteTable ch_health_routes = {
    .routes = health_routes,
    .routes_n = G_N_ELEMENTS(health_routes),
};

static const ChHttpRouteTable admin_table = {
    .routes = admin_routes,
    .routes_n = G_N_ELEMENTS(admin_routes),
};

ChHttpServer *ch_admin_new(const ChListen *listen, ChHttpCertificate *certificate, ChHealth *health,
                           const ChHttpBinding *more, size_t more_n, GError **error)
{
    ChHttpBinding bindings[1 + CH_ADMIN_MAX_MORE] = {
        { .table = &admin_table, .inline_context = health },
    };
    g_assert(more_n <= CH_ADMIN_MAX_MORE);
    for (size_t i = 0; i < more_n; i++)
        bindings[1 + i] = more[i];
    const ChHttpServerConfig config = {
        .listen = *listen,
        .bindings = bindings,
        .bindings_n = 1 + more_n,
        .certificate = certificate,
        .max_connections = ADMIN_CONNECTIONS,
        .max_body_bytes = ADMIN_BODY_BYTES,
    };
    return ch_http_server_new(&config, error);
}
