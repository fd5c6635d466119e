/* Between waiting requests, their handlers and their answers. */
#include "chassis/http/lane.h"

#include "chassis/core/cast.h"
#include "chassis/core/log.h"
#include "chassis/http/access.h"
#include "chassis/http/problem.h"
#include "chassis/http/queue.h"
#include "chassis/http/request_span.h"

enum {
    RESUMED_AT_ONCE = 256,
};

static const char busy[] = "The service is busy or waits for one of its servers. Try again later.";

struct ChHttpLane {
    ChSource base;
    ChHttpQueue *queue;
    void *context;
    ChHttpGate gate; /* set before the server starts; NULL: none */
    void *gate_context;
    ChIdentity *identity;    /* set before the server starts; NULL: nobody is asked who he is */
    ChHttpLimits *limits;    /* the same; NULL: there are none */
    ChHttpRecorder recorder; /* the same; NULL: its routes change nothing */
    void *recorder_context;
};

/* ---- answering what its handler did not ---- */

/* What the answer takes until it is sent. */
static size_t memory_of(const ChHttpAnswer *answer)
{
    return answer->body == NULL ? 0 : answer->body->allocated_len;
}

/* Of one server, answered by us. */
static void resume(ChHttpLane *lane, ChHttpRequest *const *requests, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        requests[i]->unsent_bytes = memory_of(&requests[i]->answer);
        bytes += requests[i]->unsent_bytes;
    }
    ch_http_queue_add_unsent(lane->queue, bytes);
    requests[0]->resumer->ops->resume(requests[0]->resumer, requests, n);
}

/* Lets go of all, answered where nobody was faster: the server wakes once for as many as can be. */
static void finish(ChHttpLane *lane, void *const *items, size_t n)
{
    ChHttpRequest *won[RESUMED_AT_ONCE];
    size_t won_n = 0;
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        ch_http_limits_tell(request);
        if (!ch_http_request_finish(request, CH_HTTP_ANSWERED)) {
            ch_http_request_unref(request);
            continue;
        }
        if (won_n == RESUMED_AT_ONCE || (won_n > 0 && won[0]->resumer != request->resumer)) {
            resume(lane, won, won_n);
            won_n = 0;
        }
        won[won_n++] = request;
    }
    if (won_n > 0)
        resume(lane, won, won_n);
}

void ch_http_lane_finish(void *const *items, size_t n)
{
    for (size_t first = 0; first < n;) {
        ChHttpLane *lane = ((const ChHttpRequest *)items[first])->match.lane;
        size_t end = first + 1;
        while (end < n && ((const ChHttpRequest *)items[end])->match.lane == lane)
            end++;
        finish(lane, items + first, end - first);
        first = end;
    }
}

void ch_http_lane_turn_away(void *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ch_http_respond_unavailable(items[i], busy);
    ch_http_lane_finish(items, n);
}

void ch_http_lane_fail(ChHttpRequest *request, const GError *why)
{
    ch_log_error("request failed", CH_STR("method", request->method),
                 CH_STR("route", request->match.route->pattern), CH_ERR(why),
                 CH_TRACE(request->trace));
    ch_http_respond_problem(request, &ch_http_failed, "The request could not be processed.");
}

/* ---- the source ---- */

static const ChSourceOps source_ops;

static ChHttpLane *lane_of(ChSource *source)
{
    return CH_CAST(ChHttpLane, source, &source_ops);
}

static bool take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n, GError **error)
{
    (void)error;
    *n = ch_http_queue_take(lane_of(source)->queue, items, max, wait_ms);
    return true;
}

/* Hands over to a keeper what its handler left to one. False: @request has an answer now. */
static bool is_left_to_keeper(ChHttpRequest *request)
{
    ChHttpKeeper *keeper = g_steal_pointer(&request->keeper);
    if (request->answer.status != 0)
        return false;
    if (keeper == NULL) {
        ch_log_error("handler gave no answer", CH_STR("route", request->match.route->pattern),
                     CH_TRACE(request->trace));
        ch_http_respond_problem(request, &ch_http_failed, "The request was not answered.");
        return false;
    }
    if (keeper->ops->keep(keeper, request))
        return true;
    ch_http_respond_unavailable(request, "Too many requests wait. Try again later.");
    return false;
}

static void settle(ChSource *source, void *const *items, size_t n)
{
    ChHttpLane *lane = lane_of(source);
    size_t first = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_left_to_keeper(items[i]))
            continue;
        finish(lane, items + first, i - first);
        first = i + 1;
    }
    finish(lane, items + first, n - first);
}

static bool fail(ChSource *source, void *item, const GError *why, GError **error)
{
    (void)source;
    (void)error;
    ch_http_lane_fail(item, why);
    return true;
}

static void abandon(ChSource *source, void *item, const GError *why)
{
    ch_http_lane_fail(item, why);
    finish(lane_of(source), &item, 1);
}

static bool hold(ChSource *source, void *const *items, size_t n, const GError *why)
{
    (void)source;
    (void)why; /* the lane logs it, once an outage */
    ch_http_lane_turn_away(items, n);
    return false;
}

static void let_go(ChSource *source, void *const *items, size_t n)
{
    (void)source;
    ch_http_lane_turn_away(items, n);
}

static void wake(ChSource *source)
{
    ch_http_queue_wake(lane_of(source)->queue);
}

static ChSpan *span(ChSource *source, void *item, int64_t start_us)
{
    (void)source;
    return ch_http_request_lane_span(item, start_us);
}

static const ChSourceOps source_ops = {
    .take = take,
    .settle = settle,
    .fail = fail,
    .abandon = abandon,
    .hold = hold,
    .release = let_go,
    .wake = wake,
    .span = span,
};

/* ---- life ---- */

ChHttpLane *ch_http_lane_new(const char *name, size_t max_waiting, void *context)
{
    ChHttpLane *lane = g_new0(ChHttpLane, 1);
    lane->base.ops = &source_ops;
    lane->queue = ch_http_queue_new(name, max_waiting);
    lane->context = context;
    return lane;
}

void ch_http_lane_free(ChHttpLane *lane)
{
    if (lane == NULL)
        return;
    ch_http_queue_free(lane->queue);
    g_free(lane);
}

void ch_http_lane_set_gate(ChHttpLane *lane, ChHttpGate gate, void *context)
{
    lane->gate = gate;
    lane->gate_context = context;
}

void ch_http_lane_set_access(ChHttpLane *lane, ChIdentity *identity, ChHttpLimits *limits)
{
    lane->identity = identity;
    lane->limits = limits;
}

void ch_http_lane_set_recorder(ChHttpLane *lane, ChHttpRecorder recorder, void *context)
{
    lane->recorder = recorder;
    lane->recorder_context = context;
}

ChSource *ch_http_lane_source(ChHttpLane *lane)
{
    return &lane->base;
}

/* ---- the handler ---- */

/* Collects in @group the requests of items[first]'s route from there on, and takes them out of
 * @items. */
static size_t collect_route(ChHttpRequest **items, size_t first, size_t n, ChHttpRequest **group)
{
    const ChHttpRoute *route = items[first]->match.route;
    size_t group_n = 0;
    for (size_t i = first; i < n; i++) {
        if (items[i] != NULL && items[i]->match.route == route) {
            group[group_n++] = items[i];
            items[i] = NULL;
        }
    }
    return group_n;
}

/* What the handlers noted, of all routes together. */
static bool keep_record(const ChHttpLane *lane, void *const *items, size_t n,
                        ChHttpRequest **changed, GError **error)
{
    size_t changed_n = 0;
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        if (request->changes != NULL)
            changed[changed_n++] = request;
    }
    if (changed_n == 0)
        return true;
    g_assert(lane->recorder != NULL);
    return lane->recorder(lane->recorder_context, changed, changed_n, error);
}

bool ch_http_lane_run(void *source, void *const *items, size_t n, GError **error)
{
    const ChHttpLane *lane = lane_of(source);
    g_autofree ChHttpRequest **rest = g_new(ChHttpRequest *, n * 2);
    ChHttpRequest **group = rest + n;
    for (size_t i = 0; i < n; i++) {
        rest[i] = items[i];
        ch_http_answer_clear(&rest[i]->answer); /* of a run that was rolled back */
        ch_http_request_drop_changes(rest[i]);
        rest[i]->keeper = NULL;
        if (!ch_http_access_check(lane->identity, lane->limits, rest[i]))
            rest[i] = NULL; /* answered */
    }
    for (size_t i = 0; i < n; i++) {
        if (rest[i] == NULL)
            continue;
        const ChHttpRoute *route = rest[i]->match.route;
        size_t group_n = collect_route(rest, i, n, group);
        if (!route->handler(lane->context, group, group_n, error))
            return false;
    }
    return keep_record(lane, items, n, group, error);
}

/* ---- the server's side ---- */

bool ch_http_lane_admits(const ChHttpRequest *request, unsigned *retry_after_s)
{
    const ChHttpLane *lane = request->match.lane;
    if ((request->match.route->traits & CH_HTTP_GATED) == 0 || lane->gate == NULL)
        return true;
    return lane->gate(lane->gate_context, retry_after_s);
}

bool ch_http_lane_push(ChHttpRequest *request)
{
    return ch_http_queue_push(request->match.lane->queue, request);
}

void ch_http_lane_sent(const ChHttpRequest *request)
{
    if (request->unsent_bytes > 0)
        ch_http_queue_subtract_unsent(request->match.lane->queue, request->unsent_bytes);
}

void ch_http_lane_run_inline(ChHttpRequest *request)
{
    const ChHttpMatch *match = &request->match;
    g_autoptr(GError) error = NULL;
    if (match->route->handler(match->inline_context, &request, 1, &error)) {
        g_assert(request->answer.status != 0);
        return;
    }
    if (ch_error_is_unavailable(error))
        ch_http_respond_unavailable(request, busy);
    else
        ch_http_lane_fail(request, error);
}
