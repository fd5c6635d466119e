/* Which path leads to which handler. */
#include "order/api/routes.h"

#include "chassis/runtime/audit.h"
#include "chassis/runtime/control_api.h"
#include "chassis/runtime/erasure_api.h"
#include "chassis/runtime/failure_api.h"
#include "chassis/runtime/replay_api.h"
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
    [ORDER_ERASURES] = { "erasures", "ChErasure" },
    [ORDER_FAILURES] = { "failures", "ChFailureGroups" },
    [ORDER_CONTROLS] = { "controls", "ChControlDesk" },
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
    { "POST", "/api/customers/{id}/erase", "eraseCustomer", ORDER_ERASURES, 0, ch_erasure_api, "",
      ORDER_SCOPE_PRIVACY },
    { "GET", "/api/failure-groups", "listFailureGroups", ORDER_FAILURES, 0, ch_failure_api_list,
      CH_FAILURE_QUERY, ORDER_SCOPE_DEAD_LETTERS },
    { "POST", "/api/failure-groups/{id}/close", "closeFailureGroup", ORDER_FAILURES, 0,
      ch_failure_api_close, "", ORDER_SCOPE_DEAD_LETTERS },
    { "GET", "/api/controls", "listControls", ORDER_CONTROLS, 0, ch_control_api_list, "",
      ORDER_SCOPE_CONTROLS },
    { "POST", "/api/controls/{name}/pause", "pauseControl", ORDER_CONTROLS, 0, ch_control_api_pause,
      "", ORDER_SCOPE_CONTROLS },
    { "POST", "/api/controls/{name}/resume", "resumeControl", ORDER_CONTROLS, 0,
      ch_control_api_resume, "", ORDER_SCOPE_CONTROLS },
    { "GET", "/api/replay-jobs", "listReplayJobs", ORDER_FAILURES, 0, ch_replay_api_list,
      CH_REPLAY_QUERY, ORDER_SCOPE_DEAD_LETTERS },
    { "POST", "/api/replay-jobs", "makeReplayJob", ORDER_FAILURES, 0, ch_replay_api_make, "",
      ORDER_SCOPE_DEAD_LETTERS },
    { "GET", "/api/replay-jobs/{id}", "getReplayJob", ORDER_FAILURES, 0, ch_replay_api_show, "",
      ORDER_SCOPE_DEAD_LETTERS },
    { "GET", "/api/replay-jobs/{id}/refusals", "listReplayRefusals", ORDER_FAILURES, 0,
      ch_replay_api_refusals, CH_REPLAY_REFUSALS_QUERY, ORDER_SCOPE_DEAD_LETTERS },
    { "POST", "/api/replay-jobs/{id}/pause", "pauseReplayJob", ORDER_FAILURES, 0,
      ch_replay_api_pause, "", ORDER_SCOPE_DEAD_LETTERS },
    { "POST", "/api/replay-jobs/{id}/resume", "resumeReplayJob", ORDER_FAILURES, 0,
      ch_replay_api_resume, "", ORDER_SCOPE_DEAD_LETTERS },
    { "POST", "/api/replay-jobs/{id}/cancel", "cancelReplayJob", ORDER_FAILURES, 0,
      ch_replay_api_cancel, "", ORDER_SCOPE_DEAD_LETTERS },
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
