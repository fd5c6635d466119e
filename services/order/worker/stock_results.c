/* Decoding of stock results. */
#include "order/worker/stock_results.h"

#include "chassis/json/json_read.h"
#include "order/application/settle.h"

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

static void free_result(void *result)
{
    order_stock_result_free(result);
}

static const ChCommandType result_type = { "OrderStockResult", free_result };

static ChCommand decode(const ChEvent *event, bool taken, ChViolations *violations)
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
        return (ChCommand){ NULL, NULL };
    result->reason = g_strdup(reason);
    return (ChCommand){ &result_type, g_steal_pointer(&result) };
}

static ChCommand decode_completed(const ChEvent *event, ChViolations *violations)
{
    return decode(event, true, violations);
}

static ChCommand decode_failed(const ChEvent *event, ChViolations *violations)
{
    return decode(event, false, violations);
}

static bool handle(void *context, const ChCommand *commands, size_t n, GError **error)
{
    OrderStockResultsContext *lane = context;
    g_autofree const OrderStockResult **results = ch_commands_values(commands, n, &result_type);
    if (!order_settle_stock(lane->store, results, n, error))
        return false;
    order_progress_note(lane->progress, results, n);
    return true;
}

static bool replay_blockers(void *context, const ChCommand *commands, size_t n, char **blockers,
                            GError **error)
{
    OrderStockResultsContext *lane = context;
    g_autofree const OrderStockResult **results = ch_commands_values(commands, n, &result_type);
    return order_settle_replay_blockers(lane->store, results, n, blockers, error);
}

ChSubscriptionConfig order_stock_completed_subscription(const ChQueue *queue,
                                                        OrderStockResultsContext *context)
{
    return (ChSubscriptionConfig){
        .queue = queue,
        .event_type = "OrderStockProcessCompletedDomainEvent",
        .decode = decode_completed,
        .handle = handle,
        .replay_blockers = replay_blockers,
        .context = context,
    };
}

ChSubscriptionConfig order_stock_failed_subscription(const ChQueue *queue,
                                                     OrderStockResultsContext *context)
{
    ChSubscriptionConfig config = order_stock_completed_subscription(queue, context);
    config.event_type = "OrderStockProcessFailedDomainEvent";
    config.decode = decode_failed;
    return config;
}
