/* The loop of a lane: take, run in one unit of work, settle. */
#define _GNU_SOURCE
#include "chassis/core/lane.h"

#include "chassis/core/batch_span.h"
#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/core/wait.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    IDLE_WAIT_MS = 1000, /* how long `take` may wait before the connection is looked at */
    LOOK_MS = 400,   /* the same of a lane that may be paused, which is to happen within a second */
    UNKNOWN_MS = 20, /* between looks at a control before it was read, soon after the start */
    BACKOFF_FIRST_MS = 50,          /* after a first UNAVAILABLE; doubles */
    BACKOFF_MOST_MS = 1000,         /* so that a healed server is used within a second */
    STACK_IN_USE_BYTES = 64 * 1024, /* below the frame that looks: more than any call here takes */
    THREAD_NAME_BYTES = 16,         /* pthread_setname_np(3) */
    DEFAULT_STACK_BYTES = 512 * 1024, /* handlers keep their arrays on the heap */
};

struct ChLane {
    ChLaneConfig config;
    void **items; /* config.max_batch of them; lane thread only */
    pthread_t thread;
    bool started;
    atomic_bool ended;
    atomic_bool stopping;
    int backoff_ms;      /* lane thread only: 0 while all is well */
    bool reported;       /* lane thread only, as is the next: the outage was logged */
    bool refused;        /* work failed, and none has succeeded since */
    const char *failing; /* why the item in hand is given up; NULL: it is handled */
    ChWait changed;      /* stopping or ended was raised */
};

/* ---- waiting ---- */

/* A server is away: says so once an outage, for the developer. The connection to it tells everybody
 * else, once for all lanes. */
static void report(ChLane *lane, const GError *why)
{
    if (!lane->reported)
        ch_log_debug("lane waits for a server", CH_STR("lane", lane->config.name), CH_ERR(why));
    lane->reported = true;
}

/* Waits longer each time, with jitter. */
static void back_off(ChLane *lane)
{
    lane->backoff_ms = lane->backoff_ms == 0 ? BACKOFF_FIRST_MS : lane->backoff_ms * 2;
    lane->backoff_ms = MIN(lane->backoff_ms, BACKOFF_MOST_MS);
    int wait_ms = ch_time_jitter_ms(lane->backoff_ms);
    ch_wait_for(&lane->changed, &lane->stopping, ch_time_monotonic_us() + (int64_t)wait_ms * 1000);
}

static void recovered(ChLane *lane)
{
    if (lane->reported)
        ch_log_debug("lane works again", CH_STR("lane", lane->config.name));
    lane->reported = false;
    lane->refused = false;
    lane->backoff_ms = 0;
}

/* ---- one batch ---- */

/* NULL: nothing of it is sampled. */
static ChBatchSpan *begin_span(const ChLane *lane, void *const *items, size_t n)
{
    ChSource *source = lane->config.source;
    if (!ch_spans_on() || source->ops->span == NULL)
        return NULL;
    ChBatchSpan *span = NULL;
    int64_t start_us = ch_time_now_us();
    for (size_t i = 0; i < n; i++) {
        ChSpan *item = source->ops->span(source, items[i], start_us);
        if (item != NULL && span == NULL)
            span =
                ch_batch_span_begin(lane->config.name, n, lane->config.work->ops->system, start_us);
        if (item != NULL)
            ch_batch_span_add(span, item);
    }
    return span;
}

/* Runs @handler over the batch in one unit of work. On failure nothing of it remains. */
static bool attempt(ChLane *lane, ChHandler handler, void *context, void *const *items, size_t n,
                    GError **error)
{
    ChWork *work = lane->config.work;
    ChBatchSpan *span = begin_span(lane, items, n);
    ch_log_hold();
    CH_FAULT_ON("before_begin", lane->config.name);
    bool handled = work->ops->begin(work, error) && handler(context, items, n, error);
    if (handled) {
        ch_batch_span_commit(span);
        CH_FAULT_ON("before_commit", lane->config.name);
    }
    if (handled && work->ops->commit(work, error)) {
        CH_FAULT_ON("after_commit", lane->config.name);
        ch_log_release();
        ch_batch_span_end(span, lane->failing);
        return true;
    }
    ch_batch_span_abort(span, (*error)->message);
    work->ops->rollback(work);
    ch_log_drop();
    return false;
}

/* Paused while it holds a batch that somebody else could have. */
static bool gives_back(const ChLane *lane)
{
    return lane->config.source->ops->rest != NULL && ch_control_paused(lane->config.control);
}

/* Runs the batch until it commits, fails because of an item, or is released. */
typedef enum {
    COMMITTED,
    AT_FAULT,
    RELEASED
} BatchEnd;

static BatchEnd attempt_until_available(ChLane *lane, ChHandler handler, void *context,
                                        void *const *items, size_t n, GError **why)
{
    ChSource *source = lane->config.source;
    for (;;) {
        g_autoptr(GError) error = NULL;
        if (attempt(lane, handler, context, items, n, &error)) {
            recovered(lane);
            return COMMITTED;
        }
        if (!ch_error_is_unavailable(error)) {
            *why = g_steal_pointer(&error);
            return AT_FAULT;
        }
        report(lane, error);
        lane->refused = true;
        if (!source->ops->hold(source, items, n, error))
            return RELEASED;
        back_off(lane);
        if (atomic_load(&lane->stopping) || gives_back(lane)) {
            source->ops->release(source, items, n);
            return RELEASED;
        }
    }
}

typedef struct {
    ChSource *source;
    const GError *why;
} Failure;

/* The handler for an item that fails even alone. */
static bool fail_item(void *context, void *const *items, size_t n, GError **error)
{
    g_assert(n == 1);
    const Failure *failure = context;
    return failure->source->ops->fail(failure->source, items[0], failure->why, error);
}

/* False when the item was released unsettled. */
static bool fail_alone(ChLane *lane, void *const *item, const GError *why)
{
    ChSource *source = lane->config.source;
    Failure failure = { source, why };
    g_autoptr(GError) error = NULL;
    lane->failing = why->message;
    BatchEnd end = attempt_until_available(lane, fail_item, &failure, item, 1, &error);
    lane->failing = NULL;
    switch (end) {
    case COMMITTED:
        source->ops->settle(source, item, 1);
        return true;
    case AT_FAULT:
        ch_log_error("an item could not even be failed", CH_STR("lane", lane->config.name),
                     CH_ERR(error), CH_STR("because", why->message));
        source->ops->abandon(source, *item, why);
        return true;
    case RELEASED:
        return false;
    }
    g_assert_not_reached();
}

/* Runs a batch and settles it in order. False when some of it was released: what comes after it
 * must be released too, because settling one message settles all before it. */
static bool run_batch(ChLane *lane, void *const *items, size_t n)
{
    ChSource *source = lane->config.source;
    g_autoptr(GError) why = NULL;
    switch (
        attempt_until_available(lane, lane->config.handler, lane->config.context, items, n, &why)) {
    case COMMITTED:
        source->ops->settle(source, items, n);
        CH_FAULT_ON("after_settle", lane->config.name);
        return true;
    case RELEASED:
        return false;
    case AT_FAULT:
        break;
    }
    if (n == 1)
        return fail_alone(lane, items, why);
    size_t half = n / 2;
    bool first_done = run_batch(lane, items, half);
    CH_FAULT_ON("between_halves", lane->config.name);
    if (first_done)
        return run_batch(lane, items + half, n - half);
    source->ops->release(source, items + half, n - half);
    return false;
}

/* ---- the thread ---- */

/* Gives back the part of the stack that a deep call took once and that is not in use now. */
static void trim_stack(void)
{
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)lowest + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)&attributes - STACK_IN_USE_BYTES) & ~(page - 1);
    if (end > start)
        madvise((void *)start, end - start, MADV_DONTNEED);
}

static void keep_whole(ChLane *lane)
{
    trim_stack();
    g_autoptr(GError) error = NULL;
    if (lane->config.work->ops->idle(lane->config.work, &error)) {
        if (!lane->refused)
            recovered(lane);
        return;
    }
    report(lane, error);
    back_off(lane);
}

/* While it is paused: takes nothing and keeps its connection. */
static bool rests(ChLane *lane)
{
    const ChControl *control = lane->config.control;
    if (ch_control_runs(control))
        return false;
    bool paused = ch_control_paused(control);
    if (gives_back(lane))
        lane->config.source->ops->rest(lane->config.source);
    if (paused)
        keep_whole(lane);
    int64_t wait_ms = paused ? LOOK_MS : UNKNOWN_MS;
    ch_wait_for(&lane->changed, &lane->stopping, ch_time_monotonic_us() + wait_ms * 1000);
    return true;
}

/* Handles what has come already, so that it need not come again. */
static void finish(ChLane *lane)
{
    ChSource *source = lane->config.source;
    if (source->ops->close == NULL)
        return;
    source->ops->close(source);
    for (size_t n = 1; n > 0;) {
        g_autoptr(GError) error = NULL;
        if (!source->ops->take(source, lane->items, lane->config.max_batch, 0, &n, &error) ||
            (n > 0 && !run_batch(lane, lane->items, n)))
            return;
    }
}

static void *run_lane(void *argument)
{
    ChLane *lane = argument;
    ChSource *source = lane->config.source;
    int wait_ms = lane->config.control == NULL ? IDLE_WAIT_MS : LOOK_MS;
    bool released =
        false;        /* some of the last batch: what lies behind it must stay, see run_batch() */
    keep_whole(lane); /* connect before the first item comes */
    while (!atomic_load(&lane->stopping)) {
        if (rests(lane))
            continue;
        g_autoptr(GError) error = NULL;
        size_t n = 0;
        if (!source->ops->take(source, lane->items, lane->config.max_batch, wait_ms, &n, &error)) {
            report(lane, error);
            back_off(lane);
        } else if (n > 0) {
            released = !run_batch(lane, lane->items, n);
        } else if (!atomic_load(&lane->stopping)) {
            keep_whole(lane);
        }
    }
    if (!released)
        finish(lane);
    ch_wait_raise(&lane->changed, &lane->ended);
    return NULL;
}

ChLane *ch_lane_new(const ChLaneConfig *config)
{
    g_assert(config->max_batch > 0 && config->source != NULL && config->work != NULL &&
             config->handler != NULL && config->name != NULL);
    ChLane *lane = g_new0(ChLane, 1);
    lane->config = *config;
    lane->items = g_new0(void *, config->max_batch);
    ch_wait_init(&lane->changed);
    return lane;
}

bool ch_lane_start(ChLane *lane, GError **error)
{
    g_assert(!lane->started);
    size_t stack = lane->config.stack_bytes == 0 ? DEFAULT_STACK_BYTES : lane->config.stack_bytes;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    int failure = pthread_create(&lane->thread, &attributes, run_lane, lane);
    pthread_attr_destroy(&attributes);
    if (failure != 0) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "cannot start the thread of lane %s: %s",
                    lane->config.name, g_strerror(failure));
        return false;
    }
    char thread_name[THREAD_NAME_BYTES];
    g_strlcpy(thread_name, lane->config.name, sizeof thread_name);
    pthread_setname_np(lane->thread, thread_name);
    lane->started = true;
    return true;
}

void ch_lane_stop(ChLane *lane)
{
    ch_wait_raise(&lane->changed, &lane->stopping);
    lane->config.source->ops->wake(lane->config.source);
}

bool ch_lane_join(ChLane *lane, int64_t deadline_us)
{
    if (!lane->started)
        return true;
    if (!ch_wait_for(&lane->changed, &lane->ended, deadline_us))
        return false;
    pthread_join(lane->thread, NULL);
    lane->started = false;
    return true;
}

void ch_lane_free(ChLane *lane)
{
    if (lane == NULL)
        return;
    g_assert(!lane->started);
    ch_wait_clear(&lane->changed);
    g_free(lane->items);
    g_free(lane);
}

const char *ch_lane_name(const ChLane *lane)
{
    return lane->config.name;
}

bool ch_lane_stopping(const ChLane *lane)
{
    return atomic_load(&lane->stopping);
}
