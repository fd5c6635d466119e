/* Counts the outbox, but never beyond the limit. */
#include "chassis/messaging/outbox_gate.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/postgres/pipeline.h"

#include <stdatomic.h>

enum {
    RETRY_AFTER_S = 2,
    COUNT_PARTS = 100, /* one part of the time for counting a long backlog, at most */
    MAX_PAUSE_US = 5 * 1000 * 1000,
};

/* $1: the limit. Counting stops there. */
static const ChPgStatement sql_count_pending = {
    "select count(*) from (select from outbox limit $1) as counted",
    { CH_PG_INT },
};

struct ChOutboxGate {
    ChPg *pg;
    int64_t max_pending;
    int64_t next_count_us; /* lane thread only */
    atomic_bool closed;
};

ChOutboxGate *ch_outbox_gate_new(ChPg *pg, int64_t max_pending)
{
    ChOutboxGate *gate = g_new0(ChOutboxGate, 1);
    gate->pg = pg;
    gate->max_pending = max_pending;
    return gate;
}

void ch_outbox_gate_free(ChOutboxGate *gate)
{
    g_free(gate);
}

bool ch_outbox_gate_run(void *context, void *const *items, size_t n, GError **error)
{
    (void)items;
    (void)n;
    ChOutboxGate *gate = context;
    int64_t start_us = ch_time_monotonic_us();
    if (start_us < gate->next_count_us)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_count_pending);
    ch_pg_add_int(params, 0, gate->max_pending);
    g_autoptr(ChPgRows) rows = ch_pg_query(gate->pg, params, error);
    if (rows == NULL)
        return false;
    gate->next_count_us =
        MIN(ch_time_again_us(start_us, COUNT_PARTS), ch_time_monotonic_us() + MAX_PAUSE_US);
    bool closed = ch_pg_int(rows, 0, 0) >= gate->max_pending;
    if (atomic_exchange(&gate->closed, closed) == closed)
        return true;
    if (closed)
        ch_log_error("outbox is full, intake is closed", CH_INT("max_pending", gate->max_pending));
    else
        ch_log_info("outbox has room, intake is open");
    return true;
}

bool ch_outbox_gate_admit(void *context, unsigned *retry_after_s)
{
    ChOutboxGate *gate = context;
    if (!atomic_load(&gate->closed))
        return true;
    *retry_after_s = RETRY_AFTER_S;
    return false;
}
