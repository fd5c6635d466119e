/* Starts and stops the parts of an API process in order. */
#include "chassis/runtime/api.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/runtime/admin.h"
#include "chassis/runtime/process.h"

enum {
    MAX_WAITING = 4096, /* requests of one queue; more get 503 */
    MAX_BATCH = 512,
};

struct ChApi {
    ChHealth *health;
    ChLaneGroup *lanes;
    GPtrArray *queues; /* ChHttpQueue *, owned */
};

static void free_queue(gpointer queue)
{
    ch_http_queue_free(queue);
}

ChApi *ch_api_new(ChHealth *health)
{
    ChApi *api = g_new0(ChApi, 1);
    api->health = health;
    api->lanes = ch_lane_group_new();
    api->queues = g_ptr_array_new_with_free_func(free_queue);
    return api;
}

void ch_api_free(ChApi *api)
{
    if (api == NULL)
        return;
    ch_lane_group_free(api->lanes);
    g_ptr_array_unref(api->queues);
    g_free(api);
}

ChHttpQueue *ch_api_queue(ChApi *api, const char *name, ChWork *work)
{
    ChHttpQueue *queue = ch_http_queue_new(name, MAX_WAITING);
    g_ptr_array_add(api->queues, queue);
    const ChLaneConfig lane = {
        .name = name,
        .max_batch = MAX_BATCH,
        .source = ch_http_queue_source(queue),
        .work = work,
        .handler = ch_http_queue_handle,
    };
    ch_lane_group_add(api->lanes, &lane);
    return queue;
}

void ch_api_add_lane(ChApi *api, const ChLaneConfig *config)
{
    ch_lane_group_add(api->lanes, config);
}

/* The public routes and those of health. */
static ChHttpServer *new_server(ChApi *api, const ChListen *listen, const ChHttpRoute *routes,
                                size_t n, GError **error)
{
    ChHttpRoute all[CH_HTTP_MAX_ROUTES];
    g_assert(n + CH_HEALTH_ROUTES <= G_N_ELEMENTS(all));
    for (size_t i = 0; i < n; i++)
        all[i] = routes[i];
    ch_health_routes(api->health, all + n);
    const ChHttpServerConfig config = {
        .listen = *listen,
        .routes = all,
        .routes_n = n + CH_HEALTH_ROUTES,
    };
    return ch_http_server_new(&config, error);
}

/* Whoever routes to us is told first; then nothing new is taken, what is in flight is answered, and
 * only then the lanes that answer it end. */
static void stop(ChApi *api, ChHttpServer *server, int64_t timeout_ms)
{
    int64_t deadline_us = ch_time_monotonic_us() + timeout_ms * 1000;
    ch_health_stopping(api->health);
    if (!ch_http_server_drain(server, deadline_us))
        ch_log_warning("some requests were not answered in time");
    ch_http_server_stop(server);
    if (!ch_lane_group_stop(api->lanes, deadline_us))
        ch_process_leave();
}

bool ch_api_run(ChApi *api, const ChApiSettings *settings, const ChHttpRoute *routes, size_t n,
                GError **error)
{
    g_autoptr(ChHttpServer) admin = ch_admin_new(&settings->admin, api->health, NULL, 0, error);
    if (admin == NULL)
        return false;
    g_autoptr(ChHttpServer) server = new_server(api, &settings->listen, routes, n, error);
    if (server == NULL || !ch_http_server_start(admin, error) ||
        !ch_lane_group_start(api->lanes, error) || !ch_http_server_start(server, error))
        return false;
    ch_log_info("ready to serve", CH_STR("host", settings->listen.host),
                CH_INT("port", ch_http_server_port(server)),
                CH_INT("admin_port", ch_http_server_port(admin)));
    ch_process_wait();
    stop(api, server, settings->common.shutdown_timeout_ms);
    ch_log_info("stopped");
    return true;
}
