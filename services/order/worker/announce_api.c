/* Announcing final orders again, over HTTP. */
#include "order/worker/announce_api.h"

#include "chassis/core/log.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "chassis/runtime/admin_act.h"
#include "order/application/announce.h"

static const ChHttpProblem not_final = { "order-not-final", 409, "Not final" };

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such order");
}

static void respond_done(ChHttpRequest *request, ChUuid id, const ChAdminAct *act,
                         OrderStatus status)
{
    GString *json = g_string_sized_new(128);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", id);
    ch_json_add_text(json, "status", order_status_name(status));
    ch_json_add_bool(json, "dryRun", act->dry_run);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
    if (!act->dry_run)
        ch_log_warning("order is announced again by an operator", CH_ID("order_id", id),
                       CH_STR("status", order_status_name(status)), CH_STR("by", act->by),
                       CH_STR("why", act->why), CH_TRACE(ch_http_request_trace(request)));
}

static bool announce_one(const OrderAnnounceApi *api, ChHttpRequest *request, GError **error)
{
    ChUuid id;
    g_auto(ChAdminAct) act = { .json = NULL };
    OrderAnnounceOutcome outcome = { ORDER_ANNOUNCE_UNKNOWN, ORDER_CREATED };
    if (!ch_http_param_uuid(request, "id", &id)) {
        respond_unknown(request);
        return true;
    }
    if (!ch_admin_act_read(request, &act))
        return true;
    const OrderAnnouncement wanted = { id, false, act.dry_run, ch_http_request_trace(request) };
    if (!order_announce_again(api->reads, api->store, &wanted, &outcome, error))
        return false;
    switch (outcome.result) {
    case ORDER_ANNOUNCE_DONE:
        ch_admin_act_note(request, &act, "order", id, "status", order_status_name(outcome.status),
                          order_status_name(outcome.status));
        respond_done(request, id, &act, outcome.status);
        break;
    case ORDER_ANNOUNCE_UNKNOWN:
        respond_unknown(request);
        break;
    case ORDER_ANNOUNCE_OPEN:
        ch_http_respond_problem(
            request, &not_final,
            "the order is not final; it is announced again by itself when it is "
            "older than ORDER_STUCK_AFTER");
        break;
    }
    return true;
}

static bool announce(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    OrderAnnounceApi *api = context;
    for (size_t i = 0; i < n; i++) {
        if (ch_operators_admit(api->operators, requests[i], &api->wrong_tokens) &&
            !announce_one(api, requests[i], error))
            return false;
    }
    return true;
}

enum {
    LANE,
};

static const ChHttpLaneKind lanes[] = { [LANE] = { "announcements", "OrderAnnounceApi" } };

static const ChHttpRoute routes[] = {
    { "POST", "/orders/{id}/announce", "announceOrder", LANE, 0, announce, "", CH_HTTP_OWN_RULE },
};

const ChHttpRouteTable order_announce_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
};
