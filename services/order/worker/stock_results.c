/* Decoding of stock results. */
#include "order/worker/stock_results.h"

#include "order/application/use_cases.h"

static OrderStockResult *decode(const ChEvent *event, bool taken, ChViolations *violations)
{
    g_autoptr(OrderStockResult) result = g_new0(OrderStockResult, 1);
    const char *reason = NULL;
    result->taken = taken;
    result->trace = event->trace;
    ch_json_read_uuid(event->data, "OrderId", CH_JSON_REQUIRED, &result->order_id, violations);
    if (!taken)
        ch_json_read_text(event->data, "ErrorMessage", CH_JSON_REQUIRED, 1, ORDER_MAX_REASON_CHARS,
                          &reason, violations);
    if (ch_violations_count(violations) > 0)
        return NULL;
    result->reason = g_strdup(reason);
    return g_steal_pointer(&result);
}

void *order_stock_completed_decode(const ChEvent *event, ChViolations *violations)
{
    return decode(event, true, violations);
}

void *order_stock_failed_decode(const ChEvent *event, ChViolations *violations)
{
    return decode(event, false, violations);
}

void order_stock_results_free(void *result)
{
    order_stock_result_free(result);
}

bool order_stock_results_handle(void *store, void *const *results, size_t n, GError **error)
{
    return order_settle_stock(store, (const OrderStockResult *const *)results, n, error);
}
