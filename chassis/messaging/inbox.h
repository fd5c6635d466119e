/* The inbox: which events a consumer has handled. An event's row commits together with its effect.
 */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <stddef.h>

/** Records ids[0..n) for @consumer in the open transaction of @pg. fresh[i] tells whether ids[i] is
 * new: false for one recorded before, and for the second of two equal ids of the batch. Waits for a
 * concurrent transaction that records the same id. Errors: as ch_pg_query(). */
CH_MUST_CHECK bool ch_inbox_record(ChPg *pg, const char *consumer, const ChUuid *ids, size_t n,
                                   bool *fresh, GError **error);

/** known[i]: ids[i] is recorded for @consumer, as far as the open transaction of @pg sees. Errors:
 * as ch_pg_query(). */
CH_MUST_CHECK bool ch_inbox_knows(ChPg *pg, const char *consumer, const ChUuid *ids, size_t n,
                                  bool *known, GError **error);
