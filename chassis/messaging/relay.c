/* Claim, publish, delete: one transaction.
 *
 * Publish first, delete second: a crash in between publishes twice, and consumers drop the
 * duplicate; the other order would lose the event. */
#include "chassis/messaging/relay.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/messaging/message_span.h"
#include "chassis/postgres/floor.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/telemetry/metrics.h"

enum {
    MAX_CLAIM = 1000,
    CONFIRM_WAIT_MS = 5000, /* for the next one, 15 s for all; then the transaction is rolled back,
                             * before the database ends one that is idle for 30 s */
    /* When the outbox is looked at again: after something was found, twice as long as the last run
     * took, so that claims are large when the load is; then ever later, in proportion to how long
     * nothing was found. */
    PAUSE_RUNS = 2,
    SOONEST_US = 2 * 1000,
    LATEST_BUSY_US = 25 * 1000,
    LATEST_IDLE_US = 50 * 1000,
    IDLE_PARTS = 32,
    MAX_ATTEMPTS = 20, /* with waits of 1, 2, 4, ... 30 s: about 8 minutes, then it is parked */
};

/* $1: how many, $2: from which id on. No watermark: ids do not become visible in their order, and
 * what the floor passes by is found by the next whole claim. */
static const ChPgStatement sql_claim_outbox = {
    "select id, message_id, exchange, routing_key, message_type, body, traceparent, retry_count,"
    " failed_queue, error, mandatory, created_at, id::text as id_text"
    " from outbox where id >= $2 and not_before <= now() order by id limit $1 for update skip "
    "locked",
    { CH_PG_INT, CH_PG_UUID },
};
enum {
    CLAIM_ID,
    CLAIM_MESSAGE_ID,
    CLAIM_EXCHANGE,
    CLAIM_ROUTING_KEY,
    CLAIM_TYPE,
    CLAIM_BODY,
    CLAIM_TRACEPARENT,
    CLAIM_RETRY_COUNT,
    CLAIM_FAILED_QUEUE,
    CLAIM_ERROR,
    CLAIM_MANDATORY,
    CLAIM_CREATED_AT,
    CLAIM_ID_TEXT,
};

static const ChPgStatement sql_delete_published = {
    "delete from outbox where id = any($1)",
    { CH_PG_UUIDS },
};

/* $1 ids, $2 the reason, $3 how many attempts are allowed. Rows beyond them are parked. */
static const ChPgStatement sql_postpone = {
    "with postponed as ("
    " update outbox set attempts = attempts + 1,"
    "  not_before = now() + least(30, power(2, attempts)) * interval '1 second'"
    " where id = any($1) and attempts < $3),"
    " hopeless as (delete from outbox where id = any($1) and attempts >= $3 returning *)"
    " insert into outbox_parked (id, message_id, exchange, routing_key, message_type, body,"
    "  traceparent, retry_count, failed_queue, error, mandatory, attempts, created_at, reason)"
    " select id, message_id, exchange, routing_key, message_type, body, traceparent, retry_count,"
    "  failed_queue, error, mandatory, attempts, created_at, $2 from hopeless"
    " returning id, message_type, traceparent",
    { CH_PG_UUIDS, CH_PG_TEXT, CH_PG_INT },
};
enum {
    PARKED_ID,
    PARKED_TYPE,
    PARKED_TRACEPARENT
};

CH_COUNTER(published_total, "cartwheel_outbox_published_total", "messages sent to the broker",
           NULL);
CH_COUNTER(confirmed_total, "cartwheel_outbox_confirmed_total", "messages confirmed by the broker",
           NULL);
CH_COUNTER(returned_total, "cartwheel_outbox_returned_total",
           "messages returned because no queue took them", NULL);
CH_COUNTER(refused_total, "cartwheel_outbox_refused_total", "messages refused by the broker", NULL);
CH_COUNTER(parked_total, "cartwheel_outbox_parked_total",
           "messages parked after too many attempts; someone must act", NULL);
CH_HISTOGRAM(batch_size, "cartwheel_outbox_batch_size", "messages published in one batch", NULL,
             CH_BUCKETS_SIZE);
CH_HISTOGRAM(publish_seconds, "cartwheel_outbox_publish_seconds",
             "time from the first publish of a batch to its last confirm", NULL,
             CH_BUCKETS_SECONDS);

struct ChRelay {
    ChPg *pg;
    ChPublisher *publisher;
    ChTicker *ticker;
    const ChControl *control;
    ChPgFloor floor;
    int64_t claim;    /* rows to claim: halved when the broker closes the channel on us, so that the
                       * one at fault soon stands alone, and when it did not confirm all in time;
                       * doubled after success */
    bool more;        /* the run under way leaves something to do at once */
    int64_t found_us; /* monotonic: when something was last found */
};

ChRelay *ch_relay_new(ChPg *pg, ChPublisher *publisher, ChTicker *ticker, const ChControl *control)
{
    ChRelay *relay = g_new0(ChRelay, 1);
    relay->pg = pg;
    relay->publisher = publisher;
    relay->ticker = ticker;
    relay->control = control;
    relay->claim = MAX_CLAIM;
    return relay;
}

void ch_relay_free(ChRelay *relay)
{
    g_free(relay);
}

static ChMessage message_from(const ChPgRows *rows, size_t row)
{
    ChMessage message = {
        .exchange = ch_pg_text(rows, row, CLAIM_EXCHANGE),
        .routing_key = ch_pg_text(rows, row, CLAIM_ROUTING_KEY),
        .message_id = ch_pg_text(rows, row, CLAIM_MESSAGE_ID),
        .type = ch_pg_text(rows, row, CLAIM_TYPE),
        .traceparent = ch_pg_text(rows, row, CLAIM_TRACEPARENT),
        .failed_queue = ch_pg_text(rows, row, CLAIM_FAILED_QUEUE),
        .error = ch_pg_text(rows, row, CLAIM_ERROR),
        .created_us = ch_pg_time(rows, row, CLAIM_CREATED_AT),
        .retry_count = (int)ch_pg_int(rows, row, CLAIM_RETRY_COUNT),
        .mandatory = ch_pg_bool(rows, row, CLAIM_MANDATORY),
    };
    message.body = ch_pg_bytes(rows, row, CLAIM_BODY, &message.body_bytes);
    if (message.failed_queue != NULL)
        message.dead_letter_id = ch_pg_text(rows, row, CLAIM_ID_TEXT);
    return message;
}

static void tell_parked(const ChPgRows *parked, size_t row, const char *reason)
{
    ChTrace trace = { .flags = 0 };
    ch_trace_parse(ch_pg_text(parked, row, PARKED_TRACEPARENT), &trace);
    ch_log_error("outbox message parked; see outbox_parked",
                 CH_ID("outbox_id", ch_pg_uuid(parked, row, PARKED_ID)),
                 CH_STR("type", ch_pg_text(parked, row, PARKED_TYPE)), CH_STR("reason", reason),
                 CH_TRACE(trace));
}

/* The rows of @ids wait and are tried again; those tried too often are parked. */
static bool postpone(ChRelay *relay, ChPgParams *ids, const char *reason, GError **error)
{
    ch_pg_add_text(ids, 1, reason);
    ch_pg_add_int(ids, 2, MAX_ATTEMPTS);
    g_autoptr(ChPgRows) parked = ch_pg_query(relay->pg, ids, error);
    if (parked == NULL)
        return false;
    for (size_t i = 0; i < ch_pg_rows_count(parked); i++)
        tell_parked(parked, i, reason);
    ch_metric_add(ch_metric(&parked_total, NULL), (int64_t)ch_pg_rows_count(parked));
    return true;
}

static bool postpone_all(ChRelay *relay, const ChPgRows *rows, const char *reason, GError **error)
{
    ChPgParams *ids = ch_pg_params_new(&sql_postpone);
    for (size_t i = 0; i < ch_pg_rows_count(rows); i++)
        ch_pg_add_uuid(ids, 0, ch_pg_uuid(rows, i, CLAIM_ID));
    return postpone(relay, ids, reason, error);
}

/* Postpones the rows of @outcome, if there are any. */
static bool postpone_some(ChRelay *relay, const ChPgRows *rows, const ChPublishOutcome *outcomes,
                          ChPublishOutcome outcome, const char *reason, ChMetricFamily *counter,
                          GError **error)
{
    g_autoptr(ChPgParams) ids = ch_pg_params_new(&sql_postpone);
    int64_t n = 0;
    for (size_t i = 0; i < ch_pg_rows_count(rows); i++) {
        if (outcomes[i] != outcome)
            continue;
        ch_pg_add_uuid(ids, 0, ch_pg_uuid(rows, i, CLAIM_ID));
        n++;
    }
    if (n == 0)
        return true;
    ch_metric_add(ch_metric(counter, NULL), n);
    ch_log_warning("outbox messages postponed", CH_INT("messages", n), CH_STR("reason", reason));
    return postpone(relay, g_steal_pointer(&ids), reason, error);
}

static bool delete_confirmed(ChRelay *relay, const ChPgRows *rows, const ChPublishOutcome *outcomes,
                             GError **error)
{
    ChPgParams *ids = ch_pg_params_new(&sql_delete_published);
    int64_t n = 0;
    for (size_t i = 0; i < ch_pg_rows_count(rows); i++) {
        if (outcomes[i] != CH_PUBLISH_CONFIRMED)
            continue;
        ch_pg_add_uuid(ids, 0, ch_pg_uuid(rows, i, CLAIM_ID));
        n++;
    }
    ch_metric_add(ch_metric(&confirmed_total, NULL), n);
    bool deleted = ch_pg_send(relay->pg, ids, NULL, error);
    CH_FAULT_ON("after_delete", "relay");
    return deleted;
}

/* The broker closed the channel: one of these rows is at fault. */
static bool narrow(ChRelay *relay, const ChPgRows *rows, const GError *why, GError **error)
{
    size_t n = ch_pg_rows_count(rows);
    relay->more = true;
    if (n > 1) {
        relay->claim = (int64_t)n / 2;
        return true;
    }
    ChTrace trace = { .flags = 0 };
    ch_trace_parse(ch_pg_text(rows, 0, CLAIM_TRACEPARENT), &trace);
    ch_log_warning("outbox message refused by the broker",
                   CH_ID("outbox_id", ch_pg_uuid(rows, 0, CLAIM_ID)), CH_ERR(why), CH_TRACE(trace));
    return postpone_all(relay, rows, why->message, error);
}

static bool publish(ChRelay *relay, const ChPgRows *rows, GError **error)
{
    size_t n = ch_pg_rows_count(rows);
    g_autofree ChMessage *messages = g_new0(ChMessage, n);
    g_autofree ChPublishOutcome *outcomes = g_new0(ChPublishOutcome, n);
    for (size_t i = 0; i < n; i++)
        messages[i] = message_from(rows, i);
    ChPublishSpans *spans = ch_publish_spans_begin(messages, n);
    int64_t start_us = ch_time_monotonic_us();
    g_autoptr(GError) why = NULL;
    if (!ch_publisher_publish(relay->publisher, messages, n, CONFIRM_WAIT_MS, outcomes, &why)) {
        ch_publish_spans_fail(spans, why->message);
        if (!ch_error_is_unavailable(why))
            return narrow(relay, rows, why, error);
        relay->claim = MAX((int64_t)n / 2, 1);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    ch_publish_spans_end(spans, outcomes);
    CH_FAULT_ON("after_confirm", "relay");
    ch_metric_add(ch_metric(&published_total, NULL), (int64_t)n);
    ch_metric_observe(ch_metric(&batch_size, NULL), (double)n);
    ch_metric_observe_since(ch_metric(&publish_seconds, NULL), start_us);
    if ((int64_t)n == relay->claim)
        relay->more = true;
    relay->claim = MIN(relay->claim * 2, MAX_CLAIM);
    return postpone_some(relay, rows, outcomes, CH_PUBLISH_RETURNED, "no queue takes it",
                         &returned_total, error) &&
           postpone_some(relay, rows, outcomes, CH_PUBLISH_REFUSED, "the broker refuses it",
                         &refused_total, error) &&
           delete_confirmed(relay, rows, outcomes, error);
}

static ChPgRows *claim(ChRelay *relay, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_claim_outbox);
    ch_pg_add_int(params, 0, relay->claim);
    ch_pg_add_uuid(params, 1, ch_uuid_at(ch_pg_floor_begin(&relay->floor)));
    ChPgRows *rows = ch_pg_query(relay->pg, params, error);
    if (rows == NULL)
        return NULL;
    bool found = ch_pg_rows_count(rows) > 0;
    ch_pg_floor_end(&relay->floor, found ? ch_uuid_time_us(ch_pg_uuid(rows, 0, CLAIM_ID)) : 0);
    return rows;
}

/* A run that began at @start_us has ended. */
static void pace(ChRelay *relay, int64_t start_us, bool found)
{
    int64_t now_us = ch_time_monotonic_us();
    if (found)
        relay->found_us = now_us;
    int64_t soonest_us = CLAMP((now_us - start_us) * PAUSE_RUNS, SOONEST_US, LATEST_BUSY_US);
    int64_t idle_us = (now_us - relay->found_us) / IDLE_PARTS;
    if (relay->more)
        ch_ticker_again(relay->ticker);
    else
        ch_ticker_next(relay->ticker, soonest_us, CLAMP(idle_us, soonest_us, LATEST_IDLE_US));
}

bool ch_relay_run(void *context, void *const *items, size_t n, GError **error)
{
    (void)items;
    (void)n;
    ChRelay *relay = context;
    int64_t start_us = ch_time_monotonic_us();
    relay->more = false;
    if (!ch_control_runs(relay->control))
        return ch_publisher_idle(relay->publisher, error);
    g_autoptr(ChPgRows) rows = claim(relay, error);
    if (rows == NULL)
        return false;
    bool found = ch_pg_rows_count(rows) > 0;
    if (found)
        CH_FAULT_ON("after_claim", "relay");
    if (found ? !publish(relay, rows, error) : !ch_publisher_idle(relay->publisher, error))
        return false;
    pace(relay, start_us, found);
    return true;
}
