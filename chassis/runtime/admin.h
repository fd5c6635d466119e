/* The admin listener that every long-running process has: /health/live, /health/ready, /metrics,
 * and what the process adds for its operators. */
#pragma once

#include "chassis/http/server.h"
#include "chassis/telemetry/health.h"

enum {
    CH_HEALTH_ROUTES = 2
};

/** Fills routes[0..CH_HEALTH_ROUTES-1] with /health/live and /health/ready, for an API's public
 * server. */
void ch_health_routes(ChHealth *health, ChHttpRoute routes[CH_HEALTH_ROUTES]);

/** A server with these, /metrics and routes[0..n), not yet started. Borrows @health. Errors: as
 * ch_http_server_new(). */
CH_MUST_CHECK ChHttpServer *ch_admin_new(const ChListen *listen, ChHealth *health,
                                         const ChHttpRoute *routes, size_t n, GError **error);
