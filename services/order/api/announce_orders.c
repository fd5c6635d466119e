/* One order after the other: support does it now and then. */
#include "order/api/announce_orders.h"

#include "chassis/core/log.h"
#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "order/api/write_orders.h"
#include "order/application/announce.h"

static GString *status_json(OrderStatus status)
{
    GString *json = g_string_sized_new(32);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "status", order_status_name(status));
    ch_json_end_object(json);
    return json;
}

static void respond_announced(ChHttpRequest *request, ChUuid id, OrderStatus status)
{
    GString *json = g_string_sized_new(128);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", id);
    ch_json_add_text(json, "status", order_status_name(status));
    ch_json_add_text(json, "event", order_event_name(status));
    ch_json_end_object(json);
    ch_http_respond_json(request, 202, json);
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "order",
                                     .id = id,
                                     .before = status_json(status),
                                     .after = status_json(status),
                                 });
    ch_log_warning("order is announced again by an operator", CH_ID("order_id", id),
                   CH_STR("status", order_status_name(status)),
                   CH_STR("by", ch_http_request_actor(request)),
                   CH_TRACE(ch_http_request_trace(request)));
}

static bool announce_one(const OrderWrites *writes, ChHttpRequest *request, GError **error)
{
    OrderAnnouncement wanted = { .open_too = true, .trace = ch_http_request_trace(request) };
    OrderAnnounceOutcome outcome = { ORDER_ANNOUNCE_UNKNOWN, ORDER_CREATED };
    if (ch_http_param_uuid(request, "id", &wanted.id) &&
        !order_announce_again(writes->reads, writes->store, &wanted, &outcome, error))
        return false;
    if (outcome.result == ORDER_ANNOUNCE_DONE)
        respond_announced(request, wanted.id, outcome.status);
    else
        ch_http_respond_problem(request, &ch_http_not_found, "there is no such order");
    return true;
}

bool order_api_announce(void *writes, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!announce_one(writes, requests[i], error))
            return false;
    }
    return true;
}
