/* Announcing an order again. */
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

static bool announce(OrderStore *store, Order *order, ChTrace trace, GError **error)
{
    const OrderChange change = change_of(order, trace);
    return order->status == ORDER_CREATED
               ? store->ops->announce_created(store, &order, &trace, 1, error)
               : store->ops->announce(store, &change, 1, error);
}

bool order_announce_again(OrderReads *reads, OrderStore *store, const OrderAnnouncement *wanted,
                          OrderAnnounceOutcome *outcome, GError **error)
{
    Order *order = NULL;
    bool ok = true;
    const OrderAsked asked = { .id = wanted->id };
    if (!reads->ops->find(reads, &asked, 1, &order, error))
        return false;
    if (order == NULL) {
        *outcome = (OrderAnnounceOutcome){ .result = ORDER_ANNOUNCE_UNKNOWN };
    } else if (order->status == ORDER_CREATED && !wanted->open_too) {
        *outcome = (OrderAnnounceOutcome){ .result = ORDER_ANNOUNCE_OPEN };
    } else {
        ok = wanted->dry_run || announce(store, order, wanted->trace, error);
        if (ok)
            *outcome = (OrderAnnounceOutcome){ ORDER_ANNOUNCE_DONE, order->status };
    }
    order_free(order);
    return ok;
}
