/* Subscriptions are few and seldom written: a statement each, in one round trip. */
#include "notification/infrastructure/pg_subscriptions.h"

#include "chassis/core/cast.h"

#include <string.h>

#define COLUMNS_OF(table)                                                                          \
    table ".id, " table ".url, array_to_string(" table ".events, ','), " table                     \
          ".is_active, " table ".disabled_reason, " table ".last_error, " table                    \
          ".failing_since, " table ".created_at, " table ".updated_at"
#define COLUMNS COLUMNS_OF("s")
enum {
    COLUMN_ID,
    COLUMN_URL,
    COLUMN_EVENTS,
    COLUMN_IS_ACTIVE,
    COLUMN_DISABLED_REASON,
    COLUMN_LAST_ERROR,
    COLUMN_FAILING_SINCE,
    COLUMN_CREATED_AT,
    COLUMN_UPDATED_AT,
};

/* Who adds one at a time: then they stay as few as they may be. Readers don't wait. */
static const ChPgStatement sql_lock_subscriptions = {
    "lock table subscriptions in share row exclusive mode",
    { CH_PG_NONE },
};

/* $1 id, $2 URL, $3 events, $4 secret, $5 active when not 0, $6 how many there may be. */
static const ChPgStatement sql_insert_subscription = {
    "insert into subscriptions as s (id, url, events, secret, is_active)"
    " select $1, $2, $3, $4, $5 <> 0"
    " where (select count(*) from subscriptions where deleted_at is null) < $6"
    " returning s.created_at, s.updated_at",
    { CH_PG_UUID, CH_PG_TEXT, CH_PG_TEXTS, CH_PG_TEXT, CH_PG_INT, CH_PG_INT },
};
enum {
    MADE_CREATED_AT,
    MADE_UPDATED_AT,
};

/* The row as it was, locked. */
#define OLD "(select * from subscriptions where id = $1 and deleted_at is null for update) old"

/* The same but for the last; a secret that is null stays. The columns of what it was, and a time.
 */
static const ChPgStatement sql_update_subscription = {
    "update subscriptions s set url = $2, events = $3, secret = coalesce($4, s.secret),"
    " is_active = $5 <> 0, disabled_reason = null, failures = 0, failing_since = null,"
    " retry_at = null, last_error = null, updated_at = now()"
    " from " OLD " where s.id = old.id returning " COLUMNS_OF("old") ", s.updated_at",
    { CH_PG_UUID, CH_PG_TEXT, CH_PG_TEXTS, CH_PG_TEXT, CH_PG_INT },
};
enum {
    CHANGED_UPDATED_AT = COLUMN_UPDATED_AT + 1,
};

/* $1 id. The columns of what it was. */
static const ChPgStatement sql_delete_subscription = {
    "update subscriptions s set deleted_at = now(), is_active = false, secret = ''"
    " from " OLD " where s.id = old.id returning " COLUMNS_OF("old"),
    { CH_PG_UUID },
};

/* $1 ids; one row each, in their order. */
static const ChPgStatement sql_find_subscriptions = {
    "select " COLUMNS " from unnest($1) with ordinality as asked (id, place)"
    " left join subscriptions s on s.id = asked.id and s.deleted_at is null order by place",
    { CH_PG_UUIDS },
};

/* $1 before this id, $2 how many. */
static const ChPgStatement sql_list_subscriptions = {
    "select " COLUMNS " from subscriptions s where s.id < $1 and s.deleted_at is null"
    " order by s.id desc limit $2",
    { CH_PG_UUID, CH_PG_INT },
};

/* Newest first, and oldest first. $1 subscription, $2 before this id, $3 how many, $4 after this
 * id, $5 created at this time or later, $6 earlier than it. One row with nulls behind the first two
 * columns when it has none; no row when there is no such subscription. */
#define LIST_WEBHOOKS(way)                                                                         \
    {                                                                                              \
        "select w.notification_id, n.event_id, n.order_id, n.template_code, w.status, w.attempts," \
        " w.http_status, w.error, n.trace_id, w.created_at, w.updated_at, w.due_at, w.sent_at"     \
        " from subscriptions s left join lateral (select * from webhooks"                          \
        "  where subscription_id = s.id and notification_id < $2 and notification_id > $4"         \
        "  and created_at >= $5 and created_at < $6 order by notification_id " way                 \
        "  limit $3) w on true left join notifications n on n.id = w.notification_id"              \
        " where s.id = $1 and s.deleted_at is null order by w.notification_id " way,               \
        {                                                                                          \
            CH_PG_UUID, CH_PG_UUID, CH_PG_INT, CH_PG_UUID, CH_PG_TIME, CH_PG_TIME                  \
        }                                                                                          \
    }
static const ChPgStatement sql_list_webhooks[] = { LIST_WEBHOOKS("desc"), LIST_WEBHOOKS("asc") };
enum {
    WEBHOOK_ID,
    WEBHOOK_EVENT_ID,
    WEBHOOK_ORDER_ID,
    WEBHOOK_CODE,
    WEBHOOK_STATUS,
    WEBHOOK_ATTEMPTS,
    WEBHOOK_HTTP_STATUS,
    WEBHOOK_ERROR,
    WEBHOOK_TRACE_ID,
    WEBHOOK_CREATED_AT,
    WEBHOOK_UPDATED_AT,
    WEBHOOK_DUE_AT,
    WEBHOOK_SENT_AT,
};

/* ---- a row ---- */

static void read_events(const char *codes, bool *events)
{
    g_auto(GStrv) names = g_strsplit(codes, ",", -1);
    for (char **name = names; *name != NULL; name++) {
        NotificationCode code = notification_code_find(*name);
        if (code < NOTIFICATION_CODES_N)
            events[code] = true;
    }
}

static NotificationSubscription *subscription_from(const ChPgRows *rows, size_t row)
{
    NotificationSubscription *subscription = g_new0(NotificationSubscription, 1);
    subscription->id = ch_pg_uuid(rows, row, COLUMN_ID);
    subscription->url = g_strdup(ch_pg_text(rows, row, COLUMN_URL));
    read_events(ch_pg_text(rows, row, COLUMN_EVENTS), subscription->events);
    subscription->is_active = ch_pg_bool(rows, row, COLUMN_IS_ACTIVE);
    subscription->disabled_reason = g_strdup(ch_pg_text(rows, row, COLUMN_DISABLED_REASON));
    subscription->last_error = g_strdup(ch_pg_text(rows, row, COLUMN_LAST_ERROR));
    if (!ch_pg_is_null(rows, row, COLUMN_FAILING_SINCE))
        subscription->failing_since_us = ch_pg_time(rows, row, COLUMN_FAILING_SINCE);
    subscription->created_us = ch_pg_time(rows, row, COLUMN_CREATED_AT);
    subscription->updated_us = ch_pg_time(rows, row, COLUMN_UPDATED_AT);
    return subscription;
}

/* ---- writing ---- */

typedef struct {
    NotificationSubscriptionStore base;
    ChPg *pg;
} PgStore;

static const NotificationSubscriptionStoreOps store_ops;

static ChPg *pg_of_store(NotificationSubscriptionStore *self)
{
    return CH_CAST(PgStore, self, &store_ops)->pg;
}

static ChPgParams *params_of(const ChPgStatement *statement,
                             const NotificationSubscription *subscription)
{
    ChPgParams *params = ch_pg_params_new(statement);
    ch_pg_add_uuid(params, 0, subscription->id);
    ch_pg_add_text(params, 1, subscription->url);
    for (NotificationCode code = 0; code < NOTIFICATION_CODES_N; code++) {
        if (subscription->events[code])
            ch_pg_add_text(params, 2, notification_code_info(code)->name);
    }
    ch_pg_add_text(params, 3, subscription->secret);
    ch_pg_add_int(params, 4, subscription->is_active);
    return params;
}

static bool insert(NotificationSubscriptionStore *self,
                   NotificationSubscription *const *subscriptions, size_t n, bool *made,
                   GError **error)
{
    ChPg *pg = pg_of_store(self);
    if (!ch_pg_send(pg, ch_pg_params_new(&sql_lock_subscriptions), NULL, error))
        return false;
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = params_of(&sql_insert_subscription, subscriptions[i]);
        ch_pg_add_int(params[i], 5, NOTIFICATION_MAX_SUBSCRIPTIONS);
    }
    ChPgRows **rows = ch_pg_query_all(pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        made[i] = ch_pg_rows_count(rows[i]) > 0;
        if (!made[i])
            continue;
        subscriptions[i]->created_us = ch_pg_time(rows[i], 0, MADE_CREATED_AT);
        subscriptions[i]->updated_us = ch_pg_time(rows[i], 0, MADE_UPDATED_AT);
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

/* Runs a statement for each, which returns what it was. */
static ChPgRows **change_all(ChPg *pg, ChPgParams *const *params, size_t n,
                             NotificationSubscription **before, GError **error)
{
    ChPgRows **rows = ch_pg_query_all(pg, params, n, error);
    if (rows == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        before[i] = ch_pg_rows_count(rows[i]) > 0 ? subscription_from(rows[i], 0) : NULL;
    return rows;
}

static bool update(NotificationSubscriptionStore *self,
                   NotificationSubscription *const *subscriptions, size_t n,
                   NotificationSubscription **before, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = params_of(&sql_update_subscription, subscriptions[i]);
    ChPgRows **rows = change_all(pg_of_store(self), params, n, before, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (before[i] == NULL)
            continue;
        subscriptions[i]->created_us = before[i]->created_us;
        subscriptions[i]->updated_us = ch_pg_time(rows[i], 0, CHANGED_UPDATED_AT);
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

static bool remove_each(NotificationSubscriptionStore *self, const ChUuid *ids, size_t n,
                        NotificationSubscription **before, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_delete_subscription);
        ch_pg_add_uuid(params[i], 0, ids[i]);
    }
    ChPgRows **rows = change_all(pg_of_store(self), params, n, before, error);
    if (rows == NULL)
        return false;
    ch_pg_rows_free_all(rows, n);
    return true;
}

static void free_store(NotificationSubscriptionStore *self)
{
    g_free(CH_CAST(PgStore, self, &store_ops));
}

static const NotificationSubscriptionStoreOps store_ops = {
    .insert = insert,
    .update = update,
    .remove = remove_each,
    .free = free_store,
};

NotificationSubscriptionStore *notification_pg_subscription_store_new(ChPg *pg)
{
    PgStore *store = g_new0(PgStore, 1);
    store->base.ops = &store_ops;
    store->pg = pg;
    return &store->base;
}

/* ---- reading ---- */

typedef struct {
    NotificationSubscriptionReads base;
    ChPg *pg;
} PgReads;

static const NotificationSubscriptionReadsOps reads_ops;

static ChPg *pg_of_reads(NotificationSubscriptionReads *self)
{
    return CH_CAST(PgReads, self, &reads_ops)->pg;
}

static bool find(NotificationSubscriptionReads *self, const ChUuid *ids, size_t n,
                 NotificationSubscription **subscriptions, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_find_subscriptions);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, ids[i]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of_reads(self), params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        subscriptions[i] = ch_pg_is_null(rows, i, COLUMN_ID) ? NULL : subscription_from(rows, i);
    return true;
}

/* No id comes after it. */
static ChUuid newest(void)
{
    ChUuid id;
    memset(id.bytes, 0xff, sizeof id.bytes);
    return id;
}

static bool list(NotificationSubscriptionReads *self, const ChPage *pages, size_t n,
                 GPtrArray **found, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++) {
        params[i] = ch_pg_params_new(&sql_list_subscriptions);
        ch_pg_add_uuid(params[i], 0, pages[i].has_last ? pages[i].last : newest());
        ch_pg_add_int(params[i], 1, pages[i].rows);
    }
    ChPgRows **rows = ch_pg_query_all(pg_of_reads(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        found[i] = g_ptr_array_new_with_free_func(notification_subscription_free);
        for (size_t row = 0; row < ch_pg_rows_count(rows[i]); row++)
            g_ptr_array_add(found[i], subscription_from(rows[i], row));
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

static NotificationWebhookEntry *entry_from(const ChPgRows *rows, size_t row)
{
    NotificationWebhookEntry *entry = g_new0(NotificationWebhookEntry, 1);
    entry->id = ch_pg_uuid(rows, row, WEBHOOK_ID);
    entry->event_id = ch_pg_uuid(rows, row, WEBHOOK_EVENT_ID);
    entry->order_id = ch_pg_uuid(rows, row, WEBHOOK_ORDER_ID);
    entry->code = notification_code_find(ch_pg_text(rows, row, WEBHOOK_CODE));
    entry->status = (NotificationStatus)ch_pg_int(rows, row, WEBHOOK_STATUS);
    entry->attempts = ch_pg_int(rows, row, WEBHOOK_ATTEMPTS);
    entry->http_status = ch_pg_int(rows, row, WEBHOOK_HTTP_STATUS);
    entry->error = g_strdup(ch_pg_text(rows, row, WEBHOOK_ERROR));
    entry->trace_id = g_strdup(ch_pg_text(rows, row, WEBHOOK_TRACE_ID));
    entry->created_us = ch_pg_time(rows, row, WEBHOOK_CREATED_AT);
    entry->updated_us = ch_pg_time(rows, row, WEBHOOK_UPDATED_AT);
    entry->due_us = ch_pg_time(rows, row, WEBHOOK_DUE_AT);
    if (!ch_pg_is_null(rows, row, WEBHOOK_SENT_AT))
        entry->sent_us = ch_pg_time(rows, row, WEBHOOK_SENT_AT);
    return entry;
}

static GPtrArray *webhooks_from(const ChPgRows *rows)
{
    if (ch_pg_rows_count(rows) == 0)
        return NULL;
    GPtrArray *page = g_ptr_array_new_with_free_func(notification_webhook_entry_free);
    for (size_t row = 0; row < ch_pg_rows_count(rows); row++) {
        /* Its notification is gone only when somebody deleted that by hand. */
        if (!ch_pg_is_null(rows, row, WEBHOOK_EVENT_ID))
            g_ptr_array_add(page, entry_from(rows, row));
    }
    return page;
}

static ChPgParams *webhook_params(const NotificationWebhookRange *range)
{
    ChUuid after;
    ChUuid before;
    ch_page_bounds(&range->page, &after, &before);
    ChPgParams *params = ch_pg_params_new(&sql_list_webhooks[range->page.oldest_first]);
    ch_pg_add_uuid(params, 0, range->subscription_id);
    ch_pg_add_uuid(params, 1, before);
    ch_pg_add_int(params, 2, range->page.rows);
    ch_pg_add_uuid(params, 3, after);
    ch_pg_add_time(params, 4, range->page.created.from_us);
    ch_pg_add_time(params, 5, range->page.created.before_us);
    return params;
}

static bool webhooks(NotificationSubscriptionReads *self, const NotificationWebhookRange *ranges,
                     size_t n, GPtrArray **pages, GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = webhook_params(&ranges[i]);
    ChPgRows **rows = ch_pg_query_all(pg_of_reads(self), params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        pages[i] = webhooks_from(rows[i]);
    ch_pg_rows_free_all(rows, n);
    return true;
}

static void free_reads(NotificationSubscriptionReads *self)
{
    g_free(CH_CAST(PgReads, self, &reads_ops));
}

static const NotificationSubscriptionReadsOps reads_ops = {
    .find = find,
    .list = list,
    .webhooks = webhooks,
    .free = free_reads,
};

NotificationSubscriptionReads *notification_pg_subscription_reads_new(ChPg *pg)
{
    PgReads *reads = g_new0(PgReads, 1);
    reads->base.ops = &reads_ops;
    reads->pg = pg;
    return &reads->base;
}
