/* Taking stock for a batch of orders. */
#include "stock/application/take.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "stock/application/levels.h"

/* All or nothing for one order. */
static StockOutcome decide(const StockOrder *order, StockLevels *levels)
{
    for (size_t i = 0; i < order->n_items; i++) {
        const StockLevel *level = stock_levels_get(levels, order->items[i].product_id);
        if (!level->exists)
            return STOCK_UNKNOWN_PRODUCT;
        if (level->quantity < order->items[i].quantity)
            return STOCK_INSUFFICIENT;
    }
    for (size_t i = 0; i < order->n_items; i++) {
        StockLevel *level = stock_levels_get(levels, order->items[i].product_id);
        level->quantity -= order->items[i].quantity;
        stock_levels_touch(levels, level);
    }
    return STOCK_TAKEN;
}

static void add_movements(GArray *movements, const StockOrder *order)
{
    for (size_t i = 0; i < order->n_items; i++) {
        StockMovement movement = {
            .product_id = order->items[i].product_id,
            .delta = -order->items[i].quantity,
            .kind = "taken",
            .order_id = order->order_id,
        };
        g_array_append_val(movements, movement);
    }
}

static void log_result(const StockResult *result)
{
    const StockOrder *order = result->order;
    if (result->outcome == STOCK_TAKEN)
        ch_log_info("stock taken", CH_ID("order_id", order->order_id), CH_TRACE(order->trace));
    else
        ch_log_info("stock refused", CH_ID("order_id", order->order_id),
                    CH_STR("reason", stock_outcome_error(result->outcome)), CH_TRACE(order->trace));
}

/* What asks for stock in a batch. */
typedef enum {
    ASKS_FIRST,
    ASKS_AGAIN, /* its order was decided in an earlier batch */
    ASKS_TWICE, /* another of this batch asks for the same order */
} Asking;

/* Opens the reservations of those that ask first. */
static bool reserve(StockStore *store, const StockOrder *const *orders, size_t n, Asking *asking,
                    GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree size_t *places = g_new(size_t, n);
    g_autofree bool *opened = g_new0(bool, n);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        asking[i] = ASKS_TWICE;
        if (!g_hash_table_add(seen, (void *)&orders[i]->order_id))
            continue;
        ids[distinct] = orders[i]->order_id;
        places[distinct++] = i;
    }
    if (!store->ops->reserve(store, ids, distinct, opened, error))
        return false;
    for (size_t i = 0; i < distinct; i++)
        asking[places[i]] = opened[i] ? ASKS_FIRST : ASKS_AGAIN;
    return true;
}

static bool lock_products(StockStore *store, const StockOrder *const *orders, const Asking *asking,
                          size_t n, StockLevels *levels, GError **error)
{
    g_autoptr(GArray) products = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; asking[i] == ASKS_FIRST && k < orders[i]->n_items; k++)
            g_array_append_val(products, orders[i]->items[k].product_id);
    }
    return stock_levels_lock(store, products, levels, error);
}

/* Writes what was decided: levels, ledger, refusals, events. */
static bool write_results(StockStore *store, StockLevels *levels, const StockResult *results,
                          size_t n, GError **error)
{
    g_autoptr(GArray) movements = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    g_autofree StockResult *refused = g_new(StockResult, n);
    size_t n_refused = 0;
    for (size_t i = 0; i < n; i++) {
        if (results[i].outcome == STOCK_TAKEN)
            add_movements(movements, results[i].order);
        else
            refused[n_refused++] = results[i];
        log_result(&results[i]);
    }
    if (!stock_levels_save(levels, store, error))
        return false;
    if (movements->len > 0 &&
        !store->ops->record(store, (const StockMovement *)(void *)movements->data, movements->len,
                            error))
        return false;
    if (n_refused > 0 && !store->ops->refuse(store, refused, n_refused, error))
        return false;
    CH_FAULT_ON("before_event", "take");
    return n == 0 || store->ops->announce(store, results, n, error);
}

/* Announces once more what was decided of the orders that are asked for again. */
static bool answer_again(StockStore *store, const StockOrder *const *orders, const Asking *asking,
                         size_t n, GError **error)
{
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree StockOutcome *outcomes = g_new(StockOutcome, n);
    g_autofree StockResult *results = g_new(StockResult, n);
    size_t n_again = 0;
    size_t n_results = 0;
    for (size_t i = 0; i < n; i++) {
        if (asking[i] != ASKS_AGAIN)
            continue;
        results[n_again].order = orders[i];
        ids[n_again++] = orders[i]->order_id;
    }
    if (n_again == 0)
        return true;
    if (!store->ops->decided(store, ids, n_again, outcomes, error))
        return false;
    for (size_t i = 0; i < n_again; i++) {
        if (outcomes[i] == STOCK_SETTLED)
            continue;
        results[n_results++] = (StockResult){ results[i].order, outcomes[i] };
        ch_log_info("stock result is announced again", CH_ID("order_id", ids[i]),
                    CH_TRACE(results[i].order->trace));
    }
    return n_results == 0 || store->ops->announce(store, results, n_results, error);
}

bool stock_take(StockStore *store, const StockOrder *const *orders, size_t n,
                StockOutcome *outcomes, GError **error)
{
    g_auto(StockLevels) levels = { .n = 0 };
    g_autofree Asking *asking = g_new(Asking, n);
    g_autofree StockResult *results = g_new(StockResult, n);
    size_t n_results = 0;
    if (!reserve(store, orders, n, asking, error) ||
        !lock_products(store, orders, asking, n, &levels, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        StockOutcome outcome = STOCK_SETTLED;
        if (asking[i] == ASKS_FIRST) {
            outcome = decide(orders[i], &levels);
            results[n_results++] = (StockResult){ orders[i], outcome };
        }
        if (outcomes != NULL)
            outcomes[i] = outcome;
    }
    return write_results(store, &levels, results, n_results, error) &&
           answer_again(store, orders, asking, n, error);
}

bool stock_give_up(StockStore *store, const StockOrder *order, bool *announced, GError **error)
{
    const StockResult result = { order, STOCK_UNEXPECTED };
    bool fresh = false;
    *announced = false;
    if (!store->ops->reserve(store, &order->order_id, 1, &fresh, error))
        return false;
    if (!fresh)
        return true;
    if (!store->ops->refuse(store, &result, 1, error) ||
        !store->ops->announce(store, &result, 1, error))
        return false;
    log_result(&result);
    *announced = true;
    return true;
}
