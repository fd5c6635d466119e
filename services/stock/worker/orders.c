/* Decoding of order events. */
#include "stock/worker/orders.h"

#include "chassis/json/json_read.h"
#include "stock/application/release.h"
#include "stock/application/replay_blockers.h"
#include "stock/application/take.h"

/* ---- created ---- */

static void read_items(const ChEvent *event, StockOrder *order, ChViolations *violations)
{
    ChJsonValue items =
        ch_json_read_array(event->data, "Items", CH_JSON_REQUIRED, 1, STOCK_MAX_ITEMS, violations);
    if (!ch_json_is_set(items))
        return;
    order->items = g_new0(StockItem, ch_json_length(items));
    for (ChJsonValue item = ch_json_first(items); ch_json_is_set(item); item = ch_json_next(item)) {
        StockItem *read = &order->items[order->n_items++];
        ch_json_read_uuid(item, "ProductId", CH_JSON_REQUIRED, &read->product_id, violations);
        ch_json_read_integer(item, "Quantity", CH_JSON_REQUIRED, 1, STOCK_MAX_QUANTITY,
                             &read->quantity, violations);
    }
    order->n_items = stock_items_merge(order->items, order->n_items);
}

static void free_order(void *order)
{
    stock_order_free(order);
}

static const ChCommandType order_type = { "StockOrder", free_order };

static ChCommand decode_created(const ChEvent *event, ChViolations *violations)
{
    g_autoptr(StockOrder) order = g_new0(StockOrder, 1);
    order->event_id = event->told_as;
    order->trace = event->trace;
    ch_json_read_uuid(event->data, "OrderId", CH_JSON_REQUIRED, &order->order_id, violations);
    read_items(event, order, violations);
    if (ch_violations_count(violations) > 0)
        return (ChCommand){ NULL, NULL };
    return (ChCommand){ &order_type, g_steal_pointer(&order) };
}

static bool handle_created(void *store, const ChCommand *commands, size_t n, GError **error)
{
    g_autofree const StockOrder **orders = ch_commands_values(commands, n, &order_type);
    return stock_take(store, orders, n, NULL, error);
}

/* Whatever else is wrong with the event: if it names its order, that order must not wait for ever.
 */
static bool give_up_created(void *store, const ChEvent *event, bool *announced, GError **error)
{
    g_autoptr(ChViolations) ignored = ch_violations_new();
    StockOrder order = { .event_id = event->told_as, .trace = event->trace };
    *announced = false;
    if (!ch_json_read_uuid(event->data, "OrderId", CH_JSON_REQUIRED, &order.order_id, ignored))
        return true;
    return stock_give_up(store, &order, announced, error);
}

static bool created_blockers(void *store, const ChCommand *commands, size_t n, char **blockers,
                             GError **error)
{
    g_autofree const StockOrder **orders = ch_commands_values(commands, n, &order_type);
    return stock_take_replay_blockers(store, orders, n, blockers, error);
}

ChSubscriptionConfig stock_created_subscription(const ChQueue *queue, StockStore *store)
{
    return (ChSubscriptionConfig){
        .queue = queue,
        .event_type = "OrderCreatedEvent",
        .decode = decode_created,
        .handle = handle_created,
        .give_up = give_up_created,
        .replay_blockers = created_blockers,
        .context = store,
    };
}

/* ---- cancelled ---- */

static const ChCommandType cancellation_type = { "StockCancellation", g_free };

static ChCommand decode_cancelled(const ChEvent *event, ChViolations *violations)
{
    g_autofree StockCancellation *cancellation = g_new0(StockCancellation, 1);
    cancellation->trace = event->trace;
    if (!ch_json_read_uuid(event->data, "OrderId", CH_JSON_REQUIRED, &cancellation->order_id,
                           violations))
        return (ChCommand){ NULL, NULL };
    return (ChCommand){ &cancellation_type, g_steal_pointer(&cancellation) };
}

static bool handle_cancelled(void *store, const ChCommand *commands, size_t n, GError **error)
{
    g_autofree const StockCancellation **cancellations =
        ch_commands_values(commands, n, &cancellation_type);
    return stock_release(store, cancellations, n, error);
}

static bool cancelled_blockers(void *store, const ChCommand *commands, size_t n, char **blockers,
                               GError **error)
{
    g_autofree const StockCancellation **cancellations =
        ch_commands_values(commands, n, &cancellation_type);
    return stock_release_replay_blockers(store, cancellations, n, blockers, error);
}

ChSubscriptionConfig stock_cancelled_subscription(const ChQueue *queue, StockStore *store)
{
    return (ChSubscriptionConfig){
        .queue = queue,
        .event_type = "OrderCancelledEvent",
        .decode = decode_cancelled,
        .handle = handle_cancelled,
        .replay_blockers = cancelled_blockers,
        .context = store,
    };
}
