/* Which path leads to which handler. */
#include "order/api/routes.h"

#include "chassis/runtime/audit.h"
#include "chassis/runtime/operator_lanes.h"
#include "order/api/announce_orders.h"
#include "order/api/import_prices.h"
#include "order/api/lists.h"
#include "order/api/read_orders.h"
#include "order/api/read_prices.h"
#include "order/api/read_timeline.h"
#include "order/api/scopes.h"
#include "order/api/write_orders.h"
#include "order/api/write_prices.h"

#define PRICE "/api/prices/{productId}"

/* What may be large waits for no single order, and no single order for it. */
static const ChHttpLaneKind lanes[] = {
    [ORDER_WRITES] = { "writes", "OrderWrites" },
    [ORDER_READS] = { "reads", "OrderLookups" },
    [ORDER_LISTS] = { "lists", "OrderLists" },
    [ORDER_PRICES] = { "prices", "OrderPrices" },
    CH_OPERATOR_LANES(ORDER),
};

static const ChHttpRoute routes[] = {
    { "POST", "/api/orders", "placeOrder", ORDER_WRITES, CH_HTTP_GATED, order_api_place, "",
      ORDER_SCOPE_PLACE },
    { "POST", "/api/orders/{id}/cancel", "cancelOrder", ORDER_WRITES, CH_HTTP_GATED,
      order_api_cancel, "", ORDER_SCOPE_CANCEL },
    { "POST", "/api/orders/{id}/announce", "announceOrder", ORDER_WRITES, CH_HTTP_GATED,
      order_api_announce, "", ORDER_SCOPE_SUPPORT },
    { "GET", "/api/orders", "listOrders", ORDER_LISTS, 0, order_api_list,
      "createdAfter, createdBefore, cursor, customerId, limit, sort, status", ORDER_SCOPE_READ },
    { "GET", "/api/orders/{id}", "getOrder", ORDER_READS, 0, order_api_get, "timeout, wait",
      ORDER_SCOPE_READ },
    { "GET", "/api/orders/{id}/history", "getOrderHistory", ORDER_READS, 0, order_api_history, "",
      ORDER_SCOPE_READ },
    { "GET", "/api/orders/{id}/timeline", "getOrderTimeline", ORDER_LISTS, 0, order_api_timeline,
      "", ORDER_SCOPE_READ },
    { "POST", "/api/prices/import", "importPrices", ORDER_PRICES,
      CH_HTTP_LARGE_BODY | CH_HTTP_NDJSON, order_api_import_prices, "", ORDER_SCOPE_WRITE_PRICES },
    { "PUT", PRICE, "setPrice", ORDER_PRICES, 0, order_api_set_price, "",
      ORDER_SCOPE_WRITE_PRICES },
    { "DELETE", PRICE, "deletePrice", ORDER_PRICES, 0, order_api_delete_price, "",
      ORDER_SCOPE_WRITE_PRICES },
    { "GET", "/api/prices", "listPrices", ORDER_LISTS, 0, order_api_list_prices, "cursor, limit",
      ORDER_SCOPE_READ_PRICES },
    { "GET", PRICE, "getPrice", ORDER_READS, 0, order_api_get_price, "", ORDER_SCOPE_READ_PRICES },
    { "GET", PRICE "/versions", "listPriceVersions", ORDER_LISTS, 0, order_api_list_price_versions,
      "createdAfter, createdBefore, cursor, limit, sort", ORDER_SCOPE_READ_PRICES },
    CH_OPERATOR_ROUTES(ORDER),
    { "GET", "/api/audit", "listAudit", ORDER_LISTS, 0, order_api_list_audit, CH_AUDIT_QUERY,
      ORDER_SCOPE_AUDIT },
};

const ChHttpRouteTable order_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
    .scopes = &order_scopes,
};
