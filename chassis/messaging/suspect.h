/* Counting how often a message ended its consumer, where the broker does not count: classic queues,
 * and queues of other systems. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/postgres/pipeline.h"
#include "chassis/rabbitmq/delivery.h"

enum {
    CH_SUSPECT_MOST = 10, /* counted no further */
};

/** Notes in the open transaction that @delivery of @queue came once more, unsettled and alone. To
 * be committed before it is handled. It is known again by its body. *times: how often by now, 1 to
 * CH_SUSPECT_MOST. Errors: as ch_inbox_record(). */
CH_MUST_CHECK bool ch_suspect_count(ChPg *pg, const char *queue, const ChDelivery *delivery,
                                    int64_t *times, GError **error);
