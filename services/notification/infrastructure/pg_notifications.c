/* Notifications: noted, claimed with a lease, recorded. */
#include "notification/infrastructure/pg_notifications.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/floor.h"
#include "chassis/postgres/pipeline.h"
#include "notification/infrastructure/emptying.h"
#include "notification/infrastructure/trace_ids.h"
#include "notification/infrastructure/values_json.h"

/* $1 ids, $2 events, $3 orders, $4 customers, $5 codes, $6 parameters, $7 trace ids, $8
 * traceparents. Those who have
 * subscribed to such events get a webhook for each that is new. */
static const ChPgStatement sql_insert_notifications = {
    "with noted as (insert into notifications"
    " (id, event_id, order_id, customer_id, template_code, parameters, trace_id,"
    " traceparent)"
    " select id, event_id, order_id, customer_id, template_code, parameters::jsonb, trace_id,"
    " traceparent from unnest($1, $2, $3, $4, $5, $6, $7, $8)"
    " as n (id, event_id, order_id, customer_id, template_code, parameters, trace_id, traceparent)"
    " on conflict (event_id) do nothing returning id, template_code)"
    " insert into webhooks (subscription_id, notification_id) select s.id, noted.id"
    " from noted join subscriptions s on s.is_active and noted.template_code = any(s.events)",
    { CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS,
      CH_PG_TEXTS },
};

/* $1 events as the inbox has them: no notification names these. */
static const ChPgStatement sql_set_apart = {
    "insert into events_apart (event_id) select distinct id from unnest($1) as told (id)"
    " order by id on conflict do nothing",
    { CH_PG_UUIDS },
};

/* $1 events; one row each, in their order. */
static const ChPgStatement sql_events_noted = {
    "select n.id is not null from unnest($1) with ordinality as asked (event_id, place)"
    " left join notifications n on n.event_id = asked.event_id order by place",
    { CH_PG_UUIDS },
};

/* $1 how many, $2 lease in milliseconds, $3 due from when on. SKIP LOCKED: senders share the table.
 * While one is being sent, due_at is the end of its lease: so one whose sender is gone is simply
 * due again. */
static const ChPgStatement sql_claim_notifications = {
    "with due as (select id, due_at from notifications where status in (1, 2)"
    " and due_at between $3 and now() order by due_at limit $1 for update skip locked)"
    " update notifications n set status = 2, attempts = n.attempts + 1,"
    " due_at = now() + $2 * interval '1 millisecond', updated_at = now()"
    " from due where n.id = due.id"
    " returning n.id, coalesce(n.message_id, n.event_id), n.order_id, n.customer_id, "
    "n.template_code, n.parameters::text,"
    " n.attempts, n.traceparent, coalesce(n.resent_at, n.created_at), due.due_at, n.trace_id,"
    " n.channel, n.attempts_before",
    { CH_PG_INT, CH_PG_INT, CH_PG_TIME },
};
enum {
    CLAIM_ID,
    CLAIM_MESSAGE_ID,
    CLAIM_ORDER_ID,
    CLAIM_CUSTOMER_ID,
    CLAIM_CODE,
    CLAIM_PARAMETERS,
    CLAIM_ATTEMPTS,
    CLAIM_TRACEPARENT,
    CLAIM_ASKED_AT,
    CLAIM_DUE_AT,
    CLAIM_TRACE_ID,
    CLAIM_CHANNEL,
    CLAIM_ATTEMPTS_BEFORE,
};

/* $1 ids, $2 the attempts they were claimed as, $3 statuses, $4 attempts that count, $5 wait in
 * milliseconds, $6 channels, $7 destinations, $8 subjects, $9 bodies, $10 errors, $11 sources.
 * Only the claim itself may be settled; but that it was sent is true whoever holds it now. One that
 * was emptied meanwhile stays empty. */
static const ChPgStatement sql_record_results = {
    "update notifications n set status = r.status, attempts = r.counted,"
    " due_at = now() + r.wait_ms * interval '1 millisecond',"
    " channel = coalesce(r.channel::smallint, n.channel),"
    " destination = case when n.emptied_at is null then coalesce(r.destination, n.destination) end,"
    " subject = case when n.emptied_at is null then coalesce(r.subject, n.subject) end,"
    " body = case when n.emptied_at is null then coalesce(r.body, n.body) end,"
    " error = r.error, customer_source = coalesce(r.source, n.customer_source),"
    " sent_at = case when r.status = 3 then now() else n.sent_at end, updated_at = now()"
    " from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as r (id, claimed, status, counted,"
    " wait_ms, channel, destination, subject, body, error, source)"
    " where n.id = r.id"
    " and (n.status = 2 and n.attempts = r.claimed or r.status = 3 and n.status <> 3)",
    { CH_PG_UUIDS, CH_PG_INTS, CH_PG_INTS, CH_PG_INTS, CH_PG_INTS, CH_PG_INTS, CH_PG_TEXTS,
      CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS },
};

/* $1 before this id, $2 how many. Where the last run ended is kept, so that none is looked at
 * twice. */
static const ChPgStatement sql_empty_old = {
    "with old as (select id from notifications"
    "  where id > (select passed from notification_retention) and id < $1 order by id limit $2),"
    " emptied as (update notifications n set " NOTIFICATION_EMPTIED " from old"
    "  where n.id = old.id and n.emptied_at is null),"
    " last as (select id from old order by id desc limit 1),"
    " noted as (update notification_retention r set passed = last.id from last"
    "  where r.passed < last.id)"
    " select count(*) from old",
    { CH_PG_UUID, CH_PG_INT },
};

typedef struct {
    NotificationStore base;
    ChPg *pg;
    ChPgFloor floor; /* of the claims */
} PgStore;

static const NotificationStoreOps pg_store_ops;

static PgStore *store_of(NotificationStore *self)
{
    return CH_CAST(PgStore, self, &pg_store_ops);
}

static ChPg *pg_of(NotificationStore *self)
{
    return store_of(self)->pg;
}

static bool set_apart(NotificationStore *self, const ChUuid *told_as, size_t n, GError **error)
{
    if (n == 0)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_set_apart);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, told_as[i]);
    return ch_pg_send(pg_of(self), params, NULL, error);
}

/* Those that were announced again: rarely any. */
static bool set_repeats_apart(NotificationStore *self, const NotificationEvent *const *events,
                              size_t n, GError **error)
{
    g_autofree ChUuid *repeats = g_new(ChUuid, n);
    size_t repeats_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ch_uuid_equal(events[i]->told_as, events[i]->event_id))
            repeats[repeats_n++] = events[i]->told_as;
    }
    return set_apart(self, repeats, repeats_n, error);
}

static bool insert(NotificationStore *self, const NotificationEvent *const *events, size_t n,
                   GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_insert_notifications);
    for (size_t i = 0; i < n; i++) {
        const NotificationEvent *event = events[i];
        g_autofree char *values = notification_values_to_json(&event->values, event->code);
        char trace_id[CH_TRACE_ID_BYTES];
        char traceparent[CH_TRACEPARENT_BYTES];
        bool traced = ch_trace_is_set(event->trace);
        ch_trace_id_format(event->trace, trace_id);
        ch_trace_format(event->trace, traceparent);
        ch_pg_add_uuid(params, 0, ch_uuid_new());
        ch_pg_add_uuid(params, 1, event->event_id);
        ch_pg_add_uuid(params, 2, event->order_id);
        ch_pg_add_uuid(params, 3, event->customer_id);
        ch_pg_add_text(params, 4, notification_code_info(event->code)->name);
        ch_pg_add_text(params, 5, values);
        ch_pg_add_text(params, 6, traced ? trace_id : NULL);
        ch_pg_add_text(params, 7, traced ? traceparent : NULL);
    }
    return ch_pg_send(pg_of(self), params, NULL, error) &&
           set_repeats_apart(self, events, n, error);
}

static bool noted(NotificationStore *self, const ChUuid *event_ids, size_t n, bool *found,
                  GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_events_noted);
    for (size_t i = 0; i < n; i++)
        ch_pg_add_uuid(params, 0, event_ids[i]);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        found[i] = ch_pg_bool(rows, i, 0);
    return true;
}

/* ---- claiming ---- */

static NotificationDelivery *read_claim(const ChPgRows *rows, size_t row)
{
    NotificationDelivery *delivery = g_new0(NotificationDelivery, 1);
    delivery->id = ch_pg_uuid(rows, row, CLAIM_ID);
    delivery->message_id = ch_pg_uuid(rows, row, CLAIM_MESSAGE_ID);
    delivery->order_id = ch_pg_uuid(rows, row, CLAIM_ORDER_ID);
    delivery->customer_id = ch_pg_uuid(rows, row, CLAIM_CUSTOMER_ID);
    delivery->code = notification_code_find(ch_pg_text(rows, row, CLAIM_CODE));
    notification_values_from_json(ch_pg_text(rows, row, CLAIM_PARAMETERS), delivery->code,
                                  &delivery->values);
    delivery->attempt = ch_pg_int(rows, row, CLAIM_ATTEMPTS);
    delivery->attempts_before = ch_pg_int(rows, row, CLAIM_ATTEMPTS_BEFORE);
    delivery->asked_us = ch_pg_time(rows, row, CLAIM_ASKED_AT);
    delivery->channel = (NotificationChannelKind)ch_pg_int(rows, row, CLAIM_CHANNEL);
    delivery->trace = notification_trace_of(ch_pg_text(rows, row, CLAIM_TRACEPARENT),
                                            ch_pg_text(rows, row, CLAIM_TRACE_ID));
    return delivery;
}

static bool claim(NotificationStore *self, size_t max, int64_t lease_ms,
                  NotificationDelivery **deliveries, size_t *n, GError **error)
{
    ChPgFloor *floor = &store_of(self)->floor;
    ChPgParams *params = ch_pg_params_new(&sql_claim_notifications);
    ch_pg_add_int(params, 0, (int64_t)max);
    ch_pg_add_int(params, 1, lease_ms);
    ch_pg_add_time(params, 2, ch_pg_floor_begin(floor));
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    int64_t oldest_us = 0;
    *n = ch_pg_rows_count(rows);
    for (size_t i = 0; i < *n; i++) {
        int64_t due_us = ch_pg_time(rows, i, CLAIM_DUE_AT);
        oldest_us = i == 0 ? due_us : MIN(oldest_us, due_us);
        deliveries[i] = read_claim(rows, i);
    }
    ch_pg_floor_end(floor, oldest_us);
    return true;
}

/* ---- recording ---- */

static NotificationStatus status_after(NotificationVerdict verdict)
{
    switch (verdict) {
    case NOTIFICATION_DELIVERED:
        return NOTIFICATION_SENT;
    case NOTIFICATION_REFUSED:
        return NOTIFICATION_FAILED;
    case NOTIFICATION_TRY_LATER:
    case NOTIFICATION_GIVEN_BACK:
        return NOTIFICATION_PENDING;
    case NOTIFICATION_UNDECIDED:
        break;
    }
    g_assert_not_reached();
}

static const char *source_of(const NotificationDelivery *delivery)
{
    if (!delivery->customer_known)
        return NULL;
    return delivery->fallback ? "fallback" : "service";
}

static bool record(NotificationStore *self, const NotificationDelivery *const *deliveries, size_t n,
                   GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_record_results);
    for (size_t i = 0; i < n; i++) {
        const NotificationDelivery *delivery = deliveries[i];
        bool took_place = delivery->verdict != NOTIFICATION_GIVEN_BACK;
        ch_pg_add_uuid(params, 0, delivery->id);
        ch_pg_add_int(params, 1, delivery->attempt);
        ch_pg_add_int(params, 2, status_after(delivery->verdict));
        ch_pg_add_int(params, 3, took_place ? delivery->attempt : delivery->attempt - 1);
        ch_pg_add_int(params, 4, delivery->retry_after_ms);
        if (delivery->channel != NOTIFICATION_NO_CHANNEL)
            ch_pg_add_int(params, 5, delivery->channel);
        else
            ch_pg_add_null(params, 5);
        ch_pg_add_text(params, 6, delivery->destination);
        ch_pg_add_text(params, 7, delivery->subject);
        ch_pg_add_text(params, 8, delivery->body);
        ch_pg_add_text(params, 9, delivery->error);
        ch_pg_add_text(params, 10, source_of(delivery));
    }
    return ch_pg_send(pg_of(self), params, NULL, error);
}

/* ---- growing old ---- */

static bool empty_old(NotificationStore *self, int64_t before_us, int64_t max, size_t *n,
                      GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_empty_old);
    ch_pg_add_uuid(params, 0, ch_uuid_at(before_us));
    ch_pg_add_int(params, 1, max);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    *n = (size_t)ch_pg_int(rows, 0, 0);
    return true;
}

static void free_store(NotificationStore *self)
{
    g_free(store_of(self));
}

static const NotificationStoreOps pg_store_ops = {
    .insert = insert,
    .noted = noted,
    .set_apart = set_apart,
    .claim = claim,
    .record = record,
    .empty_old = empty_old,
    .free = free_store,
};

NotificationStore *notification_pg_store_new(ChPg *pg)
{
    PgStore *store = g_new0(PgStore, 1);
    store->base.ops = &pg_store_ops;
    store->pg = pg;
    return &store->base;
}
