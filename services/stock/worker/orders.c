/* Decoding of order events. */
#include "stock/worker/orders.h"

#include "stock/application/use_cases.h"

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

void *stock_created_decode(const ChEvent *event, ChViolations *violations)
{
    g_autoptr(StockOrder) order = g_new0(StockOrder, 1);
    order->event_id = event->id;
    order->trace = event->trace;
    ch_json_read_uuid(event->data, "OrderId", CH_JSON_REQUIRED, &order->order_id, violations);
    read_items(event, order, violations);
    return ch_violations_count(violations) > 0 ? NULL : g_steal_pointer(&order);
}

void stock_created_free(void *order)
{
    stock_order_free(order);
}

bool stock_created_handle(void *store, void *const *orders, size_t n, GError **error)
{
    return stock_take(store, (const StockOrder *const *)orders, n, NULL, error);
}

/* Whatever else is wrong with the event: if it names its order, that order must not wait for ever.
 */
bool stock_created_give_up(void *store, const ChEvent *event, bool *announced, GError **error)
{
    g_autoptr(ChViolations) ignored = ch_violations_new();
    StockOrder order = { .event_id = event->id, .trace = event->trace };
    *announced = false;
    if (!ch_json_read_uuid(event->data, "OrderId", CH_JSON_REQUIRED, &order.order_id, ignored))
        return true;
    return stock_give_up(store, &order, announced, error);
}

bool stock_created_replay_blockers(void *store, void *const *orders, size_t n, char **blockers,
                                   GError **error)
{
    return stock_take_replay_blockers(store, (const StockOrder *const *)orders, n, blockers, error);
}

/* ---- cancelled ---- */

void *stock_cancelled_decode(const ChEvent *event, ChViolations *violations)
{
    StockCancellation *cancellation = g_new0(StockCancellation, 1);
    cancellation->trace = event->trace;
    if (ch_json_read_uuid(event->data, "OrderId", CH_JSON_REQUIRED, &cancellation->order_id,
                          violations))
        return cancellation;
    g_free(cancellation);
    return NULL;
}

void stock_cancelled_free(void *cancellation)
{
    g_free(cancellation);
}

bool stock_cancelled_handle(void *store, void *const *cancellations, size_t n, GError **error)
{
    return stock_release(store, (const StockCancellation *const *)cancellations, n, error);
}

bool stock_cancelled_replay_blockers(void *store, void *const *cancellations, size_t n,
                                     char **blockers, GError **error)
{
    return stock_release_replay_blockers(store, (const StockCancellation *const *)cancellations, n,
                                         blockers, error);
}
