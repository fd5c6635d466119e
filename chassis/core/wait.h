/* Waiting for another thread: the one condition variable on the monotonic clock, and the one
 * wake-up that poll() sees.
 *
 * Deadlines are ch_time_monotonic_us(). A state that is waited for is guarded by the wait's own
 * lock, or is an atomic flag that is only ever raised. */
#pragma once

#include "chassis/core/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} ChWait;

void ch_wait_init(ChWait *wait);

/** Nobody may wait any more. */
void ch_wait_clear(ChWait *wait);

void ch_wait_lock(ChWait *wait);
void ch_wait_unlock(ChWait *wait);

/** Sleeps, the lock released meanwhile, until somebody wakes it, at times for no reason: call it in
 * a loop around what is waited for. False: @deadline_us has passed. */
bool ch_wait_sleep_locked(ChWait *wait, int64_t deadline_us);

/** Wakes one who sleeps, or all. */
void ch_wait_wake_one_locked(ChWait *wait);
void ch_wait_wake_all_locked(ChWait *wait);

/** Waits until @flag is raised or @deadline_us has passed; true when it is raised. Any thread, as
 * is the next. */
bool ch_wait_for(ChWait *wait, atomic_bool *flag, int64_t deadline_us);

/** Raises @flag and wakes all. */
void ch_wait_raise(ChWait *wait, atomic_bool *flag);

/** A wake-up for a thread that sleeps in poll(), kept until that thread takes it. */
typedef struct {
    int fd; /* readable from ch_wakeup_set() to ch_wakeup_take() */
} ChWakeup;

/** Errors: UNAVAILABLE when the system has no more descriptors. */
CH_MUST_CHECK bool ch_wakeup_open(ChWakeup *wakeup, GError **error);
void ch_wakeup_close(ChWakeup *wakeup);

/** Any thread; never waits. */
void ch_wakeup_set(const ChWakeup *wakeup);

/** The thread that was to be woken: forgets the wake-ups that came; true when there was one. */
bool ch_wakeup_take(const ChWakeup *wakeup);
