/* The head of the chain, in logs and metrics. */
#include "chassis/audit/audit_head.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

enum {
    PERIOD_MS = 60 * 1000,
};

static const ChPgStatement sql_select_head = {
    "select number, encode(link, 'hex'), ('x' || encode(substr(link, 1, 4), "
    "'hex'))::bit(32)::bigint"
    " from audit_head",
    { CH_PG_NONE },
};
enum {
    HEAD_NUMBER,
    HEAD_LINK,
    HEAD_LINK_START,
};

CH_GAUGE(rows_gauge, "cartwheel_audit_rows", "rows of the audit log", NULL);
CH_GAUGE(link_gauge, "cartwheel_audit_link",
         "the first four bytes of the audit log's last link, as a number", NULL);

bool ch_audit_head_tell(ChAuditHead *head, GError **error)
{
    int64_t now_us = ch_time_monotonic_us();
    if (now_us < head->due_us)
        return true;
    g_autoptr(ChPgRows) rows = ch_pg_query(head->pg, ch_pg_params_new(&sql_select_head), error);
    if (rows == NULL)
        return false;
    head->due_us = now_us + INT64_C(1000) * PERIOD_MS;
    ch_log_info("audit head", CH_INT("rows", ch_pg_int(rows, 0, HEAD_NUMBER)),
                CH_STR("link", ch_pg_text(rows, 0, HEAD_LINK)));
    ch_metric_set(ch_metric(&rows_gauge, NULL), (double)ch_pg_int(rows, 0, HEAD_NUMBER));
    ch_metric_set(ch_metric(&link_gauge, NULL), (double)ch_pg_int(rows, 0, HEAD_LINK_START));
    return true;
}
