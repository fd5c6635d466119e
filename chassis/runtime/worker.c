/* Makes the parts of each lane and keeps them in the order in which they can be freed. */
#include "chassis/runtime/worker.h"

#include "chassis/audit/audit_chain.h"
#include "chassis/core/log.h"
#include "chassis/core/ticker.h"
#include "chassis/core/time.h"
#include "chassis/messaging/auditor.h"
#include "chassis/messaging/controls.h"
#include "chassis/messaging/dead_letters.h"
#include "chassis/messaging/housekeeping.h"
#include "chassis/messaging/relay.h"
#include "chassis/messaging/replay_job_run.h"
#include "chassis/postgres/connection.h"
#include "chassis/postgres/work.h"
#include "chassis/rabbitmq/broker_check.h"
#include "chassis/runtime/admin.h"
#include "chassis/runtime/audit.h"
#include "chassis/runtime/dead_letter_api.h"
#include "chassis/runtime/process.h"
#include "chassis/runtime/start_database.h"

#include <string.h>

enum {
    PREFETCH = 512,            /* messages on their way to a consumer lane, and its largest batch */
    DEAD_LETTER_PREFETCH = 32, /* they may be large */
    RELAY_PERIOD_MS = 50,      /* of its first ticks: then it says itself when the next one comes */
    HOUSEKEEPING_PERIOD_MS = 400, /* with LOOK_MS of a lane: a pause is obeyed within a second */
    AUDITOR_PERIOD_MS = 1000, /* of its first tick: then it says itself when the next one comes */
    ADMIN_BATCH = 1, /* action on a dead letter in a transaction: each locks one, in no order */
    JOBS_PERIOD_MS = 60 * 60 * 1000, /* never: housekeeping rings */
    ADMIN_WAITING = 64,              /* as many as the admin listener has connections */
};

typedef struct {
    void *object;
    GDestroyNotify destroy;
} Owned;

struct ChWorker {
    const ChWorkerIdentity *identity;
    const ChWorkerSettings *settings;
    ChHealth *health;
    ChLaneGroup *lanes;
    ChTraces *traces;       /* from the run on */
    ChTicker *relay_ticker; /* owned with the others; rung when messages were committed */
    ChTicker *jobs_ticker;  /* the same; rung when there are letters to replay; NULL: not here */
    GArray *owned;          /* Owned, in the order they were made */
    GArray *served;         /* ChHttpBinding: for operators, beside health and metrics */
    ChOperators *operators; /* owned */
    ChControls *controls;   /* owned */
};

/* For ch_worker_own(). */
#define FREES(name, free_function)                                                                 \
    static void name(gpointer object)                                                              \
    {                                                                                              \
        free_function(object);                                                                     \
    }
FREES(free_ticker, ch_ticker_free)
FREES(free_auditor, ch_auditor_free)
FREES(free_teller, ch_outcomes_teller_free)
FREES(free_controls, ch_controls_free)
FREES(free_operators, ch_operators_free)
FREES(free_pg, ch_pg_free)
FREES(free_consumer, ch_consumer_free)
FREES(free_publisher, ch_publisher_free)
FREES(free_subscription, ch_subscription_free)
FREES(free_dead_letters, ch_dead_letters_free)
FREES(free_http_lane, ch_http_lane_free)
FREES(free_dead_letter_api, ch_dead_letter_api_free)
FREES(free_relay, ch_relay_free)
FREES(free_job_run, ch_replay_job_run_free)
FREES(free_housekeeping, ch_housekeeping_free)
FREES(free_start, ch_start_database_free)
FREES(free_certificate, ch_http_certificate_free)

void ch_worker_own(ChWorker *worker, void *object, GDestroyNotify destroy)
{
    Owned owned = { object, destroy };
    g_array_append_val(worker->owned, owned);
}

bool ch_worker_check(const void *opaque, GError **error)
{
    const ChWorkerSettings *settings = opaque;
    return ch_amqp_check_config(&settings->amqp, error) &&
           ch_operators_check(&settings->operators, error) && ch_tls_check(&settings->tls, error) &&
           ch_traces_check(&settings->traces, error);
}

ChWorker *ch_worker_new(const ChWorkerIdentity *identity, const ChWorkerSettings *settings,
                        ChHealth *health)
{
    ChWorker *worker = g_new0(ChWorker, 1);
    worker->identity = identity;
    worker->settings = settings;
    worker->health = health;
    worker->lanes = ch_lane_group_new();
    worker->owned = g_array_new(FALSE, FALSE, sizeof(Owned));
    worker->served = g_array_new(FALSE, FALSE, sizeof(ChHttpBinding));
    worker->relay_ticker = ch_ticker_new(RELAY_PERIOD_MS);
    ch_worker_own(worker, worker->relay_ticker, free_ticker);
    worker->operators = ch_operators_new(&settings->operators);
    ch_worker_own(worker, worker->operators, free_operators);
    worker->controls = ch_controls_new(health);
    ch_worker_own(worker, worker->controls, free_controls);
    return worker;
}

void ch_worker_free(ChWorker *worker)
{
    if (worker == NULL)
        return;
    ch_lane_group_free(worker->lanes);
    ch_traces_free(worker->traces);
    for (guint i = worker->owned->len; i > 0; i--) {
        const Owned *owned = &g_array_index(worker->owned, Owned, i - 1);
        owned->destroy(owned->object);
    }
    g_array_unref(worker->owned);
    g_array_unref(worker->served);
    g_free(worker);
}

/* A lane has committed messages to be published. */
static void ring_relay(void *ticker)
{
    ch_ticker_ring(ticker);
}

static ChPgConfig session_of(const ChWorker *worker)
{
    return (ChPgConfig){
        .url = worker->settings->common.database_url,
        .application_name = worker->identity->process,
        .schema_version = (int)worker->identity->migrations,
    };
}

static ChPg *new_connection(ChWorker *worker, bool on_demand)
{
    ChPgConfig config = session_of(worker);
    config.on_demand = on_demand;
    config.health = on_demand ? NULL : ch_health_part(worker->health, "postgres");
    config.announce = ring_relay;
    config.announce_context = worker->relay_ticker;
    ChPg *pg = ch_pg_new(&config);
    ch_worker_own(worker, pg, free_pg);
    return pg;
}

ChPg *ch_worker_connection(ChWorker *worker)
{
    return new_connection(worker, false);
}

ChPg *ch_worker_connection_on_demand(ChWorker *worker)
{
    return new_connection(worker, true);
}

ChControl *ch_worker_control(ChWorker *worker, const char *name, ChControlKind kind)
{
    return ch_controls_add(worker->controls, name, kind);
}

/* A consumer of the queue named @name: @queue itself, or its dead letters. */
static ChConsumer *new_consumer(ChWorker *worker, const char *name, const ChQueue *queue,
                                int prefetch)
{
    const ChConsumerConfig config = {
        .broker = &worker->settings->amqp,
        .name = worker->identity->process,
        .app_id = worker->identity->service,
        .queue_name = name,
        .queue = queue,
        .dead_letters = name != queue->name,
        .kind = { (ChShape)worker->settings->broker_shape,
                  (ChQueueType)worker->settings->queue_type },
        .prefetch = prefetch,
        .health = ch_health_part(worker->health, "rabbitmq"),
    };
    ChConsumer *consumer = ch_consumer_new(&config);
    ch_worker_own(worker, consumer, free_consumer);
    return consumer;
}

static void store_dead_letters(ChWorker *worker, const ChQueue *queue)
{
    char name[CH_QUEUE_NAME_BYTES];
    ch_queue_dead_letter_name(queue->name, name);
    char *owned_name = g_strdup(name);
    ch_worker_own(worker, owned_name, g_free);
    ChPg *pg = ch_worker_connection(worker);
    ChConsumer *consumer = new_consumer(worker, owned_name, queue, DEAD_LETTER_PREFETCH);
    ChDeadLetters *dead_letters =
        ch_dead_letters_new(queue->name, worker->identity->subject, pg, consumer);
    ch_worker_own(worker, dead_letters, free_dead_letters);
    const ChLaneConfig lane = {
        .name = owned_name,
        .max_batch = DEAD_LETTER_PREFETCH,
        .stack_bytes = CH_CONSUMER_STACK_BYTES,
        .source = ch_dead_letters_source(dead_letters),
        .work = ch_pg_work(pg),
        .handler = ch_dead_letters_run,
        .context = dead_letters,
    };
    ch_lane_group_add(worker->lanes, &lane);
}

void ch_worker_subscribe(ChWorker *worker, ChPg *pg, const ChSubscriptionConfig *config)
{
    ChConsumer *consumer = new_consumer(worker, config->queue->name, config->queue, PREFETCH);
    ChSubscription *subscription = ch_subscription_new(config, pg, consumer);
    ch_worker_own(worker, subscription, free_subscription);
    const ChLaneConfig lane = {
        .name = config->queue->name,
        .max_batch = PREFETCH,
        .stack_bytes = CH_CONSUMER_STACK_BYTES,
        .source = ch_subscription_source(subscription),
        .work = ch_pg_work(pg),
        .handler = ch_subscription_run,
        .context = subscription,
        .control = ch_worker_control(worker, config->queue->name, CH_CONTROL_CONSUMER),
    };
    ch_lane_group_add(worker->lanes, &lane);
    store_dead_letters(worker, config->queue);
}

/* The lane of @requests, for operators. */
static void add_admin_lane(ChWorker *worker, ChPg *pg, const char *name, ChHttpLane *requests)
{
    ch_http_lane_set_recorder(requests, ch_audit_record, pg);
    ChSource *source = ch_http_lane_source(requests);
    const ChLaneConfig lane = {
        .name = name,
        .max_batch = ADMIN_BATCH,
        .source = source,
        .work = ch_pg_work(pg),
        .handler = ch_http_lane_run,
        .context = source,
    };
    ch_lane_group_add(worker->lanes, &lane);
}

ChOperators *ch_worker_operators(ChWorker *worker)
{
    return worker->operators;
}

void ch_worker_serve_dead_letters(ChWorker *worker, ChPg *pg, const ChSubscriptionConfig *consumers,
                                  size_t n)
{
    const ChDeadLetterAdmin admin = {
        .pg = pg,
        .consumers = consumers,
        .consumers_n = n,
        .inbox_retention_ms = worker->settings->inbox_retention_ms,
    };
    ChDeadLetterApi *api = ch_dead_letter_api_new(&admin, worker->operators);
    ch_worker_own(worker, api, free_dead_letter_api);
    const ChHttpBinding binding = ch_dead_letter_api_binding(api);
    g_array_append_val(worker->served, binding);
    add_admin_lane(worker, pg, "dead letters", ch_dead_letter_api_lane(api));
}

void ch_worker_replay(ChWorker *worker, ChPg *pg, const ChSubscriptionConfig *consumers, size_t n)
{
    const ChDeadLetterAdmin admin = {
        .pg = pg,
        .consumers = consumers,
        .consumers_n = n,
        .inbox_retention_ms = worker->settings->inbox_retention_ms,
    };
    worker->jobs_ticker = ch_ticker_new(JOBS_PERIOD_MS);
    ch_worker_own(worker, worker->jobs_ticker, free_ticker);
    ChReplayJobRun *run = ch_replay_job_run_new(&admin, worker->jobs_ticker);
    ch_worker_own(worker, run, free_job_run);
    const ChLaneConfig lane = {
        .name = "replay jobs",
        .max_batch = 1,
        .source = ch_ticker_source(worker->jobs_ticker),
        .work = ch_pg_work(pg),
        .handler = ch_replay_job_run,
        .context = run,
    };
    ch_lane_group_add(worker->lanes, &lane);
}

void ch_worker_serve(ChWorker *worker, ChPg *pg, const ChHttpRouteTable *table, void *context)
{
    g_assert(table->lanes_n == 1);
    ChHttpLane **lane = g_new(ChHttpLane *, 1);
    ch_worker_own(worker, lane, g_free);
    *lane = ch_http_lane_new(table->lanes[0].name, ADMIN_WAITING, context);
    ch_worker_own(worker, *lane, free_http_lane);
    const ChHttpBinding binding = { .table = table, .lanes = lane };
    g_array_append_val(worker->served, binding);
    add_admin_lane(worker, pg, table->lanes[0].name, *lane);
}

void ch_worker_relay(ChWorker *worker)
{
    const ChPublisherConfig config = {
        .broker = &worker->settings->amqp,
        .name = worker->identity->process,
        .app_id = worker->identity->service,
        .exchange = worker->identity->exchange,
        .health = ch_health_part(worker->health, "rabbitmq"),
    };
    ChPg *pg = ch_worker_connection(worker);
    ChPublisher *publisher = ch_publisher_new(&config);
    ch_worker_own(worker, publisher, free_publisher);
    char *name = g_strdup_printf("%s.relay", worker->identity->service);
    ch_worker_own(worker, name, g_free);
    const ChControl *control = ch_worker_control(worker, name, CH_CONTROL_RELAY);
    ChRelay *relay = ch_relay_new(pg, publisher, worker->relay_ticker, control);
    ch_worker_own(worker, relay, free_relay);
    const ChLaneConfig lane = {
        .name = "relay",
        .max_batch = 1,
        .source = ch_ticker_source(worker->relay_ticker),
        .work = ch_pg_work(pg),
        .handler = ch_relay_run,
        .context = relay,
    };
    ch_lane_group_add(worker->lanes, &lane);
}

void ch_worker_housekeeping(ChWorker *worker)
{
    ChPg *pg = ch_worker_connection(worker);
    ChTicker *ticker = ch_ticker_new(HOUSEKEEPING_PERIOD_MS);
    ch_worker_own(worker, ticker, free_ticker);
    ChHousekeeping *housekeeping =
        ch_housekeeping_new(pg, ticker, worker->settings->inbox_retention_ms, worker->controls);
    ch_worker_own(worker, housekeeping, free_housekeeping);
    ch_housekeeping_ring_for_jobs(housekeeping, worker->jobs_ticker);
    const ChLaneConfig lane = {
        .name = "housekeeping",
        .max_batch = 1,
        .source = ch_ticker_source(ticker),
        .work = ch_pg_work(pg),
        .handler = ch_housekeeping_run,
        .context = housekeeping,
    };
    ch_lane_group_add(worker->lanes, &lane);
}

/* Looks at the database once, when it is there. */
static void look_at_database(ChWorker *worker)
{
    const ChPgConfig session = session_of(worker);
    ChStartDatabase *start = ch_start_database_new(&session);
    ch_worker_own(worker, start, free_start);
    const ChLaneConfig lane = ch_start_database_lane(start);
    ch_lane_group_add(worker->lanes, &lane);
}

ChAuditor *ch_worker_audit(ChWorker *worker, const ChAuditorCheck *checks, size_t n,
                           const ChOutcomes *outcomes)
{
    ChPg *pg = ch_worker_connection(worker);
    ChTicker *ticker = ch_ticker_new(AUDITOR_PERIOD_MS);
    ch_worker_own(worker, ticker, free_ticker);
    g_autofree ChAuditorCheck *all = g_new(ChAuditorCheck, n + 1);
    all[0] = (ChAuditorCheck){ "audit_chain", &ch_audit_look_at_chain };
    for (size_t i = 0; i < n; i++)
        all[i + 1] = checks[i];
    ChAuditor *auditor = ch_auditor_new(pg, ticker, worker->settings->auditor_lap_ms, all, n + 1);
    ch_worker_own(worker, auditor, free_auditor);
    if (outcomes != NULL) {
        ChOutcomesTeller *teller = ch_outcomes_teller_new(pg, outcomes, worker->settings->outcomes);
        ch_worker_own(worker, teller, free_teller);
        ch_auditor_tell(auditor, teller);
    }
    const ChLaneConfig lane = {
        .name = "auditor",
        .max_batch = 1,
        .source = ch_ticker_source(ticker),
        .work = ch_pg_work(pg),
        .handler = ch_auditor_run,
        .context = auditor,
    };
    ch_lane_group_add(worker->lanes, &lane);
    return auditor;
}

void ch_worker_add_lane(ChWorker *worker, const ChLaneConfig *config)
{
    ch_lane_group_add(worker->lanes, config);
}

static void log_ready(void *listener)
{
    ch_log_info("ready to work", CH_INT("admin_port", ch_http_server_port(listener)));
}

/* The admin listener; NULL with @error. */
static ChHttpServer *listen_for_operators(ChWorker *worker, GError **error)
{
    ChHttpCertificate *certificate = NULL;
    if (!ch_tls_open(&worker->settings->tls, worker->lanes, &certificate, error))
        return NULL;
    ch_worker_own(worker, certificate, free_certificate);
    if (!ch_operators_open(worker->operators, worker->lanes, error))
        return NULL;
    return ch_admin_new(&worker->settings->admin, certificate, worker->health,
                        (const ChHttpBinding *)(void *)worker->served->data, worker->served->len,
                        error);
}

bool ch_worker_run(ChWorker *worker, GError **error)
{
    worker->traces = ch_traces_start(&worker->settings->traces, worker->identity->process, error);
    if (worker->traces == NULL)
        return false;
    look_at_database(worker);
    g_autoptr(ChHttpServer) listener = listen_for_operators(worker, error);
    if (listener == NULL || !ch_http_server_start(listener, error) ||
        !ch_lane_group_start(worker->lanes, error))
        return false;
    ch_health_when_ready(worker->health, log_ready, listener);
    ch_process_wait();
    ch_health_when_ready(worker->health, NULL, NULL);
    ch_health_stopping(worker->health);
    int64_t deadline_us =
        ch_time_monotonic_us() + worker->settings->common.shutdown_timeout_ms * 1000;
    if (!ch_lane_group_stop(worker->lanes, deadline_us))
        ch_process_leave();
    ch_traces_stop(worker->traces, deadline_us);
    ch_log_info("stopped");
    return true;
}
