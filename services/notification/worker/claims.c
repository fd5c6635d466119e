/* Looks, ever later the longer nothing was found. */
#include "notification/worker/claims.h"

#include "chassis/core/fault.h"
#include "chassis/core/time.h"

enum {
    /* Between looks for what is due, unless the last claim was full: many small claims cost more
     * than the few that they could have been. Ever later, in proportion to how long none was
     * found. */
    POLL_US = 50 * 1000,
    IDLE_POLL_US = 250 * 1000,
    IDLE_PARTS = 32,
    RETURNED_PAUSE_MS = 1000, /* when nothing can be sent just now */
};

void notification_claims_init(NotificationClaims *claims, ChWork *work, NotificationClaim claim,
                              void *context, GDestroyNotify free_item, atomic_bool *stopping)
{
    *claims = (NotificationClaims){ .work = work,
                                    .claim = claim,
                                    .context = context,
                                    .free_item = free_item,
                                    .stopping = stopping };
    ch_wait_init(&claims->stop);
}

void notification_claims_clear(NotificationClaims *claims)
{
    ch_wait_clear(&claims->stop);
}

void notification_claims_free_all(const NotificationClaims *claims, void *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        claims->free_item(items[i]);
}

/* When the commit fails nobody knows whether they are claimed: the lease's end frees them. */
static bool claim_some(NotificationClaims *claims, void **items, size_t max, size_t *n,
                       GError **error)
{
    ChWork *work = claims->work;
    size_t claimed = 0;
    if (work->ops->begin(work, error) &&
        claims->claim(claims->context, max, items, &claimed, error) &&
        work->ops->commit(work, error)) {
        *n = claimed;
        if (claimed > 0)
            CH_FAULT_ON("after_claim", "sender");
        return true;
    }
    work->ops->rollback(work);
    notification_claims_free_all(claims, items, claimed);
    return false;
}

bool notification_claims_take(NotificationClaims *claims, void **items, size_t max, int wait_ms,
                              size_t *n, GError **error)
{
    int64_t end_us = ch_time_monotonic_us() + (int64_t)wait_ms * 1000;
    *n = 0;
    while (!atomic_load(claims->stopping)) {
        int64_t now_us = ch_time_monotonic_us();
        if (now_us >= claims->pause_until_us) {
            if (!claim_some(claims, items, max, n, error))
                return false;
            if (*n > 0)
                claims->found_us = now_us;
            if (*n < max)
                claims->pause_until_us =
                    now_us + CLAMP((now_us - claims->found_us) / IDLE_PARTS, POLL_US, IDLE_POLL_US);
            if (*n > 0)
                return true;
        }
        if (now_us >= end_us)
            return true;
        ch_wait_for(&claims->stop, claims->stopping, MIN(end_us, claims->pause_until_us));
    }
    return true;
}

void notification_claims_pause(NotificationClaims *claims)
{
    claims->pause_until_us = ch_time_monotonic_us() + RETURNED_PAUSE_MS * 1000;
}

void notification_claims_wake(NotificationClaims *claims)
{
    ch_wait_raise(&claims->stop, claims->stopping);
}
