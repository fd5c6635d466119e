/* The inbox: which events a consumer has taken in. Its row commits together with their effect. */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <stddef.h>

/** Takes in ids[0..n) for @consumer in the open transaction of @pg. fresh[i] tells whether ids[i]
 * is new: false for one taken in before, and for the second of two equal ids of the batch. Waits
 * for a concurrent transaction that takes in the same id. Errors: as ch_pg_query(). */
CH_MUST_CHECK bool ch_inbox_take_in(ChPg *pg, const char *consumer, const ChUuid *ids, size_t n,
                                    bool *fresh, GError **error);

/** known[i]: @consumer has taken in ids[i], as far as the open transaction of @pg sees. Errors: as
 * ch_pg_query(). */
CH_MUST_CHECK bool ch_inbox_knows(ChPg *pg, const char *consumer, const ChUuid *ids, size_t n,
                                  bool *known, GError **error);
