/* Why handling an event about an order (again) would have no effect: its reservation. */
#include "stock/application/replay_blockers.h"

#include <glib.h>

static const char *const fates[] = {
    [STOCK_RESERVATION_TAKEN] = "its stock is taken",
    [STOCK_RESERVATION_REFUSED] = "its stock is refused",
    [STOCK_RESERVATION_RELEASED] = "its stock is given back",
    [STOCK_RESERVATION_CANCELLED] = "it was cancelled before it came",
};

static char *blocker(ChUuid order_id, StockReservation reservation)
{
    char text[CH_UUID_TEXT_BYTES];
    ch_uuid_format(order_id, text);
    return g_strdup_printf("order %s is decided: %s", text, fates[reservation]);
}

bool stock_take_replay_blockers(StockStore *store, const StockOrder *const *orders, size_t n,
                                char **blockers, GError **error)
{
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree StockReservation *reservations = g_new0(StockReservation, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = orders[i]->order_id;
    if (!store->ops->reservations(store, ids, n, reservations, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool open = reservations[i] == STOCK_RESERVATION_NONE;
        blockers[i] = open ? NULL : blocker(ids[i], reservations[i]);
    }
    return true;
}

/* A cancellation ends what is taken, and leaves a tombstone where nobody asked yet. */
bool stock_release_replay_blockers(StockStore *store, const StockCancellation *const *cancellations,
                                   size_t n, char **blockers, GError **error)
{
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree StockReservation *reservations = g_new0(StockReservation, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = cancellations[i]->order_id;
    if (!store->ops->reservations(store, ids, n, reservations, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool open =
            reservations[i] == STOCK_RESERVATION_NONE || reservations[i] == STOCK_RESERVATION_TAKEN;
        blockers[i] = open ? NULL : blocker(ids[i], reservations[i]);
    }
    return true;
}
