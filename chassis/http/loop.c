/* The server's thread. */
#include "chassis/http/loop.h"

#include "chassis/core/cast.h"
#include "chassis/core/time.h"
#include "chassis/core/wait.h"

#include <poll.h>
#include <unistd.h>

enum {
    STACK_BYTES = 512 * 1024,
    MAX_WAIT_MS = 60 * 1000,
};

struct ChHttpLoop {
    ChHttpResumer base;
    ChHttpIntake *intake;
    struct MHD_Daemon *daemon;
    int daemon_fd;   /* the daemon's epoll; belongs to it */
    ChWakeup wakeup; /* the thread has to look at what is guarded below */
    pthread_t thread;
    bool started;
    GPtrArray *taken; /* the thread's own: what it has to resume now */

    ChWait wait;         /* guards all below; woken when the listener was closed */
    GPtrArray *finished; /* ChHttpRequest*, a reference each */
    bool listening;
    bool quiescing;
    bool expiring;
    bool stopping;
};

static const ChHttpResumerOps resumer_ops;

static void resume(ChHttpResumer *resumer, ChHttpRequest *const *requests, size_t n)
{
    ChHttpLoop *loop = CH_CAST(ChHttpLoop, resumer, &resumer_ops);
    ch_wait_lock(&loop->wait);
    bool asleep = loop->finished->len == 0;
    for (size_t i = 0; i < n; i++)
        g_ptr_array_add(loop->finished, requests[i]);
    if (asleep) /* under the lock: nothing is done to a loop that was told to end and did */
        ch_wakeup_set(&loop->wakeup);
    ch_wait_unlock(&loop->wait);
}

static const ChHttpResumerOps resumer_ops = { .resume = resume };

/* ---- the thread ---- */

static void close_listener_locked(ChHttpLoop *loop)
{
    MHD_socket listener = MHD_quiesce_daemon(loop->daemon);
    if (listener != MHD_INVALID_SOCKET)
        close(listener);
    loop->listening = false;
    ch_wait_wake_all_locked(&loop->wait);
}

/* Does what other threads asked for and what deadlines demand. False: the end. */
static bool obey(ChHttpLoop *loop)
{
    ChHttpIntake *intake = loop->intake;
    ch_wait_lock(&loop->wait);
    GPtrArray *finished = loop->finished;
    loop->finished = loop->taken;
    loop->taken = finished;
    if (loop->quiescing && loop->listening)
        close_listener_locked(loop);
    bool expiring = loop->expiring;
    bool stopping = loop->stopping;
    ch_wait_unlock(&loop->wait);
    if (expiring)
        ch_http_deadlines_expire_all(intake->deadlines, finished);
    ch_http_deadlines_enforce(intake->deadlines, finished);
    for (unsigned i = 0; i < finished->len; i++)
        ch_http_intake_resume(intake, g_ptr_array_index(finished, i));
    bool goes_on = !stopping || intake->suspended > 0;
    g_ptr_array_set_size(finished, 0);
    intake->more_to_do = false; /* by what runs now */
    ch_http_tls_turn(&intake->tls);
    MHD_run(loop->daemon);
    return goes_on;
}

/* Until libmicrohttpd or a deadline has something to do. */
static int wait_ms(const ChHttpLoop *loop)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    if (loop->intake->more_to_do) /* MHD_get_timeout() does not look at that */
        return 0;
    if (MHD_get_timeout(loop->daemon, &ms) != MHD_YES ||
        (ms == 0 && ch_http_tls_stands_still(&loop->intake->tls)))
        ms = MAX_WAIT_MS;
    int64_t due_us = ch_http_deadlines_due_us(loop->intake->deadlines);
    if (due_us == INT64_MAX)
        return (int)MIN(ms, MAX_WAIT_MS);
    int64_t left_us = MAX(due_us - ch_time_monotonic_us(), 0);
    return (int)MIN((int64_t)MIN(ms, MAX_WAIT_MS), left_us / 1000 + 1);
}

static void *run(void *argument)
{
    ChHttpLoop *loop = argument;
    struct pollfd ready[] = { { .fd = loop->daemon_fd, .events = POLLIN },
                              { .fd = loop->wakeup.fd, .events = POLLIN } };
    do {
        poll(ready, G_N_ELEMENTS(ready), wait_ms(loop));
        if ((ready[1].revents & POLLIN) != 0)
            ch_wakeup_take(&loop->wakeup);
    } while (obey(loop));
    return NULL;
}

/* ---- life ---- */

ChHttpLoop *ch_http_loop_new(ChHttpIntake *intake, GError **error)
{
    g_autofree ChHttpLoop *loop = g_new0(ChHttpLoop, 1);
    if (!ch_wakeup_open(&loop->wakeup, error))
        return NULL;
    loop->base.ops = &resumer_ops;
    loop->intake = intake;
    loop->taken = g_ptr_array_new();
    loop->finished = g_ptr_array_new();
    ch_wait_init(&loop->wait);
    return g_steal_pointer(&loop);
}

ChHttpResumer *ch_http_loop_resumer(ChHttpLoop *loop)
{
    return &loop->base;
}

bool ch_http_loop_start(ChHttpLoop *loop, struct MHD_Daemon *daemon, GError **error)
{
    loop->daemon = daemon;
    loop->daemon_fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    loop->listening = true;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int failure = pthread_create(&loop->thread, &attributes, run, loop);
    pthread_attr_destroy(&attributes);
    if (failure != 0) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                    "cannot start the thread of the HTTP server: %s", g_strerror(failure));
        return false;
    }
    pthread_setname_np(loop->thread, "http");
    loop->started = true;
    return true;
}

/* Sets @flag and has the thread look at it. */
static void tell_locked(ChHttpLoop *loop, bool *flag)
{
    *flag = true;
    ch_wakeup_set(&loop->wakeup);
}

void ch_http_loop_quiesce(ChHttpLoop *loop)
{
    ch_wait_lock(&loop->wait);
    tell_locked(loop, &loop->quiescing);
    while (loop->started && loop->listening)
        ch_wait_sleep_locked(&loop->wait, INT64_MAX);
    ch_wait_unlock(&loop->wait);
}

void ch_http_loop_expire(ChHttpLoop *loop)
{
    ch_wait_lock(&loop->wait);
    tell_locked(loop, &loop->expiring);
    ch_wait_unlock(&loop->wait);
}

void ch_http_loop_stop(ChHttpLoop *loop)
{
    if (!loop->started)
        return;
    ch_wait_lock(&loop->wait);
    loop->expiring = true;
    tell_locked(loop, &loop->stopping);
    ch_wait_unlock(&loop->wait);
    pthread_join(loop->thread, NULL);
    loop->started = false;
}

void ch_http_loop_free(ChHttpLoop *loop)
{
    if (loop == NULL)
        return;
    g_assert(!loop->started && loop->finished->len == 0);
    ch_wait_clear(&loop->wait);
    g_ptr_array_unref(loop->taken);
    g_ptr_array_unref(loop->finished);
    ch_wakeup_close(&loop->wakeup);
    g_free(loop);
}
