/* An API process: its public server, the admin listener, and the lanes that answer.
 * A main.c reads as the list of its lanes and routes. */
#pragma once

#include "chassis/core/lane_group.h"
#include "chassis/http/queue.h"
#include "chassis/http/router.h"
#include "chassis/runtime/settings.h"
#include "chassis/telemetry/health.h"

typedef struct ChApi ChApi;

/** The settings that every API has. Embed first in an API's struct of settings, so that its offsets
 * are these. */
typedef struct {
    ChConfigCommon common;
    ChListen listen; /* where clients come */
    ChListen admin;  /* where operators come */
} ChApiSettings;

/* clang-format off */
#define CH_API_KEYS(listen_default, admin_default)                                                 \
    CH_CONFIG_COMMON_KEYS,                                                                         \
    CH_CONFIG_KEY("HTTP_LISTEN", CH_CONFIG_LISTEN, ChApiSettings, listen, listen_default,          \
                  "where clients come", NULL),                                                     \
    CH_CONFIG_KEY("ADMIN_LISTEN", CH_CONFIG_LISTEN, ChApiSettings, admin, admin_default,           \
                  "health and metrics", NULL)
/* clang-format on */

/** Borrows @health. */
ChApi *ch_api_new(ChHealth *health);

/** A queue for routes and the lane that serves it with @work (borrowed); both belong to the API.
 * @name is a constant. */
ChHttpQueue *ch_api_queue(ChApi *api, const char *name, ChWork *work);

/** A lane of the service's own. */
void ch_api_add_lane(ChApi *api, const ChLaneConfig *config);

/** Serves @routes (@n of them, and /health/live and /health/ready) until SIGTERM, then answers what
 * is in flight and ends the lanes. Main thread. When the lanes do not end in time the process ends
 * here. Errors: CONFIG (an address), UNAVAILABLE (threads). */
CH_MUST_CHECK bool ch_api_run(ChApi *api, const ChApiSettings *settings, const ChHttpRoute *routes,
                              size_t n, GError **error);

/** NULL is fine. */
void ch_api_free(ChApi *api);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChApi, ch_api_free)
