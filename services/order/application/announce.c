/* Announcing a final order again. */
#include "order/application/announce.h"

static OrderChange change_of(const Order *order, ChTrace trace)
{
    OrderChange change = {
        .id = order->id,
        .customer_id = order->customer_id,
        .status = order->status,
        .total = order->total,
        .reason = order->reason,
        .trace = trace,
    };
    g_strlcpy(change.currency, order->currency, sizeof change.currency);
    return change;
}

bool order_announce_again(OrderReads *reads, OrderStore *store, ChUuid id, bool dry_run,
                          ChTrace trace, OrderAnnounceOutcome *outcome, GError **error)
{
    Order *order = NULL;
    bool ok = true;
    const OrderAsked asked = { .id = id };
    if (!reads->ops->find(reads, &asked, 1, &order, error))
        return false;
    if (order == NULL) {
        *outcome = (OrderAnnounceOutcome){ .result = ORDER_ANNOUNCE_UNKNOWN };
    } else if (order->status == ORDER_CREATED) {
        *outcome = (OrderAnnounceOutcome){ .result = ORDER_ANNOUNCE_OPEN };
    } else {
        const OrderChange change = change_of(order, trace);
        ok = dry_run || store->ops->announce(store, &change, 1, error);
        if (ok)
            *outcome = (OrderAnnounceOutcome){ ORDER_ANNOUNCE_DONE, order->status };
    }
    order_free(order);
    return ok;
}
