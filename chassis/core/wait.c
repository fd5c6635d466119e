/* A condition variable on the monotonic clock; an eventfd. */
#include "chassis/core/wait.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

void ch_wait_init(ChWait *wait)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&wait->mutex, NULL);
    pthread_cond_init(&wait->changed, &clock);
    pthread_condattr_destroy(&clock);
}

void ch_wait_clear(ChWait *wait)
{
    pthread_cond_destroy(&wait->changed);
    pthread_mutex_destroy(&wait->mutex);
}

void ch_wait_lock(ChWait *wait)
{
    pthread_mutex_lock(&wait->mutex);
}

void ch_wait_unlock(ChWait *wait)
{
    pthread_mutex_unlock(&wait->mutex);
}

bool ch_wait_sleep_locked(ChWait *wait, int64_t deadline_us)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_us / G_USEC_PER_SEC),
                              .tv_nsec = (deadline_us % G_USEC_PER_SEC) * 1000 };
    return pthread_cond_timedwait(&wait->changed, &wait->mutex, &until) != ETIMEDOUT;
}

void ch_wait_wake_one_locked(ChWait *wait)
{
    pthread_cond_signal(&wait->changed);
}

void ch_wait_wake_all_locked(ChWait *wait)
{
    pthread_cond_broadcast(&wait->changed);
}

bool ch_wait_for(ChWait *wait, atomic_bool *flag, int64_t deadline_us)
{
    ch_wait_lock(wait);
    while (!atomic_load(flag) && ch_wait_sleep_locked(wait, deadline_us))
        ;
    ch_wait_unlock(wait);
    return atomic_load(flag);
}

void ch_wait_raise(ChWait *wait, atomic_bool *flag)
{
    ch_wait_lock(wait);
    atomic_store(flag, true);
    ch_wait_wake_all_locked(wait);
    ch_wait_unlock(wait);
}

bool ch_wakeup_open(ChWakeup *wakeup, GError **error)
{
    wakeup->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wakeup->fd >= 0)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "no event descriptor: %s",
                g_strerror(errno));
    return false;
}

void ch_wakeup_close(ChWakeup *wakeup)
{
    close(wakeup->fd);
    wakeup->fd = -1;
}

void ch_wakeup_set(const ChWakeup *wakeup)
{
    const uint64_t one = 1;
    ssize_t written = write(wakeup->fd, &one, sizeof one);
    g_assert(written == sizeof one || errno == EAGAIN); /* full: it is awake enough then */
}

bool ch_wakeup_take(const ChWakeup *wakeup)
{
    uint64_t wakes = 0;
    if (read(wakeup->fd, &wakes, sizeof wakes) == sizeof wakes)
        return true;
    g_assert(errno == EAGAIN || errno == EINTR);
    return false;
}
