/* Placing and cancelling over HTTP. */
#include "order/api/write_orders.h"

#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"
#include "order/api/placement.h"
#include "order/api/scopes.h"
#include "order/application/place.h"
#include "order/application/settle.h"

#include <string.h>

#define DEFAULT_CANCEL_REASON "Cancelled by the customer"

static const ChHttpProblem key_reused = { "idempotency-key-reused", 422, "Idempotency key reused" };
static const ChHttpProblem key_in_flight = { "idempotency-key-in-flight", 409,
                                             "Request in flight" };
static const ChHttpProblem too_many_open = { "too-many-open-orders", 409, "Too many open orders" };
static const ChHttpProblem already_cancelled = { "order-already-cancelled", 409,
                                                 "Already cancelled" };

/* ---- place ---- */

static void free_placement(void *placement)
{
    order_placement_free(placement);
}

/* False: it was answered 403. */
static bool may_place(ChHttpRequest *request, const OrderPlacement *placement)
{
    ChUuid owner;
    if (!order_api_owner(request, &owner))
        return false;
    if (ch_uuid_is_nil(owner) || ch_uuid_equal(owner, placement->customer_id))
        return true;
    ch_http_respond_problem(request, &ch_http_forbidden,
                            "the order is for another customer than the one that the token names");
    return false;
}

/* Decoded once; a batch that runs again places the same order under the same id. */
static OrderPlacement *placement_of(ChHttpRequest *request, int64_t open_max)
{
    OrderPlacement *known = ch_http_request_data(request);
    if (known != NULL)
        return known;
    g_autoptr(ChViolations) violations = ch_violations_new();
    OrderPricing pricing = ch_http_request_may(request, ORDER_SCOPE_PRICES) ? ORDER_PRICES_NAMED
                                                                            : ORDER_PRICES_OF_LIST;
    g_autoptr(OrderPlacement) placement = order_api_read_placement(request, pricing, violations);
    if (placement == NULL) {
        ch_http_respond_violations(request, violations);
        return NULL;
    }
    if (!may_place(request, placement))
        return NULL;
    if (!ch_http_request_may(request, ORDER_SCOPE_UNLIMITED))
        placement->open_max = open_max;
    ch_http_request_set_data(request, placement, free_placement);
    return g_steal_pointer(&placement);
}

static void respond_created(ChHttpRequest *request, ChUuid id, bool replayed)
{
    char location[sizeof "/api/orders/" + CH_UUID_TEXT_BYTES] = "/api/orders/";
    ch_uuid_format(id, location + sizeof "/api/orders/" - 1);
    GString *json = g_string_sized_new(96);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", id);
    ch_json_add_text(json, "status", order_status_name(ORDER_CREATED));
    ch_json_end_object(json);
    ch_http_respond_json(request, 201, json);
    ch_http_respond_header(request, "Location", location);
    if (replayed)
        ch_http_respond_header(request, "Idempotent-Replayed", "true");
}

/* Consumes what @outcome owns. */
static void respond_placed(ChHttpRequest *request, OrderPlaceOutcome *outcome)
{
    switch (outcome->result) {
    case ORDER_PLACED:
        respond_created(request, outcome->id, false);
        return;
    case ORDER_REPLAYED:
        respond_created(request, outcome->id, true);
        return;
    case ORDER_KEY_REUSED:
        ch_http_respond_problem(request, &key_reused,
                                "this Idempotency-Key was used with another body; they are "
                                "compared byte for byte");
        return;
    case ORDER_KEY_IN_FLIGHT:
        ch_http_respond_problem(request, &key_in_flight,
                                "the first request with this Idempotency-Key is being handled");
        return;
    case ORDER_TOO_MANY_OPEN:
        ch_http_respond_problem(request, &too_many_open,
                                "the customer has as many open orders as he may: wait until one is "
                                "final, or cancel one");
        return;
    case ORDER_UNPRICED:
        ch_http_respond_violations(request, outcome->violations);
        g_clear_pointer(&outcome->violations, ch_violations_free);
        return;
    }
}

bool order_api_place(void *opaque, ChHttpRequest *const *requests, size_t n, GError **error)
{
    const OrderWrites *writes = opaque;
    g_autofree OrderPlacement **placements = g_new(OrderPlacement *, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree OrderPlaceOutcome *outcomes = g_new0(OrderPlaceOutcome, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        OrderPlacement *placement = placement_of(requests[i], writes->open_max);
        if (placement == NULL)
            continue;
        placements[valid] = placement;
        askers[valid++] = requests[i];
    }
    if (valid > 0 && !order_place(writes->store, placements, valid, outcomes, error))
        return false;
    for (size_t i = 0; i < valid; i++)
        respond_placed(askers[i], &outcomes[i]);
    return true;
}

/* ---- cancel ---- */

/* The body is optional. False when the request was answered: it is not valid. */
static bool read_cancellation(ChHttpRequest *request, ChJson **json,
                              OrderCancellation *cancellation)
{
    size_t bytes;
    ch_http_request_body(request, &bytes);
    *cancellation = (OrderCancellation){ .reason = DEFAULT_CANCEL_REASON,
                                         .trace = ch_http_request_trace(request) };
    if (!order_api_owner(request, &cancellation->order.owner))
        return false;
    if (!ch_http_param_uuid(request, "id", &cancellation->order.id)) {
        ch_http_respond_problem(request, &ch_http_not_found, "there is no such order");
        return false;
    }
    if (bytes == 0)
        return true;
    g_autoptr(ChViolations) violations = ch_violations_new();
    *json = ch_http_request_json(request, violations);
    if (*json != NULL)
        ch_json_read_text(ch_json_root(*json), "reason", CH_JSON_OPTIONAL, 1,
                          ORDER_MAX_REASON_CHARS, &cancellation->reason, violations);
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

static GString *status_json(OrderStatus status)
{
    GString *json = g_string_sized_new(32);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "status", order_status_name(status));
    ch_json_end_object(json);
    return json;
}

static void note_cancelled(ChHttpRequest *request, const OrderCancellation *cancellation,
                           OrderStatus was)
{
    bool has_reason = strcmp(cancellation->reason, DEFAULT_CANCEL_REASON) != 0;
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "order",
                                     .id = cancellation->order.id,
                                     .before = status_json(was),
                                     .after = status_json(ORDER_CANCELLED),
                                     .why = has_reason ? g_strdup(cancellation->reason) : NULL,
                                 });
}

static void respond_cancelled(ChHttpRequest *request, ChUuid id, OrderCancelResult result)
{
    switch (result) {
    case ORDER_CANCEL_DONE: {
        GString *json = g_string_sized_new(96);
        ch_json_begin_object(json, NULL);
        ch_json_add_uuid(json, "id", id);
        ch_json_add_text(json, "status", order_status_name(ORDER_CANCELLED));
        ch_json_end_object(json);
        ch_http_respond_json(request, 202, json);
        return;
    }
    case ORDER_CANCEL_UNKNOWN:
        ch_http_respond_problem(request, &ch_http_not_found, "there is no such order");
        return;
    case ORDER_CANCEL_ALREADY:
        ch_http_respond_problem(request, &already_cancelled, "the order was cancelled before");
        return;
    }
}

static void free_json(gpointer json)
{
    ch_json_free(json);
}

bool order_api_cancel(void *opaque, ChHttpRequest *const *requests, size_t n, GError **error)
{
    const OrderWrites *writes = opaque;
    g_autofree OrderCancellation *cancellations = g_new0(OrderCancellation, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree OrderCancelOutcome *outcomes = g_new0(OrderCancelOutcome, n);
    g_autoptr(GPtrArray) bodies = g_ptr_array_new_with_free_func(free_json);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        ChJson *json = NULL;
        bool ok = read_cancellation(requests[i], &json, &cancellations[valid]);
        g_ptr_array_add(bodies, json); /* the reasons live in it */
        if (ok)
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !order_cancel(writes->store, cancellations, valid, outcomes, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (outcomes[i].result == ORDER_CANCEL_DONE)
            note_cancelled(askers[i], &cancellations[i], outcomes[i].was);
        respond_cancelled(askers[i], cancellations[i].order.id, outcomes[i].result);
    }
    return true;
}
