/* A ring of requests between the server's thread and the lanes. */
#include "chassis/http/queue.h"

#include "chassis/core/time.h"
#include "chassis/core/wait.h"
#include "chassis/telemetry/metrics.h"

enum {
    MAX_UNSENT_BYTES = 8 * 1024 * 1024, /* the largest batch of lists has 4 answers of 1.6 MiB:
                                         * while one goes out, the next is made */
    MAX_HELD_BYTES = 2 * MAX_UNSENT_BYTES,
    HURRY_MS = 100, /* after a wake, takes hardly wait: a lane that stops may just be about to */
};

struct ChHttpQueue {
    ChMetric *waiting_metric;
    ChMetric *full_metric;
    ChMetric *wait_metric;
    _Atomic size_t unsent_bytes;

    ChWait come; /* guards all below; a request, room for answers, or a wake */
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

static bool holds_too_much(ChHttpQueue *queue)
{
    return atomic_load(&queue->unsent_bytes) > MAX_HELD_BYTES;
}

/* ---- pushing ---- */

bool ch_http_queue_push(ChHttpQueue *queue, ChHttpRequest *request)
{
    ch_wait_lock(&queue->come);
    bool fits = queue->n < queue->room && !holds_too_much(queue);
    if (fits) {
        queue->ring[(queue->first + queue->n) % queue->room] = request;
        queue->n++;
        if (queue->n == 1)
            ch_wait_wake_one_locked(&queue->come);
    }
    size_t waiting = queue->n;
    ch_wait_unlock(&queue->come);
    ch_metric_set(queue->waiting_metric, (double)waiting);
    if (!fits)
        ch_metric_add(queue->full_metric, 1);
    return fits;
}

/* ---- taking ---- */

static bool has_room(ChHttpQueue *queue)
{
    return atomic_load(&queue->unsent_bytes) <= MAX_UNSENT_BYTES;
}

/* Waits for a request and room until @deadline_us or a wake. */
static void wait_locked(ChHttpQueue *queue, int64_t deadline_us)
{
    uint64_t wakes = queue->wakes;
    while ((queue->n == 0 || !has_room(queue)) && queue->wakes == wakes) {
        if (!ch_wait_sleep_locked(&queue->come, deadline_us))
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

size_t ch_http_queue_take(ChHttpQueue *queue, void **items, size_t max, int wait_ms)
{
    int64_t now_us = ch_time_monotonic_us();
    ch_wait_lock(&queue->come);
    if (now_us < queue->hurry_until_us)
        wait_ms = MIN(wait_ms, 1);
    wait_locked(queue, now_us + (int64_t)wait_ms * 1000);
    size_t taken = take_locked(queue, items, has_room(queue) ? max : holds_too_much(queue) ? 0 : 1);
    size_t left = queue->n;
    if (left > 0) /* another lane may take them now */
        ch_wait_wake_one_locked(&queue->come);
    ch_wait_unlock(&queue->come);
    ch_metric_set(queue->waiting_metric, (double)left);
    return drop_expired(queue, items, taken);
}

/* ---- answers on their way ---- */

void ch_http_queue_add_unsent(ChHttpQueue *queue, size_t bytes)
{
    atomic_fetch_add(&queue->unsent_bytes, bytes);
}

void ch_http_queue_subtract_unsent(ChHttpQueue *queue, size_t bytes)
{
    size_t before = atomic_fetch_sub(&queue->unsent_bytes, bytes);
    if (before <= MAX_UNSENT_BYTES || before - bytes > MAX_UNSENT_BYTES)
        return;
    ch_wait_lock(&queue->come);
    ch_wait_wake_one_locked(&queue->come);
    ch_wait_unlock(&queue->come);
}

void ch_http_queue_wake(ChHttpQueue *queue)
{
    ch_wait_lock(&queue->come);
    queue->wakes++;
    queue->hurry_until_us = ch_time_monotonic_us() + HURRY_MS * 1000;
    ch_wait_wake_all_locked(&queue->come);
    ch_wait_unlock(&queue->come);
}

/* ---- life ---- */

ChHttpQueue *ch_http_queue_new(const char *name, size_t max_waiting)
{
    g_assert(max_waiting > 0);
    ChHttpQueue *queue = g_new0(ChHttpQueue, 1);
    queue->waiting_metric = ch_metric(&waiting_gauge, name);
    queue->full_metric = ch_metric(&full_total, name);
    queue->wait_metric = ch_metric(&wait_seconds, name);
    queue->ring = g_new0(ChHttpRequest *, max_waiting);
    queue->room = max_waiting;
    ch_wait_init(&queue->come);
    return queue;
}

void ch_http_queue_free(ChHttpQueue *queue)
{
    if (queue == NULL)
        return;
    for (size_t i = 0; i < queue->n; i++)
        ch_http_request_unref(queue->ring[(queue->first + i) % queue->room]);
    ch_wait_clear(&queue->come);
    g_free(queue->ring);
    g_free(queue);
}
