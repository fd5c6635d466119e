/* Health and metrics over HTTP. */
#include "chassis/runtime/admin.h"

#include "chassis/telemetry/metrics.h"

enum {
    ADMIN_CONNECTIONS = 64, /* probes and scrapers, a few each */
    ADMIN_BODY_BYTES = 16 * 1024,
    OWN_ROUTES = CH_HEALTH_ROUTES + 1,
};

static bool answer_live(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)context;
    (void)error;
    for (size_t i = 0; i < n; i++)
        ch_http_respond_json(requests[i], 200, g_string_new("{\"status\":\"live\"}"));
    return true;
}

static bool answer_ready(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)error;
    for (size_t i = 0; i < n; i++) {
        bool ready = false;
        GString *json = ch_health_render(context, &ready);
        ch_http_respond_json(requests[i], ready ? 200 : 503, json);
    }
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

void ch_health_routes(ChHealth *health, ChHttpRoute routes[CH_HEALTH_ROUTES])
{
    routes[0] = (ChHttpRoute){ .method = "GET", .pattern = "/health/live", .handler = answer_live };
    routes[1] = (ChHttpRoute){
        .method = "GET", .pattern = "/health/ready", .handler = answer_ready, .context = health
    };
}

ChHttpServer *ch_admin_new(const ChListen *listen, ChHealth *health, const ChHttpRoute *routes,
                           size_t n, GError **error)
{
    ChHttpRoute all[CH_HTTP_MAX_ROUTES];
    g_assert(n + OWN_ROUTES <= G_N_ELEMENTS(all));
    ch_health_routes(health, all);
    all[CH_HEALTH_ROUTES] =
        (ChHttpRoute){ .method = "GET", .pattern = "/metrics", .handler = answer_metrics };
    for (size_t i = 0; i < n; i++)
        all[OWN_ROUTES + i] = routes[i];
    ChHttpServerConfig config = {
        .listen = *listen,
        .routes = all,
        .routes_n = OWN_ROUTES + n,
        .max_connections = ADMIN_CONNECTIONS,
        .max_body_bytes = ADMIN_BODY_BYTES,
    };
    return ch_http_server_new(&config, error);
}
