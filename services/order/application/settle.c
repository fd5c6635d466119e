/* Changing the status of orders: by their stock's result, or by their customer. */
#include "order/application/settle.h"

#include "chassis/core/log.h"

static void log_changes(const GArray *changes)
{
    for (guint i = 0; i < changes->len; i++) {
        const OrderChange *change = &g_array_index(changes, OrderChange, i);
        if (change->status == ORDER_CONFIRMED)
            ch_log_info("order confirmed", CH_ID("order_id", change->id), CH_TRACE(change->trace));
        else
            ch_log_info("order cancelled", CH_ID("order_id", change->id),
                        CH_STR("reason", change->reason), CH_TRACE(change->trace));
    }
}

static bool move_and_announce(OrderStore *store, const OrderMove *moves, size_t n,
                              const OrderStatus *from, size_t n_from, GArray **changes,
                              GError **error)
{
    g_autoptr(GArray) changed = NULL;
    if (!store->ops->move(store, moves, n, from, n_from, &changed, error))
        return false;
    if (changed->len > 0 && !store->ops->announce(store, (const OrderChange *)(void *)changed->data,
                                                  changed->len, error))
        return false;
    log_changes(changed);
    *changes = g_steal_pointer(&changed);
    return true;
}

/* Picks the first of those that are for the same order; the others come too late. */
static bool is_first(GHashTable *seen, const ChUuid *id)
{
    return g_hash_table_add(seen, (void *)id);
}

/* ---- by the stock's result ---- */

static OrderMove move_for(const OrderStockResult *result)
{
    const OrderAsked order = { .id = result->order_id };
    if (result->taken)
        return (OrderMove){ order, ORDER_CONFIRMED, NULL, "stock taken", result->trace };
    return (OrderMove){ order, ORDER_CANCELLED, result->reason, result->reason, result->trace };
}

/* An order of a result that changed nothing must at least be known. */
static bool check_known(OrderStore *store, const OrderMove *moves, size_t n, const GArray *changes,
                        GError **error)
{
    if (changes->len == n)
        return true;
    g_autofree OrderAsked *asked = g_new(OrderAsked, n);
    g_autofree OrderStatus *statuses = g_new0(OrderStatus, n);
    for (size_t i = 0; i < n; i++)
        asked[i] = moves[i].order;
    if (!store->ops->statuses(store, asked, n, statuses, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (statuses[i] != 0)
            continue;
        char id[CH_UUID_TEXT_BYTES];
        ch_uuid_format(asked[i].id, id);
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "there is no order %s", id);
        return false;
    }
    return true;
}

bool order_settle_stock(OrderStore *store, const OrderStockResult *const *results, size_t n,
                        GError **error)
{
    static const OrderStatus from[] = { ORDER_CREATED };
    g_autoptr(GHashTable) seen = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    g_autofree OrderMove *moves = g_new(OrderMove, n);
    g_autoptr(GArray) changes = NULL;
    size_t n_moves = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_first(seen, &results[i]->order_id))
            moves[n_moves++] = move_for(results[i]);
    }
    return move_and_announce(store, moves, n_moves, from, G_N_ELEMENTS(from), &changes, error) &&
           check_known(store, moves, n_moves, changes, error);
}

static char *blocker_to_settling(ChUuid id, OrderStatus status)
{
    char text[CH_UUID_TEXT_BYTES];
    ch_uuid_format(id, text);
    if (status == 0)
        return g_strdup_printf("there is no order %s", text);
    if (status == ORDER_CREATED)
        return NULL;
    return g_strdup_printf("order %s is final: %s", text, order_status_name(status));
}

bool order_settle_replay_blockers(OrderStore *store, const OrderStockResult *const *results,
                                  size_t n, char **blockers, GError **error)
{
    g_autofree OrderAsked *asked = g_new0(OrderAsked, n);
    g_autofree OrderStatus *statuses = g_new0(OrderStatus, n);
    for (size_t i = 0; i < n; i++)
        asked[i].id = results[i]->order_id;
    if (!store->ops->statuses(store, asked, n, statuses, error))
        return false;
    for (size_t i = 0; i < n; i++)
        blockers[i] = blocker_to_settling(asked[i].id, statuses[i]);
    return true;
}

/* ---- by nobody in time ---- */

bool order_give_up(OrderStore *store, const ChUuid *ids, size_t n, int64_t *given_up,
                   GError **error)
{
    static const OrderStatus from[] = { ORDER_CREATED };
    static const char reason[] = "its stock could not be confirmed in time";
    g_autofree OrderMove *moves = g_new(OrderMove, n);
    g_autoptr(GArray) changes = NULL;
    for (size_t i = 0; i < n; i++)
        moves[i] = (OrderMove){ { .id = ids[i] },
                                ORDER_CANCELLED,
                                reason,
                                "no answer within ORDER_DEADLINE",
                                ch_trace_new() };
    if (!move_and_announce(store, moves, n, from, G_N_ELEMENTS(from), &changes, error))
        return false;
    *given_up = changes->len;
    return true;
}

/* ---- by the customer ---- */

static unsigned hash_asked(const void *asked)
{
    return ch_uuid_hash(&((const OrderAsked *)asked)->id);
}

static int equal_asked(const void *left, const void *right)
{
    const OrderAsked *a = left;
    const OrderAsked *b = right;
    return ch_uuid_equal(a->id, b->id) && ch_uuid_equal(a->owner, b->owner);
}

/* The first cancellation of each order; a stranger's takes no place of its owner's. */
static size_t moves_for(const OrderCancellation *cancellations, size_t n, OrderMove *moves)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(hash_asked, equal_asked);
    size_t n_moves = 0;
    for (size_t i = 0; i < n; i++) {
        const OrderCancellation *it = &cancellations[i];
        if (g_hash_table_add(seen, (void *)&it->order))
            moves[n_moves++] = (OrderMove){ it->order, ORDER_CANCELLED, it->reason,
                                            "cancelled by the customer", it->trace };
    }
    return n_moves;
}

/* The first in the batch of those who may cancel an order did so. */
static OrderCancelOutcome outcome_of(GHashTable *changes, const OrderAsked *asked,
                                     OrderStatus status)
{
    const OrderChange *change = g_hash_table_lookup(changes, &asked->id);
    if (change != NULL && order_is_there_for(asked, change->customer_id)) {
        g_hash_table_remove(changes, &asked->id);
        return (OrderCancelOutcome){ ORDER_CANCEL_DONE, change->was };
    }
    return (OrderCancelOutcome){ status != 0 ? ORDER_CANCEL_ALREADY : ORDER_CANCEL_UNKNOWN, 0 };
}

bool order_cancel(OrderStore *store, const OrderCancellation *cancellations, size_t n,
                  OrderCancelOutcome *outcomes, GError **error)
{
    static const OrderStatus from[] = { ORDER_CREATED, ORDER_CONFIRMED };
    g_autoptr(GHashTable) done = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    g_autofree OrderMove *moves = g_new(OrderMove, n);
    g_autofree OrderAsked *asked = g_new(OrderAsked, n);
    g_autofree OrderStatus *statuses = g_new0(OrderStatus, n);
    g_autoptr(GArray) changes = NULL;
    size_t n_moves = moves_for(cancellations, n, moves);
    if (!move_and_announce(store, moves, n_moves, from, G_N_ELEMENTS(from), &changes, error))
        return false;
    for (guint i = 0; i < changes->len; i++) {
        OrderChange *change = &g_array_index(changes, OrderChange, i);
        g_hash_table_insert(done, &change->id, change);
    }
    for (size_t i = 0; i < n; i++)
        asked[i] = cancellations[i].order;
    if (changes->len < n && !store->ops->statuses(store, asked, n, statuses, error))
        return false;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = outcome_of(done, &asked[i], statuses[i]);
    return true;
}
