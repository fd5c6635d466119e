/* An API process: its public server, the admin listener, and the lanes that answer.
 * A main.c reads as the list of its lanes. */
#pragma once

#include "chassis/core/lane_group.h"
#include "chassis/http/lane.h"
#include "chassis/http/waits.h"
#include "chassis/postgres/connection.h"
#include "chassis/runtime/auth.h"
#include "chassis/runtime/document.h"
#include "chassis/runtime/limits.h"
#include "chassis/runtime/settings.h"
#include "chassis/runtime/tls.h"
#include "chassis/runtime/traces.h"

typedef struct ChApi ChApi;

/** The settings that every API has. Embed first in an API's struct of settings, so that its offsets
 * are these. */
typedef struct {
    ChConfigCommon common;
    ChListen listen; /* where clients come */
    ChListen admin;  /* where operators come */
    char *trusted_proxies;
    char *cors_origins;
    ChTlsSettings tls;
    ChAuthSettings auth;
    ChLimitSettings limits;
    ChTraceSettings traces;
    int64_t inbox_retention_ms;
} ChApiSettings;

/* clang-format off */
#define CH_API_KEYS(listen_default, admin_default)                                                 \
    CH_CONFIG_COMMON_KEYS,                                                                         \
    CH_CONFIG_KEY("HTTP_LISTEN", CH_CONFIG_LISTEN, ChApiSettings, listen, listen_default,          \
                  "where clients come", NULL),                                                     \
    CH_CONFIG_KEY("ADMIN_LISTEN", CH_CONFIG_LISTEN, ChApiSettings, admin, admin_default,           \
                  "health and metrics", NULL),                                                     \
    CH_CONFIG_KEY("TRUSTED_PROXIES", CH_CONFIG_TEXT, ChApiSettings, trusted_proxies, "",           \
                  "addresses and networks of proxies whose Forwarded or X-Forwarded-For counts",   \
                  NULL),                                                                           \
    CH_CONFIG_KEY("CORS_ORIGINS", CH_CONFIG_TEXT, ChApiSettings, cors_origins, "",                 \
                  "origins whose pages may call the API from a browser", NULL),                    \
    CH_TLS_KEYS(ChApiSettings, tls),                                                               \
    CH_AUTH_KEYS(ChApiSettings, auth),                                                             \
    CH_LIMIT_KEYS(ChApiSettings, limits),                                                          \
    CH_TRACES_KEYS(ChApiSettings, traces),                                                         \
    CH_CONFIG_KEY("INBOX_RETENTION", CH_CONFIG_DURATION, ChApiSettings, inbox_retention_ms, "30d", \
                  "the worker's: older dead letters may not be edited", NULL)
/* clang-format on */

/** A ChProcessStep: what the settings of an API (a ChApiSettings first) say together. */
CH_MUST_CHECK bool ch_api_check(const void *settings, GError **error);

/** Serves @routes, what describes them (@document), and /health/live and /health/ready. Borrows
 * all. */
ChApi *ch_api_new(const ChHttpRouteTable *routes, const ChDocument *document, ChHealth *health);

/** How many requests a lane takes at once. */
enum {
    CH_API_BATCH = 512, /* each is about one thing, with an answer of some KiB */
    /* The largest list, 100 orders of 100 items, takes 3 MiB while it is made: 0.5 MiB of rows,
     * 0.3 MiB of structs, up to 2 MiB of JSON. */
    CH_API_LIST_BATCH = 4,
};

/** A session for one lane as @session says (url, application name, schema version), which may do no
 * more than read when @read_only is set. @health NULL: for a lane that seldom has work, on demand
 * (chassis/postgres/connection.h). */
ChPg *ch_api_connection(const ChPgConfig *session, ChHealth *health, bool read_only);

/** Binds @lane of the table: its routes are answered by a thread of their own, which takes
 * @max_batch requests at most, in transactions on @pg, and whose handlers get @context (both
 * borrowed). Each lane once. What the requests change is put on record unless @pg can only read.
 * @type and @context: CH_API_CONTEXT(), of the type that the table names. */
void ch_api_lane(ChApi *api, int lane, size_t max_batch, ChPg *pg, const char *type, void *context);

/** A context with its type, which the compiler checks here and ch_api_lane() against the table: a
 * store that writes cannot be bound to a lane that reads. */
#define CH_API_CONTEXT(type, context) #type, (1 ? (context) : (type *)NULL)

/** Asks @gate before a request to a gated route of @lane, which is bound, may wait. */
void ch_api_gate(ChApi *api, int lane, ChHttpGate gate, void *context);

/** The requests that handlers leave to @waits (borrowed; once) are looked at by a thread of their
 * own, with @pg. */
void ch_api_waits(ChApi *api, ChHttpWaits *waits, ChPg *pg);

/** Looks at the database once, when it is there, and warns of what is not as it has to be
 * (start_warning.h). @session: as ch_api_connection()'s. */
void ch_api_look_at_database(ChApi *api, const ChPgConfig *session);

/** A lane of the service's own, for no routes. */
void ch_api_add_lane(ChApi *api, const ChLaneConfig *config);

/** Serves until SIGTERM, then answers what is in flight and ends the lanes; each lane that a route
 * names is bound. Main thread. When the lanes do not end in time the process ends here.
 * Errors: CONFIG (an address), UNAVAILABLE (threads). */
CH_MUST_CHECK bool ch_api_run(ChApi *api, const ChApiSettings *settings, GError **error);

/** NULL is fine. */
void ch_api_free(ChApi *api);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChApi, ch_api_free)
