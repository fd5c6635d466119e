/* Which path leads to which handler. */
#include "order/api/routes.h"

#include "order/api/read_orders.h"
#include "order/api/write_orders.h"

/* What may be large waits for no single order, and no single order for it. */
static const ChHttpLaneKind lanes[] = {
    [ORDER_WRITES] = { "writes", "OrderStore" },
    [ORDER_READS] = { "reads", "OrderReads" },
    [ORDER_LISTS] = { "lists", "OrderReads" },
};

static const ChHttpRoute routes[] = {
    { "POST", "/api/orders", "placeOrder", ORDER_WRITES, CH_HTTP_GATED, order_api_place, "" },
    { "POST", "/api/orders/{id}/cancel", "cancelOrder", ORDER_WRITES, CH_HTTP_GATED,
      order_api_cancel, "" },
    { "GET", "/api/orders", "listOrders", ORDER_LISTS, 0, order_api_list,
      "createdAfter, createdBefore, cursor, customerId, limit, status" },
    { "GET", "/api/orders/{id}", "getOrder", ORDER_READS, 0, order_api_get, "" },
    { "GET", "/api/orders/{id}/history", "getOrderHistory", ORDER_READS, 0, order_api_history, "" },
};

const ChHttpRouteTable order_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
};
