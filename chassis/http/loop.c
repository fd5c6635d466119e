/* The server's thread. */
#include "chassis/http/loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    STACK_BYTES = 512 * 1024,
    MAX_WAIT_MS = 60 * 1000,
};

struct ChHttpLoop {
    ChHttpOutlet base;
    ChHttpIntake *intake;
    struct MHD_Daemon *daemon;
    int daemon_fd; /* the daemon's epoll; belongs to it */
    int wake_fd;
    pthread_t thread;
    bool started;
    GPtrArray *taken; /* the thread's own */

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t quiesced;
    GPtrArray *finished; /* ChHttpRequest*, a reference each */
    bool listening;
    bool quiescing;
    bool stopping;
};

/* Under the lock, so that nothing is done to a loop that has been told to end and did. */
static void wake_locked(const ChHttpLoop *loop)
{
    const uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof(one));
    g_assert(written == sizeof(one) || errno == EAGAIN); /* it is awake enough then */
}

static void resume(ChHttpOutlet *outlet, ChHttpRequest *const *requests, size_t n)
{
    ChHttpLoop *loop = (ChHttpLoop *)outlet; /* base is the first member */
    pthread_mutex_lock(&loop->mutex);
    bool asleep = loop->finished->len == 0;
    for (size_t i = 0; i < n; i++)
        g_ptr_array_add(loop->finished, requests[i]);
    if (asleep)
        wake_locked(loop);
    pthread_mutex_unlock(&loop->mutex);
}

/* ---- the thread ---- */

static void close_listener_locked(ChHttpLoop *loop)
{
    MHD_socket listener = MHD_quiesce_daemon(loop->daemon);
    if (listener != MHD_INVALID_SOCKET)
        close(listener);
    loop->listening = false;
    pthread_cond_broadcast(&loop->quiesced);
}

/* Does what other threads asked for. False: the end. */
static bool obey(ChHttpLoop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    GPtrArray *finished = loop->finished;
    loop->finished = loop->taken;
    loop->taken = finished;
    if (loop->quiescing && loop->listening)
        close_listener_locked(loop);
    bool stopping = loop->stopping;
    pthread_mutex_unlock(&loop->mutex);
    for (unsigned i = 0; i < finished->len; i++)
        ch_http_intake_resume(loop->intake, g_ptr_array_index(finished, i));
    bool goes_on = !stopping || loop->intake->suspended > 0;
    g_ptr_array_set_size(finished, 0);
    loop->intake->more_to_do = false; /* by what runs now */
    MHD_run(loop->daemon);
    return goes_on;
}

static int wait_ms(const ChHttpLoop *loop)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    if (loop->intake->more_to_do) /* MHD_get_timeout() does not look at that */
        return 0;
    if (MHD_get_timeout(loop->daemon, &ms) != MHD_YES)
        return MAX_WAIT_MS;
    return (int)MIN(ms, MAX_WAIT_MS);
}

static void *run(void *argument)
{
    ChHttpLoop *loop = argument;
    struct pollfd ready[] = { { .fd = loop->daemon_fd, .events = POLLIN },
                              { .fd = loop->wake_fd, .events = POLLIN } };
    do {
        poll(ready, G_N_ELEMENTS(ready), wait_ms(loop));
        uint64_t wakes = 0;
        if ((ready[1].revents & POLLIN) != 0 && read(loop->wake_fd, &wakes, sizeof(wakes)) < 0)
            g_assert(errno == EAGAIN || errno == EINTR);
    } while (obey(loop));
    return NULL;
}

/* ---- life ---- */

ChHttpLoop *ch_http_loop_new(ChHttpIntake *intake, GError **error)
{
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "no event descriptor: %s",
                    g_strerror(errno));
        return NULL;
    }
    ChHttpLoop *loop = g_new0(ChHttpLoop, 1);
    loop->base.resume = resume;
    loop->intake = intake;
    loop->wake_fd = wake_fd;
    loop->taken = g_ptr_array_new();
    loop->finished = g_ptr_array_new();
    pthread_mutex_init(&loop->mutex, NULL);
    pthread_cond_init(&loop->quiesced, NULL);
    return loop;
}

ChHttpOutlet *ch_http_loop_outlet(ChHttpLoop *loop)
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

void ch_http_loop_quiesce(ChHttpLoop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->quiescing = true;
    wake_locked(loop);
    while (loop->started && loop->listening)
        pthread_cond_wait(&loop->quiesced, &loop->mutex);
    pthread_mutex_unlock(&loop->mutex);
}

void ch_http_loop_stop(ChHttpLoop *loop)
{
    if (!loop->started)
        return;
    pthread_mutex_lock(&loop->mutex);
    loop->stopping = true;
    wake_locked(loop);
    pthread_mutex_unlock(&loop->mutex);
    pthread_join(loop->thread, NULL);
    loop->started = false;
}

void ch_http_loop_free(ChHttpLoop *loop)
{
    if (loop == NULL)
        return;
    g_assert(!loop->started && loop->finished->len == 0);
    pthread_cond_destroy(&loop->quiesced);
    pthread_mutex_destroy(&loop->mutex);
    g_ptr_array_unref(loop->taken);
    g_ptr_array_unref(loop->finished);
    close(loop->wake_fd);
    g_free(loop);
}
