/* Decoding of stock results. */
#include "order/worker/stock_results.h"

#include "order/application/use_cases.h"

/* It settles nothing, so what is wrong with it does not matter. */
static ChUuid answered_event(const ChEvent *event)
{
    size_t bytes = 0;
    ChUuid id = { { 0 } };
    const char *text = ch_json_text(ch_json_member(event->data, "EventId"), &bytes);
    if (text == NULL || !ch_uuid_parse(text, bytes, &id))
        return (ChUuid){ { 0 } };
    return id;
}

static OrderStockResult *decode(const ChEvent *event, bool taken, ChViolations *violations)
{
    g_autoptr(OrderStockResult) result = g_new0(OrderStockResult, 1);
    const char *reason = NULL;
    result->answers = answered_event(event);
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

bool order_stock_results_handle(void *context, void *const *items, size_t n, GError **error)
{
    OrderStockResultsContext *lane = context;
    const OrderStockResult *const *results = (const OrderStockResult *const *)items;
    if (!order_settle_stock(lane->store, results, n, error))
        return false;
    order_progress_note(lane->progress, results, n);
    return true;
}

bool order_stock_results_replay_blockers(void *store, void *const *results, size_t n,
                                         char **blockers, GError **error)
{
    return order_settle_replay_blockers(store, (const OrderStockResult *const *)results, n,
                                        blockers, error);
}
