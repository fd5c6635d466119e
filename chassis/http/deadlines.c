/* Ends what takes too long. */
#include "chassis/http/deadlines.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum {
    PERIOD_US = 100 * 1000,           /* how late a deadline may be noticed */
    CROWDED_IDLE_US = G_USEC_PER_SEC, /* of a connection that has to make room */
    CROWDED_READ_US = G_USEC_PER_SEC, /* of one that has not sent its request by then */
};

struct ChHttpTimed {
    ChHttpTimed *previous;
    ChHttpTimed *next;
    int fd;
    uint64_t address;
    int64_t opened_us;
    bool left;              /* the peer had hung up when we last looked */
    ChHttpRequest *request; /* borrowed; NULL between two */
    int64_t idle_since_us;  /* INT64_MAX: not between two */
    int64_t deadline_us;
    bool extended; /* for the writing of the answer */
};

struct ChHttpDeadlines {
    int64_t request_timeout_us;
    int64_t idle_timeout_us;
    unsigned max_connections;
    bool tls;
    int64_t due_us; /* of the next pass */
    bool closed;    /* nothing may wait any more */
    GArray *polled; /* struct pollfd, and behind whom each is; of a pass */
    GPtrArray *polled_timed;
    ChHttpTimed *connections;
    unsigned connections_n;
};

CH_COUNTER(expired_total, "cartwheel_http_expired_total",
           "Requests answered 503 because their deadline passed while they waited.", NULL);
CH_COUNTER(cut_total, "cartwheel_http_cut_total",
           "Connections cut because a request or the reading of its answer was too slow.", NULL);
CH_COUNTER(crowded_total, "cartwheel_http_crowded_total",
           "Idle connections closed because there was hardly room for new ones.", NULL);

CH_COUNTER(left_total, "cartwheel_http_left_total",
           "Connections whose client hung up in the middle of a request.", NULL);

/* ---- passing over all of them ---- */

static void cut(ChHttpTimed *timed, ChMetricFamily *counter)
{
    shutdown(timed->fd, SHUT_RDWR);
    timed->idle_since_us = timed->deadline_us = INT64_MAX; /* once is enough */
    ch_metric_add(ch_metric(counter, NULL), 1);
}

static bool is_cut(const ChHttpTimed *timed)
{
    return timed->deadline_us == INT64_MAX;
}

/* Its client has something to send: a request, or what is missing of one. */
static bool is_reading(const ChHttpTimed *timed)
{
    return !is_cut(timed) &&
           (timed->request == NULL || atomic_load(&timed->request->state) == CH_HTTP_READING);
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

/* Its request is kept, and has until later than we knew. */
static bool was_put_off(ChHttpTimed *timed, int64_t now_us)
{
    if (timed->request == NULL || atomic_load(&timed->request->state) != CH_HTTP_WAITING)
        return false;
    timed->deadline_us = atomic_load(&timed->request->deadline_us);
    return timed->deadline_us > now_us;
}

/* What @timed's passed deadline means. The writing of an answer then has as long again. */
static void enforce(ChHttpDeadlines *deadlines, ChHttpTimed *timed, int64_t now_us,
                    GPtrArray *expired)
{
    if (was_put_off(timed, now_us))
        return;
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

/* ---- clients that hung up ----
 *
 * libmicrohttpd (0.9 and 1.0 alike) reads once when bytes and the end come together, and is told of
 * the end by no further event; of a suspended connection it hears nothing at all. */

static bool is_kept(const ChHttpTimed *timed)
{
    return !is_cut(timed) && timed->request != NULL && atomic_load(&timed->request->kept) &&
           atomic_load(&timed->request->state) == CH_HTTP_WAITING;
}

static void watch_readers(ChHttpDeadlines *deadlines)
{
    g_array_set_size(deadlines->polled, 0);
    g_ptr_array_set_size(deadlines->polled_timed, 0);
    for (ChHttpTimed *timed = deadlines->connections; timed != NULL; timed = timed->next) {
        if (!is_reading(timed) && !is_kept(timed))
            continue;
        const struct pollfd poll_for = { .fd = timed->fd, .events = POLLRDHUP };
        g_array_append_val(deadlines->polled, poll_for);
        g_ptr_array_add(deadlines->polled_timed, timed);
    }
}

/* Twice in a row, so that what libmicrohttpd has read by then is served first. The end of a session
 * of TLS comes in bytes, which nobody reads of a connection that is kept. */
static void notice_end(const ChHttpDeadlines *deadlines, ChHttpTimed *timed, GPtrArray *expired)
{
    char next;
    ssize_t got = recv(timed->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
    bool ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) ||
                 (deadlines->tls && is_kept(timed));
    if (ended && timed->left) {
        expire(timed, expired);
        cut(timed, &left_total);
    }
    timed->left = ended;
}

/* Appends to @expired what was kept for those that are gone. */
static void notice_ends(ChHttpDeadlines *deadlines, GPtrArray *expired)
{
    watch_readers(deadlines);
    struct pollfd *polled = (struct pollfd *)(void *)deadlines->polled->data;
    unsigned n = deadlines->polled->len;
    if (n == 0 || poll(polled, n, 0) <= 0)
        return;
    for (unsigned i = 0; i < n; i++) {
        if ((polled[i].revents & POLLRDHUP) != 0)
            notice_end(deadlines, g_ptr_array_index(deadlines->polled_timed, i), expired);
    }
}

/* ---- too many ---- */

static bool is_unfinished(const ChHttpTimed *timed)
{
    return is_reading(timed) && timed->idle_since_us == INT64_MAX;
}

static bool is_slow(const ChHttpTimed *timed, int64_t now_us)
{
    int64_t since_us = timed->request == NULL ? timed->opened_us : timed->request->started_us;
    return is_unfinished(timed) && since_us <= now_us - CROWDED_READ_US;
}

/* The address of which most have not sent their request; 0: there is none. */
static uint64_t most_unfinished(const ChHttpDeadlines *deadlines)
{
    g_autoptr(GHashTable) counts = g_hash_table_new(g_int64_hash, g_int64_equal);
    uint64_t worst = 0;
    unsigned most = 0;
    for (ChHttpTimed *timed = deadlines->connections; timed != NULL; timed = timed->next) {
        if (!is_unfinished(timed))
            continue;
        unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, &timed->address)) + 1;
        g_hash_table_insert(counts, &timed->address, GUINT_TO_POINTER(n));
        if (n > most) {
            most = n;
            worst = timed->address;
        }
    }
    return worst;
}

/* Makes room for @excess others. There is no limit for an address while there is room: behind a
 * gateway everybody has the same. */
static void shed(ChHttpDeadlines *deadlines, unsigned excess, int64_t now_us)
{
    uint64_t worst = most_unfinished(deadlines);
    for (ChHttpTimed *timed = deadlines->connections; timed != NULL && excess > 0;
         timed = timed->next) {
        if (timed->address != worst || !is_slow(timed, now_us))
            continue;
        cut(timed, &crowded_total);
        excess--;
    }
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
    unsigned most = deadlines->max_connections - deadlines->max_connections / 8;
    bool crowded = deadlines->connections_n > most;
    unsigned before = expired->len;
    unsigned cut_n = 0;
    for (ChHttpTimed *timed = deadlines->connections; timed != NULL; timed = timed->next) {
        if (timed->deadline_us <= now_us)
            enforce(deadlines, timed, now_us, expired);
        else if (crowded && timed->idle_since_us <= now_us - CROWDED_IDLE_US)
            cut(timed, &crowded_total);
        cut_n += is_cut(timed);
    }
    report(expired->len - before);
    notice_ends(deadlines, expired);
    if (deadlines->connections_n > most + cut_n)
        shed(deadlines, deadlines->connections_n - most - cut_n, now_us);
}

void ch_http_deadlines_expire_all(ChHttpDeadlines *deadlines, GPtrArray *expired)
{
    deadlines->closed = true;
    for (ChHttpTimed *timed = deadlines->connections; timed != NULL; timed = timed->next)
        expire(timed, expired);
}

/* ---- one connection ---- */

ChHttpTimed *ch_http_deadlines_open(ChHttpDeadlines *deadlines, int fd, uint64_t address)
{
    ChHttpTimed *timed = g_new0(ChHttpTimed, 1);
    timed->fd = fd;
    timed->address = address;
    timed->opened_us = ch_time_monotonic_us();
    timed->idle_since_us = INT64_MAX;
    timed->deadline_us = timed->opened_us + deadlines->request_timeout_us;
    timed->next = deadlines->connections;
    if (timed->next != NULL)
        timed->next->previous = timed;
    deadlines->connections = timed;
    deadlines->connections_n++;
    return timed;
}

void ch_http_deadlines_speaks_for(ChHttpTimed *timed, uint64_t address)
{
    timed->address = address;
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
    timed->deadline_us = atomic_load(&request->deadline_us);
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
                                       unsigned max_connections, bool tls)
{
    ChHttpDeadlines *deadlines = g_new0(ChHttpDeadlines, 1);
    deadlines->request_timeout_us = request_timeout_us;
    deadlines->idle_timeout_us = idle_timeout_us;
    deadlines->max_connections = max_connections;
    deadlines->tls = tls;
    deadlines->polled = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    deadlines->polled_timed = g_ptr_array_new();
    return deadlines;
}

void ch_http_deadlines_free(ChHttpDeadlines *deadlines)
{
    if (deadlines == NULL)
        return;
    g_assert(deadlines->connections == NULL);
    g_array_unref(deadlines->polled);
    g_ptr_array_unref(deadlines->polled_timed);
    g_free(deadlines);
}
