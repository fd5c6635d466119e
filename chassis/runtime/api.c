/* Starts and stops the parts of an API process in order. */
#include "chassis/runtime/api.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/postgres/work.h"
#include "chassis/runtime/admin.h"
#include "chassis/runtime/audit.h"
#include "chassis/runtime/process.h"
#include "chassis/runtime/start_database.h"

enum {
    MAX_WAITING = 4096, /* requests of one lane; more get 503 */
};

struct ChApi {
    const ChHttpRouteTable *routes;
    const ChDocument *document;
    ChHealth *health;
    ChLaneGroup *threads;
    ChAuth *auth; /* from the run on, as are the next three */
    ChHttpLimits *limits;
    ChTraces *traces;
    ChHttpCertificate *certificate; /* NULL: plain HTTP */
    ChHttpLane **lanes;             /* owned; as the table names them; NULL: not bound yet */
    ChHttpWaits *waits;             /* NULL: nobody waits */
    ChStartDatabase *start;         /* NULL: nobody looks */
};

bool ch_api_check(const void *settings, GError **error)
{
    const ChApiSettings *api = settings;
    g_autoptr(ChHttpProxies) proxies = ch_http_proxies_new(api->trusted_proxies, error);
    if (proxies == NULL)
        return false;
    g_autoptr(ChHttpOrigins) origins = ch_http_origins_new(api->cors_origins, error);
    return origins != NULL && ch_tls_check(&api->tls, error) &&
           ch_auth_check(&api->auth, &api->listen, error) && ch_limits_check(&api->limits, error) &&
           ch_traces_check(&api->traces, error);
}

ChApi *ch_api_new(const ChHttpRouteTable *routes, const ChDocument *document, ChHealth *health)
{
    ChApi *api = g_new0(ChApi, 1);
    api->routes = routes;
    api->document = document;
    api->health = health;
    api->threads = ch_lane_group_new();
    api->lanes = g_new0(ChHttpLane *, routes->lanes_n);
    return api;
}

void ch_api_free(ChApi *api)
{
    if (api == NULL)
        return;
    ch_lane_group_free(api->threads);
    ch_start_database_free(api->start);
    ch_traces_free(api->traces);
    ch_auth_free(api->auth);
    ch_http_limits_free(api->limits);
    ch_http_certificate_free(api->certificate);
    for (size_t i = 0; i < api->routes->lanes_n; i++)
        ch_http_lane_free(api->lanes[i]);
    g_free(api->lanes);
    g_free(api);
}

ChPg *ch_api_connection(const ChPgConfig *session, ChHealth *health, bool read_only)
{
    ChPgConfig config = *session;
    config.read_only = read_only;
    config.on_demand = health == NULL;
    config.health = health == NULL ? NULL : ch_health_part(health, "postgres");
    return ch_pg_new(&config);
}

void ch_api_lane(ChApi *api, int lane, size_t max_batch, ChPg *pg, const char *type, void *context)
{
    g_assert(lane >= 0 && (size_t)lane < api->routes->lanes_n && api->lanes[lane] == NULL);
    const char *name = api->routes->lanes[lane].name;
    g_assert_cmpstr(type, ==, api->routes->lanes[lane].context);
    api->lanes[lane] = ch_http_lane_new(name, MAX_WAITING, context);
    ChSource *source = ch_http_lane_source(api->lanes[lane]);
    const ChLaneConfig thread = {
        .name = name,
        .max_batch = max_batch,
        .source = source,
        .work = ch_pg_work(pg),
        .handler = ch_http_lane_run,
        .context = source,
    };
    ch_lane_group_add(api->threads, &thread);
    if (!ch_pg_reads_only(pg))
        ch_http_lane_set_recorder(api->lanes[lane], ch_audit_record, pg);
}

void ch_api_gate(ChApi *api, int lane, ChHttpGate gate, void *context)
{
    ch_http_lane_set_gate(api->lanes[lane], gate, context);
}

void ch_api_waits(ChApi *api, ChHttpWaits *waits, ChPg *pg)
{
    g_assert(api->waits == NULL);
    api->waits = waits;
    const ChLaneConfig thread = {
        .name = "waits",
        .max_batch = CH_API_BATCH,
        .source = ch_http_waits_source(waits),
        .work = ch_pg_work(pg),
        .handler = ch_http_waits_run,
        .context = waits,
    };
    ch_lane_group_add(api->threads, &thread);
}

void ch_api_look_at_database(ChApi *api, const ChPgConfig *session)
{
    g_assert(api->start == NULL);
    api->start = ch_start_database_new(session);
    const ChLaneConfig thread = ch_start_database_lane(api->start);
    ch_lane_group_add(api->threads, &thread);
}

void ch_api_add_lane(ChApi *api, const ChLaneConfig *config)
{
    ch_lane_group_add(api->threads, config);
}

/* Before the lanes run: who may ask them, and how often. */
static bool ask_who_asks(ChApi *api, const ChApiSettings *settings, GError **error)
{
    api->auth = ch_auth_new(&settings->auth, api->routes->scopes, api->health, api->threads, error);
    if (api->auth == NULL)
        return false;
    api->limits = ch_limits_new(&settings->limits);
    for (size_t i = 0; i < api->routes->lanes_n; i++)
        ch_http_lane_set_access(api->lanes[i], ch_auth_identity(api->auth), api->limits);
    return true;
}

/* The public routes, their description, and those of health. */
static ChHttpServer *new_server(const ChApi *api, const ChListen *listen,
                                const ChHttpProxies *proxies, const ChHttpOrigins *origins,
                                GError **error)
{
    const ChHttpBinding bindings[] = {
        { .table = api->routes, .lanes = api->lanes },
        { .table = &ch_document_routes, .inline_context = (void *)api->document },
        { .table = &ch_health_routes, .inline_context = api->health },
    };
    const ChHttpServerConfig config = {
        .listen = *listen,
        .bindings = bindings,
        .bindings_n = G_N_ELEMENTS(bindings),
        .proxies = proxies,
        .origins = origins,
        .certificate = api->certificate,
    };
    return ch_http_server_new(&config, error);
}

/* Whoever routes to us is told first; then nothing new is taken, what is in flight is answered, and
 * only then the lanes that answer it end. */
static void stop(ChApi *api, ChHttpServer *server, int64_t timeout_ms)
{
    int64_t deadline_us = ch_time_monotonic_us() + timeout_ms * 1000;
    ch_health_stopping(api->health);
    if (api->waits != NULL)
        ch_http_waits_end(api->waits);
    if (!ch_http_server_drain(server, deadline_us))
        ch_log_warning("some requests were not answered in time");
    ch_http_server_stop(server);
    if (!ch_lane_group_stop(api->threads, deadline_us))
        ch_process_leave();
    ch_traces_stop(api->traces, deadline_us);
}

/* What is said once the API does its work. */
typedef struct {
    const char *host;
    unsigned port;
    unsigned admin_port;
} Served;

static void log_ready(void *context)
{
    const Served *served = context;
    ch_log_info("ready to serve", CH_STR("host", served->host), CH_INT("port", served->port),
                CH_INT("admin_port", served->admin_port));
}

bool ch_api_run(ChApi *api, const ChApiSettings *settings, GError **error)
{
    api->traces = ch_traces_start(&settings->traces, ch_log_process(), error);
    if (api->traces == NULL)
        return false;
    g_autoptr(ChHttpProxies) proxies = ch_http_proxies_new(settings->trusted_proxies, error);
    if (proxies == NULL || !ask_who_asks(api, settings, error) ||
        !ch_tls_open(&settings->tls, api->threads, &api->certificate, error))
        return false;
    g_autoptr(ChHttpOrigins) origins = ch_http_origins_new(settings->cors_origins, error);
    if (origins == NULL)
        return false;
    g_autoptr(ChHttpServer) admin =
        ch_admin_new(&settings->admin, api->certificate, api->health, NULL, 0, error);
    if (admin == NULL)
        return false;
    g_autoptr(ChHttpServer) server = new_server(api, &settings->listen, proxies, origins, error);
    if (server == NULL || !ch_http_server_start(admin, error) ||
        !ch_lane_group_start(api->threads, error) || !ch_http_server_start(server, error))
        return false;
    Served served = { settings->listen.host, ch_http_server_port(server),
                      ch_http_server_port(admin) };
    ch_health_when_ready(api->health, log_ready, &served);
    ch_process_wait_and_remind(ch_auth_reminder(api->auth));
    ch_health_when_ready(api->health, NULL, NULL);
    stop(api, server, settings->common.shutdown_timeout_ms);
    ch_log_info("stopped");
    return true;
}
