/* Which path leads to which handler. */
#include "order/api/routes.h"

#include "order/api/read_orders.h"
#include "order/api/write_orders.h"

void order_routes(ChHttpQueue *writes, OrderStore *write_store, ChHttpQueue *reads,
                  OrderStore *read_store, ChHttpRoute routes[ORDER_ROUTES_N])
{
    const ChHttpRoute table[ORDER_ROUTES_N] = {
        { "POST", "/api/orders", order_api_place, write_store, writes, true },
        { "POST", "/api/orders/{id}/cancel", order_api_cancel, write_store, writes, true },
        { "GET", "/api/orders", order_api_list, read_store, reads, false },
        { "GET", "/api/orders/{id}", order_api_get, read_store, reads, false },
        { "GET", "/api/orders/{id}/history", order_api_history, read_store, reads, false },
    };
    for (int i = 0; i < ORDER_ROUTES_N; i++)
        routes[i] = table[i];
}
