/* Requests between the server's thread and the lanes. */
#include "chassis/http/queue.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/http/dispatch.h"
#include "chassis/http/problem.h"
#include "chassis/telemetry/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

enum {
    HURRY_MS = 100, /* after a wake, takes hardly wait: a lane that stops may just be about to */
    RESUMED_AT_ONCE = 256,
};

static const char busy[] = "The service is busy or waits for one of its servers. Try again later.";

struct ChHttpQueue {
    ChSource base;
    ChMetric *waiting_metric;
    ChMetric *full_metric;
    ChMetric *wait_metric;
    bool (*admit)(void *context, unsigned *retry_after_s); /* set before the server starts */
    void *admit_context;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t come;   /* a request or a wake */
    ChHttpRequest **ring;
    size_t room;
    size_t first;
    size_t n;
    uint64_t wakes;
    int64_t hurry_until_us;
};

CH_GAUGE(waiting_gauge, "cartwheel_http_queue_waiting", "Requests that wait for a lane.", "queue");
CH_COUNTER(full_total, "cartwheel_http_queue_full_total", "Requests refused: the queue was full.",
           "queue");
CH_HISTOGRAM(wait_seconds, "cartwheel_http_queue_wait_seconds",
             "Time from a request's first byte until a lane takes it.", "queue",
             CH_BUCKETS_SECONDS);

static ChHttpQueue *queue_of(ChSource *source)
{
    return (ChHttpQueue *)source; /* base is the first member */
}

/* ---- answering what is not settled ---- */

/* Lets go of all, answered where nobody was faster: the server wakes once for as many as can be. */
static void finish(void *const *items, size_t n)
{
    ChHttpRequest *won[RESUMED_AT_ONCE];
    size_t won_n = 0;
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        if (!ch_http_request_finish(request, CH_HTTP_ANSWERED)) {
            ch_http_request_unref(request);
            continue;
        }
        if (won_n == RESUMED_AT_ONCE || (won_n > 0 && won[0]->outlet != request->outlet)) {
            won[0]->outlet->resume(won[0]->outlet, won, won_n);
            won_n = 0;
        }
        won[won_n++] = request;
    }
    if (won_n > 0)
        won[0]->outlet->resume(won[0]->outlet, won, won_n);
}

static void finish_unavailable(void *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ch_http_respond_unavailable(items[i], busy);
    finish(items, n);
}

static void answer_failed(ChHttpRequest *request, const GError *why)
{
    ch_log_error("request failed", CH_STR("method", request->method),
                 CH_STR("route", request->match.route->pattern), CH_ERR(why),
                 CH_TRACE(request->trace));
    ch_http_respond_problem(request, 500, NULL, "%s", "The request could not be processed.");
}

/* ---- the source ---- */

/* Waits for a request until @deadline_us or a wake. */
static void wait_locked(ChHttpQueue *queue, int64_t deadline_us)
{
    struct timespec until = { .tv_sec = deadline_us / G_USEC_PER_SEC,
                              .tv_nsec = (deadline_us % G_USEC_PER_SEC) * 1000 };
    uint64_t wakes = queue->wakes;
    while (queue->n == 0 && queue->wakes == wakes) {
        if (pthread_cond_timedwait(&queue->come, &queue->mutex, &until) == ETIMEDOUT)
            return;
    }
}

static size_t take_locked(ChHttpQueue *queue, void **items, size_t max)
{
    size_t n = MIN(queue->n, max);
    for (size_t i = 0; i < n; i++) {
        items[i] = queue->ring[queue->first];
        queue->first = queue->first + 1 == queue->room ? 0 : queue->first + 1;
    }
    queue->n -= n;
    return n;
}

/* Drops what was answered while it waited; nobody needs the work any more. */
static size_t drop_expired(ChHttpQueue *queue, void **items, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        if (atomic_load(&request->state) != CH_HTTP_WAITING) {
            ch_http_request_unref(request);
            continue;
        }
        ch_metric_observe_since(queue->wait_metric, request->started_us);
        items[kept++] = request;
    }
    return kept;
}

static bool take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n, GError **error)
{
    (void)error;
    ChHttpQueue *queue = queue_of(source);
    int64_t now_us = ch_time_monotonic_us();
    pthread_mutex_lock(&queue->mutex);
    if (now_us < queue->hurry_until_us)
        wait_ms = MIN(wait_ms, 1);
    wait_locked(queue, now_us + (int64_t)wait_ms * 1000);
    size_t taken = take_locked(queue, items, max);
    size_t left = queue->n;
    if (left > 0) /* another lane may take them now */
        pthread_cond_signal(&queue->come);
    pthread_mutex_unlock(&queue->mutex);
    ch_metric_set(queue->waiting_metric, (double)left);
    *n = drop_expired(queue, items, taken);
    return true;
}

static void settle(ChSource *source, void *const *items, size_t n)
{
    (void)source;
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        if (request->answer.status == 0) {
            ch_log_error("handler gave no answer", CH_STR("route", request->match.route->pattern),
                         CH_TRACE(request->trace));
            ch_http_respond_problem(request, 500, NULL, "%s", "The request was not answered.");
        }
    }
    finish(items, n);
}

static bool fail(ChSource *source, void *item, const GError *why, GError **error)
{
    (void)source;
    (void)error;
    answer_failed(item, why);
    return true;
}

static void abandon(ChSource *source, void *item, const GError *why)
{
    (void)source;
    answer_failed(item, why);
    finish(&item, 1);
}

static bool hold(ChSource *source, void *const *items, size_t n, const GError *why)
{
    (void)source;
    (void)why; /* the lane logs it, once an outage */
    finish_unavailable(items, n);
    return false;
}

static void let_go(ChSource *source, void *const *items, size_t n)
{
    (void)source;
    finish_unavailable(items, n);
}

static void wake(ChSource *source)
{
    ChHttpQueue *queue = queue_of(source);
    pthread_mutex_lock(&queue->mutex);
    queue->wakes++;
    queue->hurry_until_us = ch_time_monotonic_us() + HURRY_MS * 1000;
    pthread_cond_broadcast(&queue->come);
    pthread_mutex_unlock(&queue->mutex);
}

static const ChSourceOps ops = {
    .take = take,
    .settle = settle,
    .fail = fail,
    .abandon = abandon,
    .hold = hold,
    .release = let_go,
    .wake = wake,
};

/* ---- the server's side ---- */

bool ch_http_queue_admits(ChHttpQueue *queue, const ChHttpRoute *route, unsigned *retry_after_s)
{
    if (!route->gated || queue->admit == NULL)
        return true;
    return queue->admit(queue->admit_context, retry_after_s);
}

bool ch_http_queue_push(ChHttpQueue *queue, ChHttpRequest *request)
{
    pthread_mutex_lock(&queue->mutex);
    bool fits = queue->n < queue->room;
    if (fits) {
        queue->ring[(queue->first + queue->n) % queue->room] = request;
        queue->n++;
        if (queue->n == 1)
            pthread_cond_signal(&queue->come);
    }
    size_t waiting = queue->n;
    pthread_mutex_unlock(&queue->mutex);
    ch_metric_set(queue->waiting_metric, (double)waiting);
    if (!fits)
        ch_metric_add(queue->full_metric, 1);
    return fits;
}

void ch_http_run_inline(const ChHttpRoute *route, ChHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    if (route->handler(route->context, &request, 1, &error)) {
        g_assert(request->answer.status != 0);
        return;
    }
    if (ch_error_is_unavailable(error))
        ch_http_respond_unavailable(request, busy);
    else
        answer_failed(request, error);
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

bool ch_http_queue_handle(void *context, void *const *items, size_t n, GError **error)
{
    (void)context;
    g_autofree ChHttpRequest **rest = g_new(ChHttpRequest *, n * 2);
    ChHttpRequest **group = rest + n;
    for (size_t i = 0; i < n; i++) {
        rest[i] = items[i];
        ch_http_answer_clear(&rest[i]->answer); /* of a run that was rolled back */
    }
    for (size_t i = 0; i < n; i++) {
        if (rest[i] == NULL)
            continue;
        const ChHttpRoute *route = rest[i]->match.route;
        size_t group_n = collect_route(rest, i, n, group);
        if (!route->handler(route->context, group, group_n, error))
            return false;
    }
    return true;
}

/* ---- life ---- */

ChHttpQueue *ch_http_queue_new(const char *name, size_t max_waiting)
{
    g_assert(max_waiting > 0);
    ChHttpQueue *queue = g_new0(ChHttpQueue, 1);
    queue->base.ops = &ops;
    queue->waiting_metric = ch_metric(&waiting_gauge, name);
    queue->full_metric = ch_metric(&full_total, name);
    queue->wait_metric = ch_metric(&wait_seconds, name);
    queue->ring = g_new0(ChHttpRequest *, max_waiting);
    queue->room = max_waiting;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->come, &clock);
    pthread_condattr_destroy(&clock);
    return queue;
}

void ch_http_queue_free(ChHttpQueue *queue)
{
    if (queue == NULL)
        return;
    for (size_t i = 0; i < queue->n; i++)
        ch_http_request_unref(queue->ring[(queue->first + i) % queue->room]);
    pthread_cond_destroy(&queue->come);
    pthread_mutex_destroy(&queue->mutex);
    g_free(queue->ring);
    g_free(queue);
}

ChSource *ch_http_queue_source(ChHttpQueue *queue)
{
    return &queue->base;
}

void ch_http_queue_set_gate(ChHttpQueue *queue,
                            bool (*admit)(void *context, unsigned *retry_after_s), void *context)
{
    queue->admit = admit;
    queue->admit_context = context;
}
