/* Where it stands is a row of auditor_checks, whose position is three ids: where telling began, up
 * to where every order was told of once, and up to where this lap over them has come. */
#include "chassis/messaging/outcomes.h"

#include "chassis/core/time.h"
#include "chassis/messaging/outbox.h"
#include "chassis/messaging/outcomes_event.h"
#include "chassis/telemetry/metrics.h"

#include <string.h>

enum {
    PARTS = 400, /* of the time; comparing takes as much in the order worker, for two services */
    ROWS = 2000, /* of a range; fewer, where they take longer than a statement may */
    LEAST_ROWS = 50,
    ID_CHARS = CH_UUID_TEXT_BYTES - 1,
    POSITION_BYTES = 3 * CH_UUID_TEXT_BYTES, /* two spaces, and the final zero */
    CLOCKS_MS = 60 * 60 * 1000, /* an event's id may be from so far ahead; others are no times */
    FIRST_MS = 1000,            /* before it has found out where it stands */
};

/* A range that took longer than some milliseconds waited for its server, which costs nobody
 * anything. */
static const int64_t MOST_REST_US = INT64_C(10) * G_USEC_PER_SEC;

#define ID_OF_MS(ms)                                                                               \
    "(lpad(to_hex((extract(epoch from now()) * 1000)::bigint + (" ms "))"                          \
    ", 12, '0') || '00000000000000000000')::uuid"

/* $1 settled_after. Another copy has what is locked. */
static const ChPgStatement sql_claim = {
    "select position, " ID_OF_MS("-$1") " from auditor_checks where name = 'outcomes'"
                                        " for update skip locked",
    { CH_PG_INT },
};
enum {
    CLAIM_POSITION,
    CLAIM_SETTLED,
};

static const ChPgStatement sql_insert = {
    "insert into auditor_checks (name) values ('outcomes') on conflict do nothing",
    { CH_PG_NONE },
};

/* $1 position. */
static const ChPgStatement sql_advance = {
    "update auditor_checks set position = $1 where name = 'outcomes'",
    { CH_PG_TEXT },
};

/* $1 a queue, $2 what is no time. Of the events that were taken in from it the one about the newest
 * order, since an event's id has its order's time: it was sent later than that, and what was sent
 * before it has come. */
static const ChPgStatement sql_newest_order = {
    "select event_id from inbox where consumer = $1 and event_id < " ID_OF_MS(
        "$2") " order by event_id desc limit 1",
    { CH_PG_TEXT, CH_PG_INT },
};

/* $1 after, $2 up to, $3 how many. Whatever was done about them. */
static const ChPgStatement sql_select_open = {
    "select distinct subject from dead_letters where subject > $1 and subject <= $2"
    " order by subject limit $3",
    { CH_PG_UUID, CH_PG_UUID, CH_PG_INT },
};

CH_COUNTER(told_total, "cartwheel_outcomes_told_total",
           "digests of orders' outcomes that were sent to the order service", NULL);

/* How far a queue is. That the event of an order was taken in says that those sent before it have
 * come, but not that all are done with: a copy that holds them may be behind, and some wait to be
 * tried again. So an order counts once it has been the newest for the time in which all settles. */
typedef struct {
    int64_t newest_us, seen_us; /* the newest order's time, and since when (monotonic); 0: none */
    int64_t through_us;
} Progress;

struct ChOutcomesTeller {
    ChPg *pg;
    const ChOutcomes *outcomes;
    ChOutcomesPace pace;
    Progress confirmed, cancelled;
    int64_t rows;
    bool is_laps_turn;
    int64_t new_due_us; /* monotonic, as the next two */
    int64_t lap_due_us;
    int64_t due_us;
};

typedef struct {
    ChUuid began, told, lap;
} Position;

/* ---- where it stands ---- */

/* At '' everything begins at @settled. */
static void read_position(const char *text, ChUuid settled, Position *position)
{
    if (strlen(text) != POSITION_BYTES - 1 || !ch_uuid_parse(text, ID_CHARS, &position->began) ||
        !ch_uuid_parse(text + CH_UUID_TEXT_BYTES, ID_CHARS, &position->told) ||
        !ch_uuid_parse(text + 2 * CH_UUID_TEXT_BYTES, ID_CHARS, &position->lap))
        *position = (Position){ settled, settled, settled };
}

static bool advance(ChOutcomesTeller *teller, const Position *position, GError **error)
{
    char began[CH_UUID_TEXT_BYTES];
    char told[CH_UUID_TEXT_BYTES];
    char lap[CH_UUID_TEXT_BYTES];
    char text[POSITION_BYTES];
    ch_uuid_format(position->began, began);
    ch_uuid_format(position->told, told);
    ch_uuid_format(position->lap, lap);
    g_snprintf(text, sizeof text, "%s %s %s", began, told, lap);
    ChPgParams *params = ch_pg_params_new(&sql_advance);
    ch_pg_add_text(params, 0, text);
    return ch_pg_send(teller->pg, params, NULL, error) && ch_pg_wait(teller->pg, error);
}

/* ---- what there is to tell ---- */

static ChPgParams *of_range(const ChPgStatement *statement, const ChOutcomesDigest *digest,
                            int64_t most)
{
    ChPgParams *params = ch_pg_params_new(statement);
    ch_pg_add_uuid(params, 0, digest->after);
    ch_pg_add_uuid(params, 1, digest->up_to);
    ch_pg_add_int(params, 2, most);
    return params;
}

static ChPgParams *newest_order(const char *queue)
{
    ChPgParams *params = ch_pg_params_new(&sql_newest_order);
    ch_pg_add_text(params, 0, queue);
    ch_pg_add_int(params, 1, CLOCKS_MS);
    return params;
}

/* Up to when all was taken in and done with; the first second there was, while that is unknown. */
static int64_t through(Progress *progress, const ChPgRows *newest, int64_t settled_after_us)
{
    int64_t now_us = ch_time_monotonic_us();
    if (progress->newest_us > 0 && now_us - progress->seen_us >= settled_after_us) {
        progress->through_us = progress->newest_us - settled_after_us;
        progress->newest_us = 0;
    }
    if (progress->newest_us == 0 && ch_pg_rows_count(newest) > 0) {
        progress->newest_us = ch_uuid_time_us(ch_pg_uuid(newest, 0, 0));
        progress->seen_us = now_us;
    }
    return MAX(progress->through_us, G_USEC_PER_SEC);
}

enum {
    ASK_CONFIRMED, /* before what it is about: what came meanwhile is in the rows, too */
    ASK_CANCELLED,
    ASK_OPEN,
    ASK_ROWS,
    ASK_N,
};

/* Fills in all of @digest but its range, whose end moves to the last of so many rows. */
static void take(ChOutcomesTeller *teller, ChPgRows *const *rows, ChOutcomesDigest *digest,
                 bool *is_full)
{
    int64_t settled_after_us = teller->pace.settled_after_ms * 1000;
    size_t n = ch_pg_rows_count(rows[ASK_ROWS]);
    for (size_t row = 0; row < n; row++) {
        int64_t value = ch_pg_int(rows[ASK_ROWS], row, 1);
        if (value != 0)
            ch_digest_add(&digest->digest, ch_pg_uuid(rows[ASK_ROWS], row, 0), value);
    }
    *is_full = n == (size_t)teller->rows;
    if (*is_full)
        digest->up_to = ch_pg_uuid(rows[ASK_ROWS], n - 1, 0);
    if (teller->outcomes->confirmed_queue != NULL)
        digest->confirmed_through_us =
            through(&teller->confirmed, rows[ASK_CONFIRMED], settled_after_us);
    if (teller->outcomes->cancelled_queue != NULL)
        digest->cancelled_through_us =
            through(&teller->cancelled, rows[ASK_CANCELLED], settled_after_us);
    for (size_t row = 0; row < ch_pg_rows_count(rows[ASK_OPEN]); row++) {
        ChUuid id = ch_pg_uuid(rows[ASK_OPEN], row, 0);
        if (ch_uuid_compare(id, digest->up_to) <= 0)
            g_array_append_val(digest->open, id);
    }
}

static bool look(ChOutcomesTeller *teller, ChOutcomesDigest *digest, bool *is_full, GError **error)
{
    const ChOutcomes *outcomes = teller->outcomes;
    ChPgParams *const asked[ASK_N] = {
        [ASK_CONFIRMED] =
            newest_order(outcomes->confirmed_queue == NULL ? "" : outcomes->confirmed_queue),
        [ASK_CANCELLED] =
            newest_order(outcomes->cancelled_queue == NULL ? "" : outcomes->cancelled_queue),
        [ASK_OPEN] = of_range(&sql_select_open, digest, CH_OUTCOMES_MOST_OPEN),
        [ASK_ROWS] = of_range(outcomes->look, digest, teller->rows),
    };
    digest->taken_us = ch_time_now_us();
    digest->digest.seed = (uint64_t)digest->taken_us;
    digest->settled_us = digest->taken_us - teller->pace.settled_after_ms * 1000;
    ChPgRows **rows = ch_pg_query_all(teller->pg, asked, ASK_N, error);
    if (rows == NULL)
        return false;
    take(teller, rows, digest, is_full);
    ch_pg_rows_free_all(rows, ASK_N);
    return true;
}

/* ---- telling ---- */

static bool send(ChOutcomesTeller *teller, const ChOutcomesDigest *digest, GError **error)
{
    ChUuid id = ch_uuid_new();
    char id_text[CH_UUID_TEXT_BYTES];
    char traceparent[CH_TRACEPARENT_BYTES];
    ch_uuid_format(id, id_text);
    ch_trace_format(ch_trace_new(), traceparent);
    GString *body = ch_outcomes_event(id, teller->outcomes->service, digest);
    const ChOutboxMessage message = {
        .message_id = id_text,
        .exchange = "",
        .routing_key = CH_OUTCOMES_QUEUE,
        .type = CH_OUTCOMES_EVENT,
        .body = body->str,
        .body_bytes = body->len,
        .traceparent = traceparent,
        .mandatory = false, /* the order service may be another's */
    };
    bool ok = ch_outbox_add(teller->pg, &message, 1, error);
    g_string_free(body, TRUE);
    if (ok)
        ch_metric_add(ch_metric(&told_total, NULL), 1);
    return ok;
}

/* Tells of what is after @digest's beginning. */
static bool tell(ChOutcomesTeller *teller, ChOutcomesDigest *digest, bool *is_full, GError **error)
{
    digest->open = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    bool ok = look(teller, digest, is_full, error) && send(teller, digest, error);
    ch_outcomes_digest_clear(digest);
    return ok;
}

static bool tell_new(ChOutcomesTeller *teller, Position *position, ChUuid settled, GError **error)
{
    ChOutcomesDigest digest = { .after = position->told, .up_to = settled };
    bool is_full = false;
    if (!tell(teller, &digest, &is_full, error))
        return false;
    position->told = digest.up_to;
    if (!is_full)
        teller->new_due_us = ch_time_monotonic_us() + teller->pace.period_ms * 1000;
    return true;
}

static bool tell_old(ChOutcomesTeller *teller, Position *position, GError **error)
{
    ChOutcomesDigest digest = { .after = position->lap, .up_to = position->told };
    bool is_full = false;
    if (!tell(teller, &digest, &is_full, error))
        return false;
    position->lap = digest.up_to;
    if (is_full && ch_uuid_compare(position->lap, position->told) < 0)
        return true;
    position->lap = position->began;
    teller->lap_due_us = ch_time_monotonic_us() + teller->pace.period_ms * 1000;
    return true;
}

/* What is new and a lap take turns when both are due. */
static bool tell_next(ChOutcomesTeller *teller, const ChPgRows *claim, GError **error)
{
    ChUuid settled = ch_pg_uuid(claim, 0, CLAIM_SETTLED);
    int64_t now_us = ch_time_monotonic_us();
    Position position;
    read_position(ch_pg_text(claim, 0, CLAIM_POSITION), settled, &position);
    bool ok = true;
    bool is_new_due = now_us >= teller->new_due_us && ch_uuid_compare(position.told, settled) < 0;
    bool is_lap_due =
        now_us >= teller->lap_due_us && ch_uuid_compare(position.lap, position.told) < 0;
    bool is_laps_turn = is_lap_due && (teller->is_laps_turn || !is_new_due);
    teller->is_laps_turn = !is_laps_turn;
    if (is_laps_turn)
        ok = tell_old(teller, &position, error);
    else if (is_new_due)
        ok = tell_new(teller, &position, settled, error);
    else
        ch_outcomes_teller_put_off(teller); /* other copies do it, or it begins */
    return ok && advance(teller, &position, error);
}

/* As many rows as the server can look at within a statement's time. */
static bool tell_what_is_due(ChOutcomesTeller *teller, const ChPgRows *claim, GError **error)
{
    bool ok = tell_next(teller, claim, error);
    if (ok)
        teller->rows = MIN(teller->rows * 2, ROWS);
    else if (ch_pg_timed_out(teller->pg))
        teller->rows = MAX(teller->rows / 2, LEAST_ROWS);
    return ok;
}

bool ch_outcomes_teller_run(ChOutcomesTeller *teller, GError **error)
{
    int64_t start_us = ch_time_monotonic_us();
    ChPgParams *params = ch_pg_params_new(&sql_claim);
    ch_pg_add_int(params, 0, teller->pace.settled_after_ms);
    g_autoptr(ChPgRows) claim = ch_pg_query(teller->pg, params, error);
    if (claim == NULL)
        return false;
    bool is_there = ch_pg_rows_count(claim) > 0;
    if (is_there && !tell_what_is_due(teller, claim, error))
        return false;
    if (!is_there) {
        if (!ch_pg_send(teller->pg, ch_pg_params_new(&sql_insert), NULL, error))
            return false;
        teller->due_us = start_us + FIRST_MS * 1000;
        return true;
    }
    int64_t rested_us =
        MIN(ch_time_again_us(start_us, PARTS), ch_time_monotonic_us() + MOST_REST_US);
    teller->due_us = MAX(MIN(teller->new_due_us, teller->lap_due_us), rested_us);
    return true;
}

/* ---- life ---- */

int64_t ch_outcomes_teller_due_us(const ChOutcomesTeller *teller)
{
    return teller->due_us;
}

void ch_outcomes_teller_put_off(ChOutcomesTeller *teller)
{
    int64_t next_us = ch_time_monotonic_us() + teller->pace.period_ms * 1000;
    teller->new_due_us = next_us;
    teller->lap_due_us = next_us;
    teller->due_us = next_us;
}

ChOutcomesTeller *ch_outcomes_teller_new(ChPg *pg, const ChOutcomes *outcomes, ChOutcomesPace pace)
{
    ChOutcomesTeller *teller = g_new0(ChOutcomesTeller, 1);
    teller->pg = pg;
    teller->outcomes = outcomes;
    teller->pace = pace;
    teller->rows = ROWS;
    return teller;
}

void ch_outcomes_teller_free(ChOutcomesTeller *teller)
{
    g_free(teller);
}
