/* The admin listener that every long-running process has: /health/live, /health/ready, /metrics,
 * and what the process adds for its operators. */
#pragma once

#include "chassis/http/server.h"
#include "chassis/telemetry/health.h"

/** /health/live and /health/ready as an API serves them to the public: which dependency is down,
 * and not why. All inline; their context is the ChHealth. */
extern const ChHttpRouteTable ch_health_routes;

enum {
    CH_ADMIN_MAX_MORE = 4,
};

/** A server with the same that says why, /metrics and more[0..@more_n), not yet started; over TLS
 * with a @certificate. Borrows @health and what a server borrows. Errors: as ch_http_server_new().
 */
CH_MUST_CHECK ChHttpServer *ch_admin_new(const ChListen *listen, ChHttpCertificate *certificate,
                                         ChHealth *health, const ChHttpBinding *more, size_t more_n,
                                         GError **error);
