/* Names, limits and sums of orders. */
#include "order/application/orders.h"

#include <string.h>

const ChDecimal ORDER_MAX_UNIT_PRICE = INT64_C(9999999) * CH_DECIMAL_ONE + 9999;
const ChDecimal ORDER_MAX_TOTAL = INT64_C(999999999999) * CH_DECIMAL_ONE + 9999;

static const char *const status_names[] = {
    [ORDER_CREATED] = "Created",
    [ORDER_CONFIRMED] = "Confirmed",
    [ORDER_CANCELLED] = "Cancelled",
};

const char *order_status_name(OrderStatus status)
{
    g_assert(status >= ORDER_CREATED && status <= ORDER_CANCELLED);
    return status_names[status];
}

bool order_status_parse(const char *name, OrderStatus *status)
{
    for (OrderStatus s = ORDER_CREATED; s <= ORDER_CANCELLED; s++) {
        if (strcmp(name, status_names[s]) == 0) {
            *status = s;
            return true;
        }
    }
    return false;
}

/* Created, then Confirmed, then Cancelled; Confirmed may be left out, and nothing turns back. */
bool order_status_may_become(OrderStatus from, OrderStatus to)
{
    return from < to;
}

bool order_total(const OrderItem *items, size_t n, ChDecimal *total)
{
    ChDecimal sum = 0;
    for (size_t i = 0; i < n; i++) {
        ChDecimal line;
        if (!ch_decimal_multiply(items[i].unit_price, items[i].quantity, &line) ||
            !ch_decimal_add(sum, line, &sum) || sum > ORDER_MAX_TOTAL)
            return false;
    }
    *total = sum;
    return true;
}

void order_placement_free(OrderPlacement *placement)
{
    if (placement == NULL)
        return;
    g_free(placement->items);
    g_free(placement->idempotency_key);
    g_free(placement);
}

void order_stock_result_free(OrderStockResult *result)
{
    if (result == NULL)
        return;
    g_free(result->reason);
    g_free(result);
}

void order_free(Order *order)
{
    if (order == NULL)
        return;
    g_free(order->items);
    g_free(order->reason);
    g_free(order);
}

bool order_is_there_for(const OrderAsked *asked, ChUuid customer_id)
{
    return ch_uuid_is_nil(asked->owner) || ch_uuid_equal(asked->owner, customer_id);
}
