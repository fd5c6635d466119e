/* The newest answered announcement. */
#include "order/application/progress.h"

#include "chassis/core/time.h"

#include <glib.h>

enum {
    VERSION_WITH_TIME = 7, /* of a UUID: its first 48 bits are milliseconds (RFC 9562, 5.7) */
    TIME_BYTES = 6,
};

static const int64_t MAX_AHEAD_US = 60 * G_USEC_PER_SEC; /* of clocks that differ */

/* 0: the id tells no time. */
static int64_t time_of(ChUuid id)
{
    int64_t ms = 0;
    if (id.bytes[6] >> 4 != VERSION_WITH_TIME)
        return 0;
    for (int i = 0; i < TIME_BYTES; i++)
        ms = ms << 8 | id.bytes[i];
    return ms * 1000;
}

void order_progress_note(OrderProgress *progress, const OrderStockResult *const *results, size_t n)
{
    int64_t newest_us = 0;
    int64_t limit_us = ch_time_now_us() + MAX_AHEAD_US;
    for (size_t i = 0; i < n; i++) {
        int64_t us = time_of(results[i]->answers);
        if (us == 0)
            us = time_of(results[i]->order_id); /* announced when it was placed, at the earliest */
        if (us <= limit_us)
            newest_us = MAX(newest_us, us);
    }
    int64_t known_us = atomic_load(&progress->newest_us);
    while (newest_us > known_us &&
           !atomic_compare_exchange_weak(&progress->newest_us, &known_us, newest_us)) {
    }
}

int64_t order_progress_us(OrderProgress *progress)
{
    return atomic_load(&progress->newest_us);
}
