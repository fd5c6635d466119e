/* What differs is a finding of the auditor. */
#include "order/infrastructure/pg_compare.h"

#include "chassis/core/cast.h"
#include "chassis/messaging/auditor_findings.h"

/* $1 after, $2 up to, $3 how many. What belongs to an order is looked up order by order: a join
 * might read it all. */
#define SELECT_OUTCOMES(value)                                                                     \
    {                                                                                              \
        "select o.id, o.status, o.updated_at, coalesce((" value "), 0)::bigint from orders o"      \
        " where o.id > $1 and o.id <= $2 order by o.id limit $3",                                  \
            { CH_PG_UUID, CH_PG_UUID, CH_PG_INT },                                                 \
    }

static const ChPgStatement sql_select_outcomes[] = {
    [ORDER_TOLD_BY_STOCK] = SELECT_OUTCOMES("select sum(i.quantity) from order_items i"
                                            " where i.order_id = o.id and o.status = 2"),
    [ORDER_TOLD_BY_NOTIFICATION] =
        SELECT_OUTCOMES("select sum(case h.status when 2 then 1 when 3 then 65536 end)"
                        " from order_history h where h.order_id = o.id"),
};
G_STATIC_ASSERT(G_N_ELEMENTS(sql_select_outcomes) == ORDER_TOLD_N);
G_STATIC_ASSERT(ORDER_TOLD_CANCELLED == 65536);
enum {
    OUTCOME_ID,
    OUTCOME_STATUS,
    OUTCOME_CHANGED,
    OUTCOME_VALUE,
};

static const char *const checks[] = {
    [ORDER_TOLD_BY_STOCK] = "stock_outcomes",
    [ORDER_TOLD_BY_NOTIFICATION] = "notification_outcomes",
};
G_STATIC_ASSERT(G_N_ELEMENTS(checks) == ORDER_TOLD_N);

typedef struct {
    OrderCompareStore base;
    ChPg *pg;
} PgCompare;

static const OrderCompareStoreOps pg_compare_ops;

static ChPg *pg_of(OrderCompareStore *self)
{
    return CH_CAST(PgCompare, self, &pg_compare_ops)->pg;
}

static bool outcomes(OrderCompareStore *self, const OrderDigest *digest, GArray **found,
                     GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_outcomes[digest->teller]);
    ch_pg_add_uuid(params, 0, digest->after);
    ch_pg_add_uuid(params, 1, digest->up_to);
    ch_pg_add_int(params, 2, ORDER_COMPARE_ROWS);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    size_t n = ch_pg_rows_count(rows);
    *found = g_array_sized_new(FALSE, FALSE, sizeof(OrderOutcome), (guint)n);
    for (size_t row = 0; row < n; row++) {
        OrderOutcome outcome = {
            ch_pg_uuid(rows, row, OUTCOME_ID),
            (OrderStatus)ch_pg_int(rows, row, OUTCOME_STATUS),
            ch_pg_time(rows, row, OUTCOME_CHANGED),
            ch_pg_int(rows, row, OUTCOME_VALUE),
        };
        g_array_append_val(*found, outcome);
    }
    return true;
}

static bool note(OrderCompareStore *self, const OrderDigest *digest,
                 const OrderDifference *differences, size_t n, GError **error)
{
    const char *check = checks[digest->teller];
    g_autofree ChAuditorFault *faults = g_new(ChAuditorFault, n);
    g_autofree char(*subjects)[CH_UUID_TEXT_BYTES] = g_malloc_n(n, CH_UUID_TEXT_BYTES);
    g_autofree ChUuid *open = g_new(ChUuid, n);
    size_t n_faults = 0;
    size_t n_open = 0;
    for (size_t i = 0; i < n; i++) {
        ch_uuid_format(differences[i].id, subjects[i]);
        if (differences[i].fault == NULL)
            open[n_open++] = differences[i].id;
        else
            faults[n_faults++] = (ChAuditorFault){ subjects[i], differences[i].fault };
    }
    ChPg *pg = pg_of(self);
    return ch_auditor_findings_note(pg, check, digest->taken_us, faults, n_faults, error) &&
           ch_auditor_findings_end_range(pg, check, digest->taken_us, digest->after, digest->up_to,
                                         open, n_open, error);
}

static void free_compare(OrderCompareStore *self)
{
    g_free(CH_CAST(PgCompare, self, &pg_compare_ops));
}

static const OrderCompareStoreOps pg_compare_ops = {
    .outcomes = outcomes,
    .note = note,
    .free = free_compare,
};

OrderCompareStore *order_pg_compare_new(ChPg *pg)
{
    PgCompare *compare = g_new0(PgCompare, 1);
    compare->base.ops = &pg_compare_ops;
    compare->pg = pg;
    return &compare->base;
}
