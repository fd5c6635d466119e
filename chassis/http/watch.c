/* The thread that ends what takes too long. */
#include "chassis/http/watch.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

enum {
    PERIOD_US = 100 * 1000,           /* how late a deadline may be noticed */
    CROWDED_IDLE_US = G_USEC_PER_SEC, /* of a connection that has to make room */
    STACK_BYTES = 256 * 1024,         /* rounded up from a few KiB for the sanitizers */
};

struct ChHttpWatched {
    ChHttpWatched *previous;
    ChHttpWatched *next;
    int fd;
    ChHttpRequest *request; /* borrowed; NULL between two */
    int64_t idle_since_us;  /* INT64_MAX: not between two */
    int64_t deadline_us;
    bool extended; /* for the writing of the answer */
};

struct ChHttpWatch {
    int64_t request_timeout_us;
    int64_t idle_timeout_us;
    unsigned max_connections;
    pthread_t thread;
    bool started;

    pthread_mutex_t mutex; /* guards all below, and every ChHttpWatched */
    pthread_cond_t changed;
    bool stopping;
    ChHttpWatched *connections;
    unsigned connections_n;
};

CH_COUNTER(expired_total, "cartwheel_http_expired_total",
           "Requests answered 503 because their deadline passed while they waited.", NULL);
CH_COUNTER(cut_total, "cartwheel_http_cut_total",
           "Connections cut because a request or the reading of its answer was too slow.", NULL);
CH_COUNTER(crowded_total, "cartwheel_http_crowded_total",
           "Idle connections closed because there was hardly room for new ones.", NULL);

/* ---- the thread ---- */

static void cut_locked(ChHttpWatched *watched, ChMetricFamily *counter)
{
    shutdown(watched->fd, SHUT_RDWR);
    watched->idle_since_us = watched->deadline_us = INT64_MAX; /* once is enough */
    ch_metric_add(ch_metric(counter, NULL), 1);
}

/* What @watched's passed deadline means; a request to resume goes to @expired with a reference.
 * The writing of an answer then has as long again. */
static void enforce_locked(ChHttpWatch *watch, ChHttpWatched *watched, int64_t now_us,
                           GPtrArray *expired)
{
    ChHttpRequest *request = watched->request;
    bool now_expired = request != NULL && ch_http_request_finish(request, CH_HTTP_EXPIRED);
    if (now_expired)
        g_ptr_array_add(expired, ch_http_request_ref(request));
    bool answering = request != NULL && atomic_load(&request->state) != CH_HTTP_READING;
    if (answering && !watched->extended) {
        watched->extended = true;
        watched->deadline_us = now_us + watch->request_timeout_us;
        return;
    }
    cut_locked(watched, &cut_total);
}

/* Outside of the lock: the outlet has one of its own. */
static void resume_expired(GPtrArray *expired)
{
    for (unsigned i = 0; i < expired->len; i++) {
        ChHttpRequest *request = g_ptr_array_index(expired, i);
        ch_log_debug("request expired", CH_STR("method", request->method),
                     CH_STR("path", request->path), CH_TRACE(request->trace));
        request->outlet->resume(request->outlet, &request, 1);
    }
    g_ptr_array_set_size(expired, 0);
}

static void report(unsigned expired)
{
    if (expired == 0)
        return;
    ch_log_warning("requests waited too long for a lane", CH_INT("requests", expired));
    ch_metric_add(ch_metric(&expired_total, NULL), expired);
}

static void pass(ChHttpWatch *watch, GPtrArray *expired)
{
    int64_t now_us = ch_time_monotonic_us();
    pthread_mutex_lock(&watch->mutex);
    bool crowded = watch->connections_n > watch->max_connections - watch->max_connections / 8;
    for (ChHttpWatched *watched = watch->connections; watched != NULL; watched = watched->next) {
        if (watched->deadline_us <= now_us)
            enforce_locked(watch, watched, now_us, expired);
        else if (crowded && watched->idle_since_us <= now_us - CROWDED_IDLE_US)
            cut_locked(watched, &crowded_total);
    }
    pthread_mutex_unlock(&watch->mutex);
    report(expired->len);
    resume_expired(expired);
}

static bool wait_period(ChHttpWatch *watch)
{
    int64_t until_us = ch_time_monotonic_us() + PERIOD_US;
    struct timespec until = { .tv_sec = until_us / G_USEC_PER_SEC,
                              .tv_nsec = (until_us % G_USEC_PER_SEC) * 1000 };
    pthread_mutex_lock(&watch->mutex);
    if (!watch->stopping)
        pthread_cond_timedwait(&watch->changed, &watch->mutex, &until);
    bool go_on = !watch->stopping;
    pthread_mutex_unlock(&watch->mutex);
    return go_on;
}

static void *run(void *argument)
{
    ChHttpWatch *watch = argument;
    g_autoptr(GPtrArray) expired = g_ptr_array_new();
    while (wait_period(watch))
        pass(watch, expired);
    return NULL;
}

/* ---- the server's side ---- */

ChHttpWatched *ch_http_watch_open(ChHttpWatch *watch, int fd)
{
    ChHttpWatched *watched = g_new0(ChHttpWatched, 1);
    watched->fd = fd;
    watched->idle_since_us = INT64_MAX;
    watched->deadline_us = ch_time_monotonic_us() + watch->request_timeout_us;
    pthread_mutex_lock(&watch->mutex);
    watched->next = watch->connections;
    if (watched->next != NULL)
        watched->next->previous = watched;
    watch->connections = watched;
    watch->connections_n++;
    pthread_mutex_unlock(&watch->mutex);
    return watched;
}

void ch_http_watch_close(ChHttpWatch *watch, ChHttpWatched *watched)
{
    pthread_mutex_lock(&watch->mutex);
    if (watched->next != NULL)
        watched->next->previous = watched->previous;
    if (watched->previous != NULL)
        watched->previous->next = watched->next;
    else
        watch->connections = watched->next;
    watch->connections_n--;
    pthread_mutex_unlock(&watch->mutex);
    g_free(watched);
}

void ch_http_watch_begin(ChHttpWatch *watch, ChHttpWatched *watched, ChHttpRequest *request)
{
    pthread_mutex_lock(&watch->mutex);
    watched->request = request;
    watched->idle_since_us = INT64_MAX;
    watched->deadline_us = request->deadline_us;
    watched->extended = false;
    pthread_mutex_unlock(&watch->mutex);
}

void ch_http_watch_end(ChHttpWatch *watch, ChHttpWatched *watched)
{
    /* A kept connection that drips a next head byte by byte is never idle: it gets both times. */
    int64_t now_us = ch_time_monotonic_us();
    pthread_mutex_lock(&watch->mutex);
    watched->request = NULL;
    watched->idle_since_us = now_us;
    watched->deadline_us = now_us + watch->idle_timeout_us + watch->request_timeout_us;
    pthread_mutex_unlock(&watch->mutex);
}

bool ch_http_watch_wait(ChHttpWatch *watch, ChHttpWatched *watched)
{
    pthread_mutex_lock(&watch->mutex);
    bool may = !watch->stopping;
    if (may)
        atomic_store(&watched->request->state, CH_HTTP_WAITING);
    pthread_mutex_unlock(&watch->mutex);
    return may;
}

/* ---- life ---- */

ChHttpWatch *ch_http_watch_new(int64_t request_timeout_us, int64_t idle_timeout_us,
                               unsigned max_connections)
{
    ChHttpWatch *watch = g_new0(ChHttpWatch, 1);
    watch->request_timeout_us = request_timeout_us;
    watch->idle_timeout_us = idle_timeout_us;
    watch->max_connections = max_connections;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_cond_init(&watch->changed, &clock);
    pthread_condattr_destroy(&clock);
    return watch;
}

bool ch_http_watch_start(ChHttpWatch *watch, GError **error)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int failure = pthread_create(&watch->thread, &attributes, run, watch);
    pthread_attr_destroy(&attributes);
    if (failure != 0) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                    "cannot start the thread of the HTTP deadlines: %s", g_strerror(failure));
        return false;
    }
    pthread_setname_np(watch->thread, "http-deadlines");
    watch->started = true;
    return true;
}

void ch_http_watch_stop(ChHttpWatch *watch)
{
    g_autoptr(GPtrArray) expired = g_ptr_array_new();
    pthread_mutex_lock(&watch->mutex);
    watch->stopping = true;
    pthread_cond_signal(&watch->changed);
    for (ChHttpWatched *watched = watch->connections; watched != NULL; watched = watched->next) {
        if (watched->request != NULL && ch_http_request_finish(watched->request, CH_HTTP_EXPIRED))
            g_ptr_array_add(expired, ch_http_request_ref(watched->request));
    }
    pthread_mutex_unlock(&watch->mutex);
    if (watch->started)
        pthread_join(watch->thread, NULL);
    watch->started = false;
    resume_expired(expired);
}

void ch_http_watch_free(ChHttpWatch *watch)
{
    if (watch == NULL)
        return;
    g_assert(!watch->started && watch->connections == NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    g_free(watch);
}
