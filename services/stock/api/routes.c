/* Which path leads to which handler. */
#include "stock/api/routes.h"

#include "chassis/runtime/audit.h"
#include "chassis/runtime/operator_lanes.h"
#include "stock/api/import_stock.h"
#include "stock/api/lists.h"
#include "stock/api/read_order.h"
#include "stock/api/read_stock.h"
#include "stock/api/release_stock.h"
#include "stock/api/write_stock.h"

#define STOCKS "/api/stocks"
#define PRODUCT STOCKS "/{productId}"

/* What may be large waits for no single product, and no single product for it: lists, and imports,
 * of which each is as much work as a batch of others. */
static const ChHttpLaneKind lanes[] = {
    [STOCK_WRITES] = { "writes", "StockStore" },
    [STOCK_READS] = { "reads", "StockReads" },
    [STOCK_LISTS] = { "lists", "StockLists" },
    [STOCK_IMPORTS] = { "imports", "StockStore" },
    CH_OPERATOR_LANES(STOCK),
};

enum {
    STOCK_SCOPE_READ = 1,
    STOCK_SCOPE_WRITE,
    STOCK_SCOPE_UNLIMITED, /* not held to the limits of customers */
    STOCK_SCOPE_PRIVACY,
    STOCK_SCOPE_AUDIT,
    STOCK_SCOPE_DEAD_LETTERS,
    STOCK_SCOPE_CONTROLS,
    STOCK_SCOPE_SUPPORT,
    STOCK_SCOPE_EDIT_LETTERS,
};

static const char *const scope_names[] = {
    [STOCK_SCOPE_READ] = "stock:read",
    [STOCK_SCOPE_WRITE] = "stock:write",
    [STOCK_SCOPE_UNLIMITED] = "limits:none",
    [STOCK_SCOPE_PRIVACY] = "privacy",
    [STOCK_SCOPE_AUDIT] = "audit",
    [STOCK_SCOPE_DEAD_LETTERS] = "dead-letters",
    [STOCK_SCOPE_CONTROLS] = "controls",
    [STOCK_SCOPE_SUPPORT] = "support",
    [STOCK_SCOPE_EDIT_LETTERS] = "dead-letters:edit",
};

/* The part of the stock service in docs/security.md. */
static const ChRole roles[] = {
    { "shop", CH_SCOPE(STOCK_SCOPE_READ) | CH_SCOPE(STOCK_SCOPE_UNLIMITED) },
    { "support", CH_SCOPE(STOCK_SCOPE_READ) | CH_SCOPE(STOCK_SCOPE_SUPPORT) },
    { "operator", CH_SCOPE(STOCK_SCOPE_READ) | CH_SCOPE(STOCK_SCOPE_DEAD_LETTERS) |
                      CH_SCOPE(STOCK_SCOPE_CONTROLS) },
    { "merchandiser",
      CH_SCOPE(STOCK_SCOPE_READ) | CH_SCOPE(STOCK_SCOPE_WRITE) | CH_SCOPE(STOCK_SCOPE_UNLIMITED) },
    { "auditor", CH_SCOPE(STOCK_SCOPE_AUDIT) },
    { "admin", CH_SCOPE(STOCK_SCOPE_READ) | CH_SCOPE(STOCK_SCOPE_WRITE) |
                   CH_SCOPE(STOCK_SCOPE_UNLIMITED) | CH_SCOPE(STOCK_SCOPE_PRIVACY) |
                   CH_SCOPE(STOCK_SCOPE_AUDIT) | CH_SCOPE(STOCK_SCOPE_DEAD_LETTERS) |
                   CH_SCOPE(STOCK_SCOPE_CONTROLS) | CH_SCOPE(STOCK_SCOPE_SUPPORT) |
                   CH_SCOPE(STOCK_SCOPE_EDIT_LETTERS) },
};

static const ChScopes scopes = {
    .names = scope_names,
    .names_n = G_N_ELEMENTS(scope_names),
    .roles = roles,
    .roles_n = G_N_ELEMENTS(roles),
    .unlimited = STOCK_SCOPE_UNLIMITED,
};

static const ChHttpRoute routes[] = {
    { "POST", STOCKS, "createStock", STOCK_WRITES, 0, stock_api_create, "", STOCK_SCOPE_WRITE },
    { "POST", STOCKS "/import", "importStock", STOCK_IMPORTS, CH_HTTP_LARGE_BODY | CH_HTTP_NDJSON,
      stock_api_import, "existing", STOCK_SCOPE_WRITE },
    { "PUT", PRODUCT, "setStock", STOCK_WRITES, 0, stock_api_set, "", STOCK_SCOPE_WRITE },
    { "POST", PRODUCT "/adjustments", "adjustStock", STOCK_WRITES, 0, stock_api_adjust, "",
      STOCK_SCOPE_WRITE },
    { "DELETE", PRODUCT, "deleteStock", STOCK_WRITES, 0, stock_api_delete, "force",
      STOCK_SCOPE_WRITE },
    { "GET", STOCKS, "listStocks", STOCK_LISTS, 0, stock_api_list, "cursor, limit",
      STOCK_SCOPE_READ },
    { "GET", PRODUCT, "getStock", STOCK_READS, 0, stock_api_get, "", STOCK_SCOPE_READ },
    { "GET", PRODUCT "/movements", "listStockMovements", STOCK_LISTS, 0, stock_api_movements,
      "createdAfter, createdBefore, cursor, limit, sort", STOCK_SCOPE_READ },
    { "GET", STOCKS "/orders/{id}", "getOrderStock", STOCK_LISTS, 0, stock_api_order, "",
      STOCK_SCOPE_READ },
    { "POST", STOCKS "/orders/{id}/release", "releaseOrderStock", STOCK_WRITES, 0,
      stock_api_release, "", STOCK_SCOPE_SUPPORT },
    CH_OPERATOR_ROUTES(STOCK),
    { "GET", "/api/audit", "listAudit", STOCK_LISTS, 0, stock_api_list_audit, CH_AUDIT_QUERY,
      STOCK_SCOPE_AUDIT },
};

const ChHttpRouteTable stock_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
    .scopes = &scopes,
};
