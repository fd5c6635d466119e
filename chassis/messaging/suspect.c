/* A count is rows of the inbox, under names that no queue has: the first that is new is how often.
 * So they are pruned as it is, and no service needs a table for what nearly never happens. */
#include "chassis/messaging/suspect.h"

#include "chassis/messaging/inbox.h"
#include "chassis/rabbitmq/queue.h"

enum {
    NAME_BYTES = CH_QUEUE_NAME_BYTES + 32,
};

static ChUuid id_of(const ChDelivery *delivery)
{
    static const ChUuid suspects = { { 0x3d, 0x5b, 0x90, 0x1e, 0xc2, 0x47, 0x4f, 0x0a, 0x8c, 0x71,
                                       0x2b, 0x64, 0xe8, 0x39, 0xd5, 0x10 } };
    return ch_uuid_derive(suspects, delivery->body_bytes > 0 ? (const char *)delivery->body : "",
                          delivery->body_bytes);
}

bool ch_suspect_count(ChPg *pg, const char *queue, const ChDelivery *delivery, int64_t *times,
                      GError **error)
{
    const ChUuid id = id_of(delivery);
    bool fresh = false;
    int64_t n = 0;
    while (!fresh && n < CH_SUSPECT_MOST) {
        char name[NAME_BYTES];
        g_snprintf(name, sizeof name, "%s, unsettled %d", queue, (int)++n);
        if (!ch_inbox_record(pg, name, &id, 1, &fresh, error))
            return false;
    }
    *times = n;
    return true;
}
