/* notification-api: templates, subscriptions and the log of notifications over HTTP. */
#include "chassis/messaging/control_desk.h"
#include "chassis/messaging/failure_groups.h"
#include "chassis/postgres/connection.h"
#include "chassis/postgres/work.h"
#include "chassis/runtime/api.h"
#include "chassis/runtime/process.h"
#include "notification/api/routes.h"
#include "notification/api/stores.h"
#include "notification/infrastructure/pg_erasure.h"
#include "notification/infrastructure/pg_log.h"
#include "notification/infrastructure/pg_subscriptions.h"
#include "notification/infrastructure/pg_template_reads.h"
#include "notification/infrastructure/pg_templates.h"
#include "notification_document.h"
#include "notification_migrations.h"

static const ChConfigKey keys[] = {
    CH_API_KEYS("127.0.0.1:5003", "127.0.0.1:6003"),
};

/* A connection of one lane, which may do no more than read. NULL for @health: of a lane that seldom
 * has work. */
static ChPg *connection(const ChApiSettings *settings, ChHealth *health, bool read_only)
{
    const ChPgConfig pg = {
        .url = settings->common.database_url,
        .application_name = "notification-api",
        .schema_version = (int)notification_migrations_count,
        .read_only = read_only,
        .on_demand = health == NULL,
        .health = health == NULL ? NULL : ch_health_part(health, "postgres"),
    };
    return ch_pg_new(&pg);
}

static bool run(const void *settings, GError **error)
{
    g_autoptr(ChHealth) health = ch_health_new();
    g_autoptr(ChPg) write_pg = connection(settings, health, false);
    g_autoptr(ChPg) read_pg = connection(settings, health, true);
    g_autoptr(ChPg) list_pg = connection(settings, health, true);
    g_autoptr(ChPg) erasure_pg = connection(settings, NULL, false);
    g_autoptr(ChPg) failure_pg = connection(settings, NULL, false);
    g_autoptr(ChPg) control_pg = connection(settings, NULL, false);
    g_autoptr(NotificationTemplateStore) write_templates = notification_pg_templates_new(write_pg);
    g_autoptr(NotificationSubscriptionStore) write_subscriptions =
        notification_pg_subscription_store_new(write_pg);
    g_autoptr(NotificationTemplateReads) read_templates =
        notification_pg_template_reads_new(read_pg);
    g_autoptr(NotificationSubscriptionReads) read_subscriptions =
        notification_pg_subscription_reads_new(read_pg);
    g_autoptr(NotificationTemplateReads) list_templates =
        notification_pg_template_reads_new(list_pg);
    g_autoptr(NotificationLog) list_log = notification_pg_log_new(list_pg);
    g_autoptr(NotificationSubscriptionReads) list_subscriptions =
        notification_pg_subscription_reads_new(list_pg);
    NotificationWrites writes = { write_templates, write_subscriptions };
    NotificationReads reads = { read_templates, read_subscriptions };
    g_autoptr(ChFailureGroups) failures = ch_failure_groups_new(failure_pg);
    g_autoptr(ChControlDesk) controls = ch_control_desk_new(control_pg);
    g_autoptr(ChAuditLog) audit = ch_audit_log_new(list_pg);
    NotificationLists lists = { list_templates, list_subscriptions, list_log, audit, list_pg };
    g_autoptr(ChErasure) erasure =
        ch_erasure_new(erasure_pg, notification_erasure, NOTIFICATION_ERASURE_PARTS);
    g_autoptr(ChApi) api = ch_api_new(&notification_routes, &notification_document, health);

    ch_api_lane(api, NOTIFICATION_WRITES, CH_API_BATCH, ch_pg_work(write_pg),
                CH_API_CONTEXT(NotificationWrites, &writes));
    ch_api_lane(api, NOTIFICATION_READS, CH_API_BATCH, ch_pg_work(read_pg),
                CH_API_CONTEXT(NotificationReads, &reads));
    ch_api_lane(api, NOTIFICATION_LISTS, CH_API_LIST_BATCH, ch_pg_work(list_pg),
                CH_API_CONTEXT(NotificationLists, &lists));
    ch_api_lane(api, NOTIFICATION_ERASURES, 1, ch_pg_work(erasure_pg),
                CH_API_CONTEXT(ChErasure, erasure));
    ch_api_lane(api, NOTIFICATION_FAILURES, 1, ch_pg_work(failure_pg),
                CH_API_CONTEXT(ChFailureGroups, failures));
    ch_api_lane(api, NOTIFICATION_CONTROLS, CH_API_LIST_BATCH, ch_pg_work(control_pg),
                CH_API_CONTEXT(ChControlDesk, controls));
    ch_api_record(api, NOTIFICATION_WRITES, write_pg);
    ch_api_record(api, NOTIFICATION_ERASURES, erasure_pg);
    ch_api_record(api, NOTIFICATION_FAILURES, failure_pg);
    ch_api_record(api, NOTIFICATION_CONTROLS, control_pg);
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
