/* The lanes of a worker process: subscriptions with their dead letters, the relay, housekeeping,
 * and whatever lanes the service adds. A main.c reads as the list of them. */
#pragma once

#include "chassis/core/control.h"
#include "chassis/core/lane_group.h"
#include "chassis/http/route.h"
#include "chassis/messaging/auditor.h"
#include "chassis/messaging/subscription.h"
#include "chassis/rabbitmq/broker.h"
#include "chassis/runtime/operators.h"
#include "chassis/runtime/settings.h"
#include "chassis/runtime/tls.h"
#include "chassis/runtime/traces.h"
#include "chassis/telemetry/health.h"

typedef struct ChWorker ChWorker;

/** The settings that every worker has. Embed first in a worker's struct of settings, so that its
 * offsets are these. */
typedef struct {
    ChConfigCommon common;
    ChAmqpConfig amqp;
    ChListen admin;
    int queue_type;   /* ChQueueType */
    int broker_shape; /* ChShape */
    int64_t inbox_retention_ms;
    int64_t auditor_lap_ms;
    ChOutcomesPace outcomes;       /* zero, where nothing is told */
    ChOperatorsSettings operators; /* who may act on dead letters */
    ChTlsSettings tls;
    ChTraceSettings traces;
} ChWorkerSettings;

/* clang-format off */
#define CH_WORKER_KEYS(admin_default)                                                              \
    CH_CONFIG_COMMON_KEYS,                                                                         \
    CH_AMQP_KEYS(ChWorkerSettings, amqp),                                                          \
    CH_CONFIG_KEY("ADMIN_LISTEN", CH_CONFIG_LISTEN, ChWorkerSettings, admin, admin_default,        \
                  "health, metrics and dead letters", NULL),                                       \
    CH_CONFIG_KEY("QUEUE_TYPE", CH_CONFIG_CHOICE, ChWorkerSettings, queue_type, "quorum",          \
                  "type of the queues it declares", CH_QUEUE_TYPES),                               \
    CH_CONFIG_KEY("BROKER_SHAPE", CH_CONFIG_CHOICE, ChWorkerSettings, broker_shape, "cartwheel",   \
                  "how it declares the queues that .NET services declare too", CH_SHAPES),         \
    CH_CONFIG_KEY("INBOX_RETENTION", CH_CONFIG_DURATION, ChWorkerSettings, inbox_retention_ms,     \
                  "30d", "how long events are remembered; as long as dead letters may be replayed",\
                  NULL),                                                                           \
    CH_CONFIG_KEY("AUDITOR_LAP", CH_CONFIG_DURATION, ChWorkerSettings, auditor_lap_ms, "30s",      \
                  "how long the auditor rests between two looks at everything", NULL),             \
    CH_OPERATORS_KEYS(ChWorkerSettings, operators),               \
    CH_TLS_KEYS(ChWorkerSettings, tls),                                                            \
    CH_TRACES_KEYS(ChWorkerSettings, traces)

/** And those of a worker that tells the order service of outcomes. */
#define CH_OUTCOMES_KEYS                                                                           \
    CH_CONFIG_KEY("AUDITOR_DIGESTS", CH_CONFIG_DURATION, ChWorkerSettings, outcomes.period_ms,     \
                  "1m", "how often orders' outcomes are told to the order service", NULL),         \
    CH_CONFIG_KEY("AUDITOR_SETTLED_AFTER", CH_CONFIG_DURATION, ChWorkerSettings,                   \
                  outcomes.settled_after_ms, "2m",                                                 \
                  "how old a change has to be for the order service to miss its effect here", NULL)
/* clang-format on */

typedef struct {
    const char *process;  /* "order-worker": names its connections */
    const char *service;  /* "order": app_id of its messages */
    const char *exchange; /* that its service publishes to; NULL: none */
    size_t migrations;    /* how many its service has: the version of its schema */
    const char *subject;  /* member of the Data of its events by which dead letters can be found, a
                           * UUID; NULL: none */
} ChWorkerIdentity;

/** A ChProcessStep: checks what a ChWorkerSettings says together. Errors: CONFIG. */
bool ch_worker_check(const void *settings, GError **error);

/** Borrows all three for its life. */
ChWorker *ch_worker_new(const ChWorkerIdentity *identity, const ChWorkerSettings *settings,
                        ChHealth *health);

/** A database connection for one lane; belongs to the worker. */
ChPg *ch_worker_connection(ChWorker *worker);

/** The same for a lane that seldom has work: open while there is some (ChPgConfig's on_demand). */
ChPg *ch_worker_connection_on_demand(ChWorker *worker);

/** What operators may pause by @name (borrowed); belongs to the worker, whose housekeeping reads
 * how it stands. */
ChControl *ch_worker_control(ChWorker *worker, const char *name, ChControlKind kind);

/** A lane that consumes a queue on @pg, and one that stores its dead letters. Operators may pause
 * the first by the queue's name. */
void ch_worker_subscribe(ChWorker *worker, ChPg *pg, const ChSubscriptionConfig *config);

/** The admin API for the dead letters of consumers[0..n), and its lane on @pg. Their contexts are
 * those of that lane. Copies them; once. */
void ch_worker_serve_dead_letters(ChWorker *worker, ChPg *pg, const ChSubscriptionConfig *consumers,
                                  size_t n);

/** A lane on @pg that carries out the replay jobs of the service, with the same; before
 * ch_worker_housekeeping(), which looks for jobs. */
void ch_worker_replay(ChWorker *worker, ChPg *pg, const ChSubscriptionConfig *consumers, size_t n);

/** What else operators may do: @table, which has one lane, on the admin listener. @context: of its
 * handlers, on that lane with @pg. */
void ch_worker_serve(ChWorker *worker, ChPg *pg, const ChHttpRouteTable *table, void *context);

/** A lane that publishes the outbox. Operators may pause it as "<service>.relay". */
void ch_worker_relay(ChWorker *worker);

/** A lane that reads what is paused, measures the outbox, prunes the inbox, and tells where the
 * audit log stands. Once; without it nothing runs that may be paused. */
void ch_worker_housekeeping(ChWorker *worker);

/** A lane that looks again and again at what always has to be true: the chain of the audit log, and
 * the service's own @checks (copied). Once. It tells the order service of @outcomes (borrowed;
 * NULL: there are none to tell). The auditor belongs to the worker. */
ChAuditor *ch_worker_audit(ChWorker *worker, const ChAuditorCheck *checks, size_t n,
                           const ChOutcomes *outcomes);

/** A lane of the service's own. */
void ch_worker_add_lane(ChWorker *worker, const ChLaneConfig *config);

/** Who may operate it; belongs to the worker. */
ChOperators *ch_worker_operators(ChWorker *worker);

/** Keeps @object until the lanes have ended, then frees it with @destroy, last come first. */
void ch_worker_own(ChWorker *worker, void *object, GDestroyNotify destroy);

/** Starts the lanes and the admin listener, waits for SIGTERM, then stops the lanes after the
 * batches they are on. Main thread. When they do not end within SHUTDOWN_TIMEOUT the process ends
 * here. Errors: CONFIG (the address), UNAVAILABLE (threads). */
CH_MUST_CHECK bool ch_worker_run(ChWorker *worker, GError **error);

/** NULL is fine. */
void ch_worker_free(ChWorker *worker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChWorker, ch_worker_free)
