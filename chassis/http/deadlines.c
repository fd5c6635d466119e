/* Ends what takes too long. */
#include "chassis/http/deadlines.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

#include <sys/socket.h>

enum {
    PERIOD_US = 100 * 1000,           /* how late a deadline may be noticed */
    CROWDED_IDLE_US = G_USEC_PER_SEC, /* of a connection that has to make room */
};

struct ChHttpTimed {
    ChHttpTimed *previous;
    ChHttpTimed *next;
    int fd;
    ChHttpRequest *request; /* borrowed; NULL between two */
    int64_t idle_since_us;  /* INT64_MAX: not between two */
    int64_t deadline_us;
    bool extended; /* for the writing of the answer */
};

struct ChHttpDeadlines {
    int64_t request_timeout_us;
    int64_t idle_timeout_us;
    unsigned max_connections;
    int64_t due_us; /* of the next pass */
    bool closed;    /* nothing may wait any more */
    ChHttpTimed *connections;
    unsigned connections_n;
};

CH_COUNTER(expired_total, "cartwheel_http_expired_total",
           "Requests answered 503 because their deadline passed while they waited.", NULL);
CH_COUNTER(cut_total, "cartwheel_http_cut_total",
           "Connections cut because a request or the reading of its answer was too slow.", NULL);
CH_COUNTER(crowded_total, "cartwheel_http_crowded_total",
           "Idle connections closed because there was hardly room for new ones.", NULL);

/* ---- passing over all of them ---- */

static void cut(ChHttpTimed *timed, ChMetricFamily *counter)
{
    shutdown(timed->fd, SHUT_RDWR);
    timed->idle_since_us = timed->deadline_us = INT64_MAX; /* once is enough */
    ch_metric_add(ch_metric(counter, NULL), 1);
}

/* True when @timed's request waited and nobody has answered it. */
static bool expire(ChHttpTimed *timed, GPtrArray *expired)
{
    ChHttpRequest *request = timed->request;
    if (request == NULL || !ch_http_request_finish(request, CH_HTTP_EXPIRED))
        return false;
    ch_log_debug("request expired", CH_STR("method", request->method),
                 CH_STR("path", request->path), CH_TRACE(request->trace));
    g_ptr_array_add(expired, ch_http_request_ref(request));
    return true;
}

/* What @timed's passed deadline means. The writing of an answer then has as long again. */
static void enforce(ChHttpDeadlines *deadlines, ChHttpTimed *timed, int64_t now_us,
                    GPtrArray *expired)
{
    expire(timed, expired);
    bool answering =
        timed->request != NULL && atomic_load(&timed->request->state) != CH_HTTP_READING;
    if (!answering || timed->extended) {
        cut(timed, &cut_total);
        return;
    }
    timed->extended = true;
    timed->deadline_us = now_us + deadlines->request_timeout_us;
}

static void report(unsigned expired)
{
    if (expired == 0)
        return;
    ch_log_warning("requests waited too long for a lane", CH_INT("requests", expired));
    ch_metric_add(ch_metric(&expired_total, NULL), expired);
}

int64_t ch_http_deadlines_due_us(const ChHttpDeadlines *deadlines)
{
    return deadlines->connections == NULL ? INT64_MAX : deadlines->due_us;
}

void ch_http_deadlines_enforce(ChHttpDeadlines *deadlines, GPtrArray *expired)
{
    int64_t now_us = ch_time_monotonic_us();
    if (now_us < deadlines->due_us)
        return;
    deadlines->due_us = now_us + PERIOD_US;
    unsigned most = deadlines->max_connections;
    bool crowded = deadlines->connections_n > most - most / 8;
    unsigned before = expired->len;
    for (ChHttpTimed *timed = deadlines->connections; timed != NULL; timed = timed->next) {
        if (timed->deadline_us <= now_us)
            enforce(deadlines, timed, now_us, expired);
        else if (crowded && timed->idle_since_us <= now_us - CROWDED_IDLE_US)
            cut(timed, &crowded_total);
    }
    report(expired->len - before);
}

void ch_http_deadlines_expire_all(ChHttpDeadlines *deadlines, GPtrArray *expired)
{
    deadlines->closed = true;
    for (ChHttpTimed *timed = deadlines->connections; timed != NULL; timed = timed->next)
        expire(timed, expired);
}

/* ---- one connection ---- */

ChHttpTimed *ch_http_deadlines_open(ChHttpDeadlines *deadlines, int fd)
{
    ChHttpTimed *timed = g_new0(ChHttpTimed, 1);
    timed->fd = fd;
    timed->idle_since_us = INT64_MAX;
    timed->deadline_us = ch_time_monotonic_us() + deadlines->request_timeout_us;
    timed->next = deadlines->connections;
    if (timed->next != NULL)
        timed->next->previous = timed;
    deadlines->connections = timed;
    deadlines->connections_n++;
    return timed;
}

void ch_http_deadlines_close(ChHttpDeadlines *deadlines, ChHttpTimed *timed)
{
    if (timed->next != NULL)
        timed->next->previous = timed->previous;
    if (timed->previous != NULL)
        timed->previous->next = timed->next;
    else
        deadlines->connections = timed->next;
    deadlines->connections_n--;
    g_free(timed);
}

void ch_http_deadlines_begin(ChHttpTimed *timed, ChHttpRequest *request)
{
    timed->request = request;
    timed->idle_since_us = INT64_MAX;
    timed->deadline_us = request->deadline_us;
    timed->extended = false;
}

void ch_http_deadlines_end(ChHttpDeadlines *deadlines, ChHttpTimed *timed)
{
    /* A kept connection that drips a next head byte by byte is never idle: it gets both times. */
    int64_t now_us = ch_time_monotonic_us();
    timed->request = NULL;
    timed->idle_since_us = now_us;
    timed->deadline_us = now_us + deadlines->idle_timeout_us + deadlines->request_timeout_us;
}

bool ch_http_deadlines_wait(ChHttpDeadlines *deadlines, ChHttpTimed *timed)
{
    if (!deadlines->closed)
        atomic_store(&timed->request->state, CH_HTTP_WAITING);
    return !deadlines->closed;
}

/* ---- life ---- */

ChHttpDeadlines *ch_http_deadlines_new(int64_t request_timeout_us, int64_t idle_timeout_us,
                                       unsigned max_connections)
{
    ChHttpDeadlines *deadlines = g_new0(ChHttpDeadlines, 1);
    deadlines->request_timeout_us = request_timeout_us;
    deadlines->idle_timeout_us = idle_timeout_us;
    deadlines->max_connections = max_connections;
    return deadlines;
}

void ch_http_deadlines_free(ChHttpDeadlines *deadlines)
{
    g_assert(deadlines == NULL || deadlines->connections == NULL);
    g_free(deadlines);
}
