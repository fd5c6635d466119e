/* Names and order of stock. */
#include "stock/application/stock.h"

#include <glib.h>
#include <stdlib.h>

/* Wire values, as the .NET system names them. */
static const char *const outcome_errors[] = {
    [STOCK_TAKEN] = NULL,
    [STOCK_UNKNOWN_PRODUCT] = "StockNotFoundException",
    [STOCK_INSUFFICIENT] = "InsufficientStockException",
    [STOCK_UNEXPECTED] = "Unexpected",
    [STOCK_SETTLED] = NULL,
};

const char *stock_outcome_error(StockOutcome outcome)
{
    return outcome_errors[outcome];
}

StockOutcome stock_outcome_parse(const char *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(outcome_errors); i++) {
        if (outcome_errors[i] != NULL && g_strcmp0(error, outcome_errors[i]) == 0)
            return (StockOutcome)i;
    }
    return STOCK_UNEXPECTED;
}

void stock_order_free(StockOrder *order)
{
    if (order == NULL)
        return;
    g_free(order->items);
    g_free(order);
}

void stock_movement_free(void *opaque)
{
    StockMovement *movement = opaque;
    if (movement == NULL)
        return;
    g_free(movement->reason);
    g_free(movement->actor);
    g_free(movement);
}

static int compare_items(const void *a, const void *b)
{
    const StockItem *left = a;
    const StockItem *right = b;
    return ch_uuid_compare(left->product_id, right->product_id);
}

size_t stock_items_merge(StockItem *items, size_t n)
{
    if (n == 0)
        return 0;
    qsort(items, n, sizeof *items, compare_items);
    size_t last = 0;
    for (size_t i = 1; i < n; i++) {
        if (ch_uuid_equal(items[i].product_id, items[last].product_id))
            items[last].quantity += items[i].quantity;
        else
            items[++last] = items[i];
    }
    return last + 1;
}

static const char *const reservation_names[] = {
    [STOCK_RESERVATION_NONE] = NULL,
    [STOCK_RESERVATION_TAKEN] = "Taken",
    [STOCK_RESERVATION_REFUSED] = "Refused",
    [STOCK_RESERVATION_RELEASED] = "Released",
    [STOCK_RESERVATION_CANCELLED] = "Cancelled",
};

const char *stock_reservation_name(StockReservation reservation)
{
    g_assert((size_t)reservation < G_N_ELEMENTS(reservation_names));
    return reservation_names[reservation];
}

void stock_order_story_clear(StockOrderStory *story)
{
    g_free(story->reason);
    g_clear_pointer(&story->movements, g_ptr_array_unref);
}
