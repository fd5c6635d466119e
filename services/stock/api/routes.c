/* Which path leads to which handler. */
#include "stock/api/routes.h"

#include "stock/api/read_stock.h"
#include "stock/api/write_stock.h"

#define PRODUCT "/api/stocks/{productId}"

void stock_routes(ChHttpQueue *writes, StockStore *write_store, ChHttpQueue *reads,
                  StockStore *read_store, ChHttpRoute routes[STOCK_ROUTES_N])
{
    const ChHttpRoute table[STOCK_ROUTES_N] = {
        { "POST", "/api/stocks", stock_api_create, write_store, writes, false },
        { "PUT", PRODUCT, stock_api_set, write_store, writes, false },
        { "POST", PRODUCT "/adjustments", stock_api_adjust, write_store, writes, false },
        { "DELETE", PRODUCT, stock_api_delete, write_store, writes, false },
        { "GET", "/api/stocks", stock_api_list, read_store, reads, false },
        { "GET", PRODUCT, stock_api_get, read_store, reads, false },
        { "GET", PRODUCT "/movements", stock_api_movements, read_store, reads, false },
    };
    for (int i = 0; i < STOCK_ROUTES_N; i++)
        routes[i] = table[i];
}
