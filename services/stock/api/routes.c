/* Which path leads to which handler. */
#include "stock/api/routes.h"

#include "stock/api/read_stock.h"
#include "stock/api/write_stock.h"

#define STOCKS "/api/stocks"
#define PRODUCT STOCKS "/{productId}"

/* What may be large waits for no single product, and no single product for it. */
static const ChHttpLaneKind lanes[] = {
    [STOCK_WRITES] = { "writes", "StockStore" },
    [STOCK_READS] = { "reads", "StockReads" },
    [STOCK_LISTS] = { "lists", "StockReads" },
};

static const ChHttpRoute routes[] = {
    { "POST", STOCKS, "createStock", STOCK_WRITES, 0, stock_api_create, "" },
    { "PUT", PRODUCT, "setStock", STOCK_WRITES, 0, stock_api_set, "" },
    { "POST", PRODUCT "/adjustments", "adjustStock", STOCK_WRITES, 0, stock_api_adjust, "" },
    { "DELETE", PRODUCT, "deleteStock", STOCK_WRITES, 0, stock_api_delete, "force" },
    { "GET", STOCKS, "listStocks", STOCK_LISTS, 0, stock_api_list, "cursor, limit" },
    { "GET", PRODUCT, "getStock", STOCK_READS, 0, stock_api_get, "" },
    { "GET", PRODUCT "/movements", "listStockMovements", STOCK_LISTS, 0, stock_api_movements,
      "cursor, limit" },
};

const ChHttpRouteTable stock_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
};
