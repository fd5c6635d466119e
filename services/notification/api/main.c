/* notification-api: templates, subscriptions and the log of notifications over HTTP. */
#include "chassis/runtime/api.h"
#include "chassis/runtime/operator_lanes.h"
#include "chassis/runtime/process.h"
#include "notification/api/routes.h"
#include "notification/api/stores.h"
#include "notification/infrastructure/pg_erasure.h"
#include "notification/infrastructure/pg_log.h"
#include "notification/infrastructure/pg_notifications.h"
#include "notification/infrastructure/pg_resend.h"
#include "notification/infrastructure/pg_subscriptions.h"
#include "notification/infrastructure/pg_template_reads.h"
#include "notification/infrastructure/pg_templates.h"
#include "notification/infrastructure/topology.h"
#include "notification/worker/order_outcomes.h"
#include "notification_document.h"
#include "notification_migrations.h"

static const ChConfigKey keys[] = {
    CH_API_KEYS("127.0.0.1:5003", "127.0.0.1:6003"),
};

static ChPgConfig session(const ChApiSettings *settings)
{
    return (ChPgConfig){
        .url = settings->common.database_url,
        .application_name = "notification-api",
        .schema_version = (int)notification_migrations_count,
    };
}

/* What the worker consumes, for the sake of its dead letters. */
static void judge_letters(ChOperatorLanes *operators, NotificationStore *store,
                          const ChApiSettings *settings)
{
    const ChSubscriptionConfig consumers[] = {
        notification_confirmed_subscription(&notification_queues[NOTIFICATION_ORDER_CONFIRMED],
                                            store),
        notification_cancelled_subscription(&notification_queues[NOTIFICATION_ORDER_CANCELLED],
                                            store),
    };
    ch_operator_lanes_judge(operators, consumers, G_N_ELEMENTS(consumers),
                            settings->inbox_retention_ms);
}

static bool run(const void *settings, GError **error)
{
    const ChPgConfig pg = session(settings);
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChPg) write_pg = ch_api_connection(&pg, health, false);
    g_autoptr(ChPg) read_pg = ch_api_connection(&pg, health, true);
    g_autoptr(ChPg) list_pg = ch_api_connection(&pg, health, true);
    g_autoptr(NotificationTemplateStore) write_templates = notification_pg_templates_new(write_pg);
    g_autoptr(NotificationSubscriptionStore) write_subscriptions =
        notification_pg_subscription_store_new(write_pg);
    g_autoptr(NotificationResendStore) resends = notification_pg_resend_store_new(write_pg);
    g_autoptr(NotificationTemplateReads) read_templates =
        notification_pg_template_reads_new(read_pg);
    g_autoptr(NotificationSubscriptionReads) read_subscriptions =
        notification_pg_subscription_reads_new(read_pg);
    g_autoptr(NotificationTemplateReads) list_templates =
        notification_pg_template_reads_new(list_pg);
    g_autoptr(NotificationLog) list_log = notification_pg_log_new(list_pg);
    g_autoptr(NotificationSubscriptionReads) list_subscriptions =
        notification_pg_subscription_reads_new(list_pg);
    NotificationWrites writes = { write_templates, write_subscriptions, resends };
    NotificationReads reads = { read_templates, read_subscriptions };
    g_autoptr(ChAuditLog) audit = ch_audit_log_new(list_pg);
    NotificationLists lists = { list_templates, list_subscriptions, list_log, audit, list_pg };
    g_autoptr(ChOperatorLanes) operators =
        ch_operator_lanes_new(&pg, notification_erasure, NOTIFICATION_ERASURE_PARTS);
    g_autoptr(NotificationStore) letter_store =
        notification_pg_store_new(ch_operator_lanes_letters_pg(operators));
    g_autoptr(ChApi) api = ch_api_new(&notification_routes, &notification_document, health);

    ch_api_lane(api, NOTIFICATION_WRITES, CH_API_BATCH, write_pg,
                CH_API_CONTEXT(NotificationWrites, &writes));
    ch_api_lane(api, NOTIFICATION_READS, CH_API_BATCH, read_pg,
                CH_API_CONTEXT(NotificationReads, &reads));
    ch_api_lane(api, NOTIFICATION_LISTS, CH_API_LIST_BATCH, list_pg,
                CH_API_CONTEXT(NotificationLists, &lists));
    judge_letters(operators, letter_store, settings);
    CH_OPERATOR_LANES_BIND(operators, api, NOTIFICATION);
    ch_api_look_at_database(api, &pg);
    return ch_api_run(api, settings, error);
}

int main(int argc, char **argv)
{
    const ChProcess process = {
        .name = "notification-api",
        .purpose = "keeps templates and subscriptions, and shows what was sent",
        .keys = keys,
        .keys_n = G_N_ELEMENTS(keys),
        .check = ch_api_check,
        .run = run,
        .routes = &notification_routes,
    };
    ChApiSettings settings = { .common = { .database_url = NULL } };
    return ch_process_main(&process, &settings, argc, argv);
}
