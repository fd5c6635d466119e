/* notification-worker: notes what became of orders, and tells their customers and whoever has
 * subscribed. */
#include "chassis/postgres/work.h"
#include "chassis/runtime/process.h"
#include "chassis/runtime/worker.h"
#include "notification/infrastructure/http_channel.h"
#include "notification/infrastructure/http_customers.h"
#include "notification/infrastructure/http_post.h"
#include "notification/infrastructure/log_channel.h"
#include "notification/infrastructure/pg_invariants.h"
#include "notification/infrastructure/pg_notifications.h"
#include "notification/infrastructure/pg_template_reads.h"
#include "notification/infrastructure/pg_webhooks.h"
#include "notification/infrastructure/smtp_channel.h"
#include "notification/infrastructure/topology.h"
#include "notification_migrations.h"
#include "notification/worker/order_outcomes.h"
#include "notification/worker/sender.h"
#include "notification/worker/settings.h"
#include "notification/worker/upkeep.h"
#include "notification/worker/webhook_sender.h"

#include <string.h>

enum {
    MAX_BATCH = 256,
    SENDER_NAME_BYTES = 32,
    RECORD_MS = 10 * 1000, /* to record the results of a batch, even when the database hesitates */
    SEND_MS = NOTIFICATION_SEND_BUDGET_MS + NOTIFICATION_SEND_TIMEOUT_MS, /* through one channel */
};

/* ---- receiving ---- */

/* What it consumes, and what it does with that. */
static const struct {
    const ChQueue *queue;
    ChSubscriptionConfig (*with)(const ChQueue *queue, NotificationStore *store);
} subscriptions[] = {
    { &notification_queues[NOTIFICATION_ORDER_CONFIRMED], notification_confirmed_subscription },
    { &notification_queues[NOTIFICATION_ORDER_CANCELLED], notification_cancelled_subscription },
};

static NotificationStore *new_store(ChWorker *worker, ChPg *pg)
{
    NotificationStore *store = notification_pg_store_new(pg);
    ch_worker_own(worker, store, notification_store_free);
    return store;
}

/* A lane for each queue. */
static void subscribe(ChWorker *worker)
{
    for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++) {
        ChPg *pg = ch_worker_connection(worker);
        const ChSubscriptionConfig subscription =
            subscriptions[i].with(subscriptions[i].queue, new_store(worker, pg));
        ch_worker_subscribe(worker, pg, &subscription);
    }
}

/* A lane for what operators do about the dead letters of these queues, and one for their jobs. */
static void serve_dead_letters(ChWorker *worker)
{
    static void (*const serve[])(ChWorker *, ChPg *, const ChSubscriptionConfig *, size_t) = {
        ch_worker_serve_dead_letters,
        ch_worker_replay,
    };
    for (size_t lane = 0; lane < G_N_ELEMENTS(serve); lane++) {
        ChSubscriptionConfig consumers[G_N_ELEMENTS(subscriptions)];
        ChPg *pg = ch_worker_connection_on_demand(worker);
        NotificationStore *store = new_store(worker, pg);
        for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++)
            consumers[i] = subscriptions[i].with(subscriptions[i].queue, store);
        serve[lane](worker, pg, consumers, G_N_ELEMENTS(consumers));
    }
}

/* ---- sending ---- */

/* What all senders know of the servers that they call: a pause that one is asked for all keep. */
typedef struct {
    NotificationCustomersWatch *customers;
    ChPause email, sms;
    ChControl *controls[NOTIFICATION_CHANNELS_N]; /* what operators pause; [0] is NULL */
} Servers;

static Servers *new_servers(ChWorker *worker)
{
    Servers *servers = g_new0(Servers, 1);
    ch_worker_own(worker, servers, g_free);
    servers->customers = notification_customers_watch_new();
    ch_worker_own(worker, servers->customers, notification_customers_watch_free);
    servers->controls[NOTIFICATION_EMAIL] = ch_worker_control(worker, "email", CH_CONTROL_SENDER);
    servers->controls[NOTIFICATION_SMS] = ch_worker_control(worker, "sms", CH_CONTROL_SENDER);
    return servers;
}

/* What a sender's lane has to itself besides the objects that the worker owns. */
typedef struct {
    atomic_bool stopping;
    Servers *servers;
    char name[SENDER_NAME_BYTES]; /* "sender 1" */
    char customers_name[SENDER_NAME_BYTES], tokens_name[SENDER_NAME_BYTES],
        email_name[SENDER_NAME_BYTES],
        sms_name[SENDER_NAME_BYTES]; /* of its HTTP clients: each has its own circuit breaker */
} Sender;

/* For NotificationCancellation: an atomic_bool. */
static bool is_raised(void *flag)
{
    return atomic_load((atomic_bool *)flag);
}

static Sender *new_sender(ChWorker *worker, Servers *servers, int64_t number)
{
    Sender *sender = g_new0(Sender, 1);
    sender->servers = servers;
    int n = (int)number;
    g_snprintf(sender->name, sizeof sender->name, "sender %d", n);
    g_snprintf(sender->customers_name, sizeof sender->customers_name, "customers-%d", n);
    g_snprintf(sender->tokens_name, sizeof sender->tokens_name, "customer-tokens-%d", n);
    g_snprintf(sender->email_name, sizeof sender->email_name, "email-%d", n);
    g_snprintf(sender->sms_name, sizeof sender->sms_name, "sms-%d", n);
    ch_worker_own(worker, sender, g_free);
    return sender;
}

static NotificationCustomers *new_customers(ChWorker *worker, const NotificationSettings *settings,
                                            Sender *sender)
{
    const NotificationHttpCustomersConfig config = {
        .name = sender->customers_name,
        .url = settings->customer_service_url,
        .ca_file = settings->customer_ca_file,
        .token = {
            .name = sender->tokens_name,
            .token_url = settings->customer_token_url,
            .client_id = settings->customer_client_id,
            .client_secret = settings->customer_client_secret,
            .scope = settings->customer_scope,
            .ca_file = settings->customer_ca_file,
        },
        .watch = sender->servers->customers,
    };
    NotificationCustomers *customers = notification_http_customers_new(&config);
    ch_worker_own(worker, customers, notification_customers_free);
    return customers;
}

/* The channel for e-mail, or with @sms for SMS. */
static NotificationChannel *new_channel(ChWorker *worker, const NotificationSettings *settings,
                                        Sender *sender, bool sms, GError **error)
{
    const NotificationCancellation cancellation = { is_raised, &sender->stopping };
    const NotificationSmtpConfig smtp = {
        .url = settings->smtp_url,
        .username = settings->smtp_username,
        .password = settings->smtp_password,
        .from = settings->email_from,
        .sms_domain = sms ? settings->sms_smtp_domain : "",
        .cancellation = cancellation,
    };
    NotificationChannel *channel = NULL;
    switch ((NotificationTransport)(sms ? settings->sms_transport : settings->email_transport)) {
    case NOTIFICATION_BY_LOG:
        channel = notification_log_channel_new();
        break;
    case NOTIFICATION_BY_HTTP:
        channel = notification_http_channel_new(
            sms ? sender->sms_name : sender->email_name,
            sms ? settings->sms_http_url : settings->email_http_url,
            sms ? &sender->servers->sms : &sender->servers->email, cancellation);
        break;
    case NOTIFICATION_BY_SMTP:
        channel = notification_smtp_channel_new(&smtp, error);
        break;
    }
    if (channel != NULL)
        ch_worker_own(worker, channel, notification_channel_free);
    return channel;
}

/* What a batch takes at worst. No longer: it is how long the customers of a sender that was killed
 * wait. */
static int64_t lease_of(const NotificationSettings *settings)
{
    int64_t lease_ms = RECORD_MS;
    if (*settings->customer_token_url != '\0')
        lease_ms += NOTIFICATION_CUSTOMERS_TOKEN_BUDGET_MS;
    else if (*settings->customer_service_url != '\0')
        lease_ms += NOTIFICATION_CUSTOMERS_BUDGET_MS;
    if (settings->email_transport != NOTIFICATION_BY_LOG)
        lease_ms += SEND_MS;
    if (settings->sms_transport != NOTIFICATION_BY_LOG)
        lease_ms += SEND_MS;
    return lease_ms;
}

/* A lane that sends. */
static bool open_gateways(ChWorker *worker, const NotificationSettings *settings,
                          Sender *lane_state, NotificationGateways *gateways, GError **error)
{
    gateways->customers = new_customers(worker, settings, lane_state);
    gateways->channels[NOTIFICATION_EMAIL] =
        new_channel(worker, settings, lane_state, false, error);
    if (gateways->channels[NOTIFICATION_EMAIL] == NULL)
        return false;
    gateways->channels[NOTIFICATION_SMS] = new_channel(worker, settings, lane_state, true, error);
    return gateways->channels[NOTIFICATION_SMS] != NULL;
}

static bool add_sender(ChWorker *worker, const NotificationSettings *settings, Servers *servers,
                       int64_t number, GError **error)
{
    Sender *lane_state = new_sender(worker, servers, number);
    ChPg *pg = ch_worker_connection(worker);
    NotificationStore *store = notification_pg_store_new(pg);
    ch_worker_own(worker, store, notification_store_free);
    NotificationTemplateReads *templates = notification_pg_template_reads_new(pg);
    ch_worker_own(worker, templates, notification_template_reads_free);
    NotificationGateways gateways = {
        .may_make_up = notification_settings_may_make_up(settings),
        .customer_wait_ms = settings->customer_wait_ms,
    };
    memcpy(gateways.controls, servers->controls, sizeof gateways.controls);
    if (!open_gateways(worker, settings, lane_state, &gateways, error))
        return false;
    const NotificationSenderConfig config = {
        .work = ch_pg_work(pg),
        .store = store,
        .templates = templates,
        .gateways = gateways,
        .lease_ms = lease_of(settings),
        .stopping = &lane_state->stopping,
    };
    NotificationSender *sender = notification_sender_new(&config);
    ch_worker_own(worker, sender, notification_sender_free);
    const ChLaneConfig lane = {
        .name = lane_state->name,
        .max_batch = MAX_BATCH,
        .source = notification_sender_source(sender),
        .work = ch_pg_work(pg),
        .handler = notification_sender_run,
        .context = sender,
    };
    ch_worker_add_lane(worker, &lane);
    return true;
}

/* ---- webhooks ---- */

static NotificationWebhookStore *new_webhooks(ChWorker *worker, ChPg *pg)
{
    NotificationWebhookStore *store = notification_pg_webhooks_new(pg);
    ch_worker_own(worker, store, notification_webhook_store_free);
    return store;
}

/* A lane that sends webhooks: to receivers that fail or are slow, or to the others. */
static void add_webhook_sender(ChWorker *worker, const NotificationSettings *settings,
                               const ChControl *control, const char *name, bool apart)
{
    ChPg *pg = ch_worker_connection(worker);
    atomic_bool *stopping = g_new0(atomic_bool, 1);
    ch_worker_own(worker, stopping, g_free);
    const NotificationHttpPostConfig post = {
        .name = name,
        .ca_file = settings->webhook_ca_file,
        .may_call_private = settings->webhook_addresses == 1,
        .cancellation = { is_raised, stopping },
    };
    NotificationWebhookSenderConfig config = {
        .work = ch_pg_work(pg),
        .store = new_webhooks(worker, pg),
        .post = notification_http_post_new(&post),
        .apart = apart,
        .lease_ms = NOTIFICATION_POST_BUDGET_MS + RECORD_MS,
        .disable_after_ms = settings->webhook_disable_after_ms,
        .stopping = stopping,
    };
    ch_worker_own(worker, config.post, notification_post_free);
    NotificationWebhookSender *sender = notification_webhook_sender_new(&config);
    ch_worker_own(worker, sender, notification_webhook_sender_free);
    const ChLaneConfig lane = {
        .name = name,
        .max_batch = MAX_BATCH,
        .source = notification_webhook_sender_source(sender),
        .work = ch_pg_work(pg),
        .handler = notification_webhook_sender_run,
        .context = sender,
        .control = control,
    };
    ch_worker_add_lane(worker, &lane);
}

static void free_ticker(gpointer ticker)
{
    ch_ticker_free(ticker);
}

/* A lane for what grows old. */
static void add_upkeep(ChWorker *worker, const NotificationSettings *settings)
{
    ChPg *pg = ch_worker_connection(worker);
    NotificationUpkeep *upkeep = g_new0(NotificationUpkeep, 1);
    ch_worker_own(worker, upkeep, g_free);
    upkeep->notifications = new_store(worker, pg);
    upkeep->webhooks = new_webhooks(worker, pg);
    upkeep->ticker = ch_ticker_new(NOTIFICATION_UPKEEP_MS);
    upkeep->text_retention_ms = settings->text_retention_ms;
    upkeep->webhook_retention_ms = settings->webhook_retention_ms;
    ch_worker_own(worker, upkeep->ticker, free_ticker);
    const ChLaneConfig lane = {
        .name = "upkeep",
        .max_batch = 1,
        .source = ch_ticker_source(upkeep->ticker),
        .work = ch_pg_work(pg),
        .handler = notification_upkeep_run,
        .context = upkeep,
    };
    ch_worker_add_lane(worker, &lane);
}

static bool run(const void *opaque, GError **error)
{
    const NotificationSettings *settings = opaque;
    const ChWorkerIdentity identity = { "notification-worker", "notification", NULL,
                                        notification_migrations_count, "OrderId" };
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChWorker) worker = ch_worker_new(&identity, &settings->worker, health);
    subscribe(worker);
    serve_dead_letters(worker);
    Servers *servers = new_servers(worker);
    for (int64_t number = 1; number <= settings->senders; number++) {
        if (!add_sender(worker, settings, servers, number, error))
            return false;
    }
    const ChControl *webhooks = ch_worker_control(worker, "webhooks", CH_CONTROL_SENDER);
    add_webhook_sender(worker, settings, webhooks, "webhooks", false);
    add_webhook_sender(worker, settings, webhooks, "webhook retries", true);
    add_upkeep(worker, settings);
    ch_worker_relay(worker); /* its retries and dead letters */
    ch_worker_housekeeping(worker);
    ch_worker_audit(worker, notification_invariants, NOTIFICATION_INVARIANTS_N,
                    &notification_outcomes);
    return ch_worker_run(worker, error);
}

int main(int argc, char **argv)
{
    const ChProcess process = {
        .name = "notification-worker",
        .purpose = "tells customers what became of their orders",
        .keys = notification_settings,
        .keys_n = G_N_ELEMENTS(notification_settings),
        .check = notification_settings_check,
        .run = run,
    };
    NotificationSettings settings = { .senders = 0 };
    return ch_process_main(&process, &settings, argc, argv);
}
