/* One order after the other: support does it now and then. */
#include "stock/api/release_stock.h"

#include "chassis/core/log.h"
#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "chassis/runtime/audit.h"
#include "stock/application/release.h"

static const ChHttpProblem not_cancelled = { "order-not-cancelled", 409, "Not cancelled" };

static GString *state_json(StockReservation reservation)
{
    GString *json = g_string_sized_new(64);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "reservation", stock_reservation_name(reservation));
    ch_json_end_object(json);
    return json;
}

static void respond_state(ChHttpRequest *request, ChUuid order_id, StockReservation reservation)
{
    GString *json = g_string_sized_new(128);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "orderId", order_id);
    ch_json_add_text(json, "reservation", stock_reservation_name(reservation));
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}

static void respond_released(ChHttpRequest *request, ChUuid order_id, StockReservation reservation)
{
    respond_state(request, order_id, reservation);
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "reservation",
                                     .id = order_id,
                                     .before = state_json(STOCK_RESERVATION_TAKEN),
                                     .after = state_json(reservation),
                                 });
    ch_log_warning("stock is released by an operator", CH_ID("order_id", order_id),
                   CH_STR("by", ch_http_request_actor(request)),
                   CH_TRACE(ch_http_request_trace(request)));
}

static void respond(ChHttpRequest *request, ChUuid order_id, const StockReleaseOutcome *outcome)
{
    switch (outcome->result) {
    case STOCK_RELEASE_DONE:
        respond_released(request, order_id, outcome->reservation);
        return;
    case STOCK_RELEASE_NOTHING:
        respond_state(request, order_id, outcome->reservation);
        return;
    case STOCK_RELEASE_UNKNOWN:
        ch_http_respond_problem(request, &ch_http_not_found,
                                "nothing is known of such an order here");
        return;
    case STOCK_RELEASE_OPEN:
        ch_http_respond_problem(request, &not_cancelled,
                                "it holds stock, and no cancellation of it came here: when it is "
                                "cancelled, have the order service announce it again");
        return;
    }
}

static bool release_one(StockStore *store, ChHttpRequest *request, GError **error)
{
    g_autofree char *why = ch_audit_reason(request);
    StockCancellation wanted = {
        .trace = ch_http_request_trace(request),
        .reason = why != NULL ? why : "released by support",
        .actor = ch_http_request_actor(request),
    };
    StockReleaseOutcome outcome = { STOCK_RELEASE_UNKNOWN, STOCK_RESERVATION_NONE };
    if (ch_http_param_uuid(request, "id", &wanted.order_id) &&
        !stock_release_held(store, &wanted, &outcome, error))
        return false;
    respond(request, wanted.order_id, &outcome);
    return true;
}

bool stock_api_release(void *store, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!release_one(store, requests[i], error))
            return false;
    }
    return true;
}
