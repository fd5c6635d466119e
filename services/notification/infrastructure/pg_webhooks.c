/* Webhooks: claimed with a lease, recorded, pruned. */
#include "notification/infrastructure/pg_webhooks.h"

#include "chassis/core/cast.h"
#include "notification/infrastructure/trace_ids.h"
#include "notification/infrastructure/values_json.h"

enum {
    EACH_AT_ONCE = 5, /* webhooks of a subscription in a claim: 50 of these fit into a batch, so
                       * that none waits for another one */
};

/* $1 how many, $2 lease in milliseconds, $3 how many of each subscription, but one of each that
 * fails, which shows whether its receiver is well again; $4 of those that fail or are slow when not
 * 0. SKIP LOCKED: lanes share the table. While one is being sent, due_at is the end of its lease:
 * so one whose sender is gone is simply due again. */
static const ChPgStatement sql_claim_webhooks = {
    "with due as (select d.subscription_id, d.notification_id, s.url, s.secret, s.failures"
    " from subscriptions s cross join lateral ("
    "  select w.subscription_id, w.notification_id from webhooks w"
    "  where w.subscription_id = s.id and w.status in (1, 2) and w.due_at <= now()"
    "  order by w.due_at limit case when s.failures > 0 then 1 else $3 end"
    "  for update of w skip locked) d"
    " where s.is_active and (s.failures > 0 or s.is_slow) = ($4 <> 0)"
    " and (s.retry_at is null or s.retry_at <= now()) limit $1)"
    " update webhooks w set status = 2, attempts = w.attempts + 1,"
    " due_at = now() + $2 * interval '1 millisecond', updated_at = now()"
    " from due join notifications n on n.id = due.notification_id"
    " where w.subscription_id = due.subscription_id and w.notification_id = due.notification_id"
    " returning w.subscription_id, w.notification_id, n.event_id, n.order_id, n.customer_id,"
    " n.template_code, n.parameters::text, n.created_at, w.attempts, due.failures, n.trace_id,"
    " due.url, due.secret, n.traceparent",
    { CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT },
};
enum {
    CLAIM_SUBSCRIPTION_ID,
    CLAIM_ID,
    CLAIM_EVENT_ID,
    CLAIM_ORDER_ID,
    CLAIM_CUSTOMER_ID,
    CLAIM_CODE,
    CLAIM_PARAMETERS,
    CLAIM_CREATED_AT,
    CLAIM_ATTEMPTS,
    CLAIM_FAILURES,
    CLAIM_TRACE_ID,
    CLAIM_URL,
    CLAIM_SECRET,
    CLAIM_TRACEPARENT,
};

/* $1 subscriptions, $2 notifications, $3 the attempts they were claimed as, $4 statuses, $5
 * attempts that count, $6 wait in milliseconds, $7 HTTP statuses, $8 errors. Only the claim itself
 * may be settled; but that it was sent is true whoever holds it now. */
static const ChPgStatement sql_record_webhooks = {
    "update webhooks w set status = r.status, attempts = r.counted,"
    " due_at = now() + r.wait_ms * interval '1 millisecond', http_status = r.http_status,"
    " error = r.error, sent_at = case when r.status = 3 then now() end, updated_at = now()"
    " from unnest($1, $2, $3, $4, $5, $6, $7, $8) as r (subscription_id, notification_id, claimed,"
    " status, counted, wait_ms, http_status, error)"
    " where w.subscription_id = r.subscription_id and w.notification_id = r.notification_id"
    " and (w.status = 2 and w.attempts = r.claimed or r.status = 3 and w.status <> 3)",
    { CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_INTS, CH_PG_INTS, CH_PG_INTS, CH_PG_INTS, CH_PG_INTS,
      CH_PG_TEXTS },
};

/* $1 subscriptions, each once, in their order; $2 how they fared (Fared); $3 pause in milliseconds;
 * $4 errors; $5 whether they were slow, when not 0; $6 for how long they may fail, in milliseconds.
 */
#define ENDS                                                                                       \
    "(r.fared = 2 or r.fared = 1"                                                                  \
    " and coalesce(s.failing_since <= now() - $6 * interval '1 millisecond', false))"
static const ChPgStatement sql_record_subscriptions = {
    "update subscriptions s set"
    " failures = case when r.fared = 0 then 0 else least(s.failures + 1, 1000000) end,"
    " failing_since = case when r.fared > 0 then coalesce(s.failing_since, now()) end,"
    " retry_at = case when r.fared > 0 then now() + r.pause_ms * interval '1 millisecond' end,"
    " last_error = case when r.fared > 0 then r.error end,"
    " is_slow = case when r.fared = 0 then r.slow <> 0 else s.is_slow end,"
    " is_active = not " ENDS ","
    " disabled_reason = case when r.fared = 2 then 'the receiver wants no more: it answered 410'"
    "  when " ENDS " then 'every attempt has failed since '"
    "  || to_char(s.failing_since at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') end,"
    " updated_at = case when " ENDS " then now() else s.updated_at end"
    " from unnest($1, $2, $3, $4, $5) as r (id, fared, pause_ms, error, slow)"
    " where s.id = r.id and s.is_active"
    " and (r.fared > 0 or s.failures > 0 or s.is_slow <> (r.slow <> 0))",
    { CH_PG_UUIDS, CH_PG_INTS, CH_PG_INTS, CH_PG_TEXTS, CH_PG_INTS, CH_PG_INT },
};

/* $1 before this id, $2 how many. Of a subscription that was deleted: all. */
static const ChPgStatement sql_prune_webhooks = {
    "delete from webhooks where ctid = any(array(select d.place from subscriptions s"
    " cross join lateral (select w.ctid as place from webhooks w where w.subscription_id = s.id"
    "  and w.notification_id < case when s.deleted_at is null then $1"
    "  else 'ffffffff-ffff-ffff-ffff-ffffffffffff' end limit $2) d limit $2))",
    { CH_PG_UUID, CH_PG_INT },
};

static const ChPgStatement sql_prune_subscriptions = {
    "delete from subscriptions s where s.deleted_at is not null"
    " and not exists (select from webhooks w where w.subscription_id = s.id)",
    { CH_PG_NONE },
};

/* $1 how many may wait. */
static const ChPgStatement sql_disable_overfull = {
    "update subscriptions s set is_active = false, updated_at = now(),"
    " disabled_reason = 'more than ' || $1 || ' webhooks wait'"
    " where s.is_active and (select count(*) from (select from webhooks w"
    "  where w.subscription_id = s.id and w.status in (1, 2) limit $1 + 1) as waiting) > $1",
    { CH_PG_INT },
};

typedef struct {
    NotificationWebhookStore base;
    ChPg *pg;
} PgWebhooks;

static const NotificationWebhookStoreOps pg_webhooks_ops;

static ChPg *pg_of(NotificationWebhookStore *self)
{
    return CH_CAST(PgWebhooks, self, &pg_webhooks_ops)->pg;
}

/* ---- claiming ---- */

static NotificationWebhook *read_claim(const ChPgRows *rows, size_t row)
{
    NotificationWebhook *webhook = g_new0(NotificationWebhook, 1);
    webhook->subscription_id = ch_pg_uuid(rows, row, CLAIM_SUBSCRIPTION_ID);
    webhook->id = ch_pg_uuid(rows, row, CLAIM_ID);
    webhook->event_id = ch_pg_uuid(rows, row, CLAIM_EVENT_ID);
    webhook->order_id = ch_pg_uuid(rows, row, CLAIM_ORDER_ID);
    webhook->customer_id = ch_pg_uuid(rows, row, CLAIM_CUSTOMER_ID);
    webhook->code = notification_code_find(ch_pg_text(rows, row, CLAIM_CODE));
    notification_values_from_json(ch_pg_text(rows, row, CLAIM_PARAMETERS), webhook->code,
                                  &webhook->values);
    webhook->noted_us = ch_pg_time(rows, row, CLAIM_CREATED_AT);
    webhook->attempt = ch_pg_int(rows, row, CLAIM_ATTEMPTS);
    webhook->failures = ch_pg_int(rows, row, CLAIM_FAILURES);
    webhook->trace = notification_trace_of(ch_pg_text(rows, row, CLAIM_TRACEPARENT),
                                           ch_pg_text(rows, row, CLAIM_TRACE_ID));
    webhook->url = g_strdup(ch_pg_text(rows, row, CLAIM_URL));
    webhook->secret = g_strdup(ch_pg_text(rows, row, CLAIM_SECRET));
    return webhook;
}

static bool claim(NotificationWebhookStore *self, bool apart, size_t max, int64_t lease_ms,
                  NotificationWebhook **webhooks, size_t *n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_claim_webhooks);
    ch_pg_add_int(params, 0, (int64_t)max);
    ch_pg_add_int(params, 1, lease_ms);
    ch_pg_add_int(params, 2, EACH_AT_ONCE);
    ch_pg_add_int(params, 3, apart);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    *n = ch_pg_rows_count(rows);
    for (size_t i = 0; i < *n; i++)
        webhooks[i] = read_claim(rows, i);
    return true;
}

/* ---- recording ---- */

static bool record_webhooks(ChPg *pg, const NotificationWebhook *const *webhooks, size_t n,
                            GError **error)
{
    static const NotificationStatus status_after[] = {
        [NOTIFICATION_DELIVERED] = NOTIFICATION_SENT,
        [NOTIFICATION_REFUSED] = NOTIFICATION_FAILED,
        [NOTIFICATION_TRY_LATER] = NOTIFICATION_PENDING,
        [NOTIFICATION_GIVEN_BACK] = NOTIFICATION_PENDING,
    };
    ChPgParams *params = ch_pg_params_new(&sql_record_webhooks);
    for (size_t i = 0; i < n; i++) {
        const NotificationWebhook *webhook = webhooks[i];
        bool counts = webhook->verdict != NOTIFICATION_GIVEN_BACK;
        g_assert(webhook->verdict != NOTIFICATION_UNDECIDED);
        ch_pg_add_uuid(params, 0, webhook->subscription_id);
        ch_pg_add_uuid(params, 1, webhook->id);
        ch_pg_add_int(params, 2, webhook->attempt);
        ch_pg_add_int(params, 3, status_after[webhook->verdict]);
        ch_pg_add_int(params, 4, counts ? webhook->attempt : webhook->attempt - 1);
        ch_pg_add_int(params, 5, webhook->retry_after_ms);
        if (webhook->http_status != 0)
            ch_pg_add_int(params, 6, webhook->http_status);
        else
            ch_pg_add_null(params, 6);
        ch_pg_add_text(params, 7, webhook->error);
    }
    return ch_pg_send(pg, params, NULL, error);
}

/* How a subscription fared in a batch; the numbers are those of the statement. */
typedef enum {
    TOOK,    /* one at least */
    FAILED,  /* one at least, and took none */
    UNWANTED /* it wants no more */
} Fared;

typedef struct {
    const NotificationWebhook *last; /* that failed, if any did */
    bool took;
    bool slow; /* what it took, if only one */
} Tally;

static void add_subscription(ChPgParams *params, const Tally *tally, ChUuid id)
{
    Fared fared = tally->took ? TOOK : tally->last->is_unwanted ? UNWANTED : FAILED;
    ch_pg_add_uuid(params, 0, id);
    ch_pg_add_int(params, 1, fared);
    ch_pg_add_int(params, 2, tally->last != NULL ? tally->last->pause_ms : 0);
    ch_pg_add_text(params, 3, tally->last != NULL ? tally->last->error : NULL);
    ch_pg_add_int(params, 4, tally->slow);
}

static int compare_subscriptions(const void *a, const void *b)
{
    const NotificationWebhook *const *first = a;
    const NotificationWebhook *const *second = b;
    return ch_uuid_compare((*first)->subscription_id, (*second)->subscription_id);
}

/* In the order of their ids, so that two lanes cannot wait for each other. Those of which nothing
 * was tried are left out. */
static bool record_subscriptions(ChPg *pg, const NotificationWebhook *const *webhooks, size_t n,
                                 int64_t disable_after_ms, GError **error)
{
    g_autofree const NotificationWebhook **sorted = g_memdup2(webhooks, n * sizeof *webhooks);
    qsort(sorted, n, sizeof *sorted, compare_subscriptions);
    ChPgParams *params = ch_pg_params_new(&sql_record_subscriptions);
    for (size_t first = 0, end; first < n; first = end) {
        Tally tally = { NULL, false, false };
        for (end = first; end < n && compare_subscriptions(&sorted[first], &sorted[end]) == 0;
             end++) {
            tally.took |= sorted[end]->verdict == NOTIFICATION_DELIVERED;
            tally.slow |= sorted[end]->was_slow;
            if (sorted[end]->pause_ms > 0)
                tally.last = sorted[end];
        }
        if (tally.took || tally.last != NULL)
            add_subscription(params, &tally, sorted[first]->subscription_id);
    }
    ch_pg_add_int(params, 5, disable_after_ms);
    return ch_pg_send(pg, params, NULL, error);
}

static bool record(NotificationWebhookStore *self, const NotificationWebhook *const *webhooks,
                   size_t n, int64_t disable_after_ms, GError **error)
{
    ChPg *pg = pg_of(self);
    return record_webhooks(pg, webhooks, n, error) &&
           record_subscriptions(pg, webhooks, n, disable_after_ms, error);
}

/* ---- upkeep ---- */

static bool prune(NotificationWebhookStore *self, int64_t before_us, int64_t max, size_t *n,
                  GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_prune_webhooks);
    ch_pg_add_uuid(params, 0, ch_uuid_at(before_us));
    ch_pg_add_int(params, 1, max);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL ||
        !ch_pg_send(pg_of(self), ch_pg_params_new(&sql_prune_subscriptions), NULL, error))
        return false;
    *n = ch_pg_rows_affected(rows);
    return true;
}

static bool disable_overfull(NotificationWebhookStore *self, int64_t max, size_t *n, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_disable_overfull);
    ch_pg_add_int(params, 0, max);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    *n = ch_pg_rows_affected(rows);
    return true;
}

static void free_store(NotificationWebhookStore *self)
{
    g_free(CH_CAST(PgWebhooks, self, &pg_webhooks_ops));
}

static const NotificationWebhookStoreOps pg_webhooks_ops = {
    .claim = claim,
    .record = record,
    .prune = prune,
    .disable_overfull = disable_overfull,
    .free = free_store,
};

NotificationWebhookStore *notification_pg_webhooks_new(ChPg *pg)
{
    PgWebhooks *store = g_new0(PgWebhooks, 1);
    store->base.ops = &pg_webhooks_ops;
    store->pg = pg;
    return &store->base;
}
