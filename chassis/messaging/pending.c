/* Looking for messages by what they are about. The outbox has no index for that: it would be
 * maintained at every insert and every publication. Its ids tell times, so a short run of rows is
 * looked through from where the announcement would be. */
#include "chassis/messaging/pending.h"

#include "chassis/core/trace.h"
#include "chassis/json/json_writer.h"

#define FOUND "id, message_type, message_id, failed_queue"
#define NAMES_IT "position((select convert_to($1::text, 'UTF8')) in body) > 0"

/* $1 subject, $2 ids of the outbox to look from, $3 rows looked at, $4 rows of each place. */
static const ChPgStatement sql_find_pending = {
    "select place, " FOUND ", reason, traceparent, attempts, since from ("
    "(select distinct on (id) 1 as place, " FOUND ", error as reason, traceparent,"
    "  case when failed_queue is null then attempts else retry_count end as attempts,"
    "  created_at as since"
    "  from unnest($2) as start (low) cross join lateral"
    "   (select * from outbox where id >= start.low order by id limit $3) nearby"
    "  where " NAMES_IT " order by id limit $4)"
    " union all (select 2, " FOUND ", reason, traceparent, attempts, parked_at"
    "  from (select * from outbox_parked order by id desc limit $3) parked"
    "  where " NAMES_IT " order by id limit $4)"
    " union all (select 3, id, message_type, message_id, queue, reason, traceparent, attempts,"
    "  died_at from dead_letters where subject = $1 and act is null order by id limit $4)) found"
    " order by since, id",
    { CH_PG_UUID, CH_PG_UUIDS, CH_PG_INT, CH_PG_INT },
};
enum {
    FOUND_PLACE,
    FOUND_ID,
    FOUND_TYPE,
    FOUND_MESSAGE_ID,
    FOUND_QUEUE,
    FOUND_REASON,
    FOUND_TRACEPARENT,
    FOUND_ATTEMPTS,
    FOUND_SINCE,
};

/* Clocks differ, and a row's id is made a little before or after what it tells of. */
static const int64_t EARLIER_US = G_USEC_PER_SEC;

static const char *const place_names[] = {
    [CH_PENDING_NOTHING] = "",
    [CH_PENDING_OUTBOX] = "Outbox",
    [CH_PENDING_PARKED] = "Parked",
    [CH_PENDING_DEAD_LETTER] = "DeadLetter",
};
G_STATIC_ASSERT(G_N_ELEMENTS(place_names) == CH_PENDING_PLACES_N);

const char *ch_pending_place_name(ChPendingPlace place)
{
    return place_names[place];
}

static void free_pending(void *opaque)
{
    ChPending *pending = opaque;
    g_free(pending->type);
    g_free(pending->message_id);
    g_free(pending->queue);
    g_free(pending->reason);
    g_free(pending->trace_id);
    g_free(pending);
}

static char *trace_id_of(const char *traceparent)
{
    ChTrace trace;
    char text[CH_TRACE_ID_BYTES];
    if (!ch_trace_parse(traceparent, &trace))
        return NULL;
    ch_trace_id_format(trace, text);
    return g_strdup(text);
}

static ChPending *pending_from(const ChPgRows *rows, size_t row)
{
    ChPending *pending = g_new0(ChPending, 1);
    pending->place = (ChPendingPlace)ch_pg_int(rows, row, FOUND_PLACE);
    pending->id = ch_pg_uuid(rows, row, FOUND_ID);
    pending->type = g_strdup(ch_pg_text(rows, row, FOUND_TYPE));
    pending->message_id = g_strdup(ch_pg_text(rows, row, FOUND_MESSAGE_ID));
    pending->queue = g_strdup(ch_pg_text(rows, row, FOUND_QUEUE));
    pending->reason = g_strdup(ch_pg_text(rows, row, FOUND_REASON));
    pending->trace_id = trace_id_of(ch_pg_text(rows, row, FOUND_TRACEPARENT));
    pending->attempts = ch_pg_int(rows, row, FOUND_ATTEMPTS);
    pending->since_us = ch_pg_time(rows, row, FOUND_SINCE);
    return pending;
}

static ChPgParams *params_of(const ChPendingAsked *asked)
{
    ChPgParams *params = ch_pg_params_new(&sql_find_pending);
    ch_pg_add_uuid(params, 0, asked->subject);
    for (size_t i = 0; i < asked->n_times; i++)
        ch_pg_add_uuid(params, 1, ch_uuid_at(MAX(asked->times_us[i] - EARLIER_US, 0)));
    ch_pg_add_int(params, 2, CH_PENDING_LOOKED_AT);
    ch_pg_add_int(params, 3, CH_PENDING_MAX);
    return params;
}

bool ch_pending_find(ChPg *pg, const ChPendingAsked *asked, size_t n, GPtrArray **found,
                     GError **error)
{
    g_autofree ChPgParams **params = g_new(ChPgParams *, n);
    for (size_t i = 0; i < n; i++)
        params[i] = params_of(&asked[i]);
    ChPgRows **rows = ch_pg_query_all(pg, params, n, error);
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        found[i] = g_ptr_array_new_with_free_func(free_pending);
        for (size_t row = 0; row < ch_pg_rows_count(rows[i]); row++)
            g_ptr_array_add(found[i], pending_from(rows[i], row));
    }
    ch_pg_rows_free_all(rows, n);
    return true;
}

ChPendingPlace ch_pending_worst(const GPtrArray *pending)
{
    ChPendingPlace worst = CH_PENDING_NOTHING;
    for (guint i = 0; i < pending->len; i++) {
        const ChPending *one = g_ptr_array_index(pending, i);
        worst = MAX(worst, one->place);
    }
    return worst;
}

const ChPending *ch_pending_unpublished(const GPtrArray *pending, const char *type)
{
    for (guint i = 0; i < pending->len; i++) {
        const ChPending *one = g_ptr_array_index(pending, i);
        bool waits = one->place == CH_PENDING_OUTBOX || one->place == CH_PENDING_PARKED;
        if (waits && one->queue == NULL && g_strcmp0(one->type, type) == 0)
            return one;
    }
    return NULL;
}

static void add_known(GString *json, const char *key, const char *text)
{
    if (text != NULL)
        ch_json_add_text(json, key, text);
}

void ch_pending_write(GString *json, const GPtrArray *pending)
{
    ch_json_begin_array(json, "pending");
    for (guint i = 0; i < pending->len; i++) {
        const ChPending *one = g_ptr_array_index(pending, i);
        ch_json_begin_object(json, NULL);
        ch_json_add_text(json, "place", ch_pending_place_name(one->place));
        ch_json_add_uuid(json, "id", one->id);
        add_known(json, "type", one->type);
        add_known(json, "messageId", one->message_id);
        add_known(json, "queue", one->queue);
        add_known(json, "reason", one->reason);
        ch_json_add_integer(json, "attempts", one->attempts);
        ch_json_add_time(json, "since", one->since_us);
        add_known(json, "traceId", one->trace_id);
        ch_json_end_object(json);
    }
    ch_json_end_array(json);
}
