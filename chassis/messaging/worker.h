/* The lanes of a worker process: subscriptions with their dead letters, the relay, housekeeping,
 * and whatever lanes the service adds. A main.c reads as the list of them. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/core/lane_group.h"
#include "chassis/messaging/subscription.h"
#include "chassis/telemetry/health.h"

typedef struct ChWorker ChWorker;

/** Texts are borrowed and must outlive the worker. */
typedef struct {
    const char *process; /* "order-worker": names its connections, and app_id of its messages */
    const char *database_url;
    const char *amqp_url;
    const char *exchange; /* that its service publishes to; NULL: none */
    int schema_version;   /* number of the service's migrations */
    ChQueueType queue_type;
    int64_t inbox_retention_ms;
} ChWorkerConfig;

/** Borrows @health. */
ChWorker *ch_worker_new(const ChWorkerConfig *config, ChHealth *health);

/** A database connection for one lane; belongs to the worker. */
ChPg *ch_worker_connection(ChWorker *worker);

/** A lane that consumes a queue on @pg, and one that stores its dead letters. */
void ch_worker_subscribe(ChWorker *worker, ChPg *pg, const ChSubscriptionConfig *config);

/** A lane that publishes the outbox. */
void ch_worker_relay(ChWorker *worker);

/** A lane that measures the outbox and prunes the inbox. */
void ch_worker_housekeeping(ChWorker *worker);

/** A lane of the service's own. */
void ch_worker_add_lane(ChWorker *worker, const ChLaneConfig *config);

/** Keeps @object until the lanes have ended, then frees it with @destroy, last come first. */
void ch_worker_own(ChWorker *worker, void *object, GDestroyNotify destroy);

/** Starts the lanes and the admin listener, waits for SIGTERM, then stops the lanes after the
 * batches they are on. Main thread. When they do not end within @shutdown_timeout_ms the process
 * ends here. Errors: CONFIG (the address), UNAVAILABLE (threads). */
CH_MUST_CHECK bool ch_worker_run(ChWorker *worker, const ChListen *admin,
                                 int64_t shutdown_timeout_ms, GError **error);

/** NULL is fine. */
void ch_worker_free(ChWorker *worker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChWorker, ch_worker_free)
