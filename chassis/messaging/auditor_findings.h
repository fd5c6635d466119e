/* What the auditor found: rows of auditor_findings, told in the log once each and counted in a
 * metric. In the open transaction of the pg; errors as ch_pg_query(). */
#pragma once

#include "chassis/core/error.h"
#include "chassis/postgres/pipeline.h"

/** Something that is not as it has to be. Texts are borrowed. */
typedef struct {
    const char *subject;
    const char *fault;
} ChAuditorFault;

/** Notes what lap @lap of @check saw; beyond 1,000 of a check no new ones are kept. */
CH_MUST_CHECK bool ch_auditor_findings_note(ChPg *pg, const char *check, int64_t lap,
                                            const ChAuditorFault *faults, size_t n, GError **error);

/** Lap @lap of @check has ended: what it did not see is gone. */
CH_MUST_CHECK bool ch_auditor_findings_end_lap(ChPg *pg, const char *check, int64_t lap,
                                               GError **error);

/** The ids after @after and up to @up_to were looked at, as lap @lap: what it did not see of them
 * is gone, but for what is about kept[0..n), which it could not judge. */
CH_MUST_CHECK bool ch_auditor_findings_end_range(ChPg *pg, const char *check, int64_t lap,
                                                 ChUuid after, ChUuid up_to, const ChUuid *kept,
                                                 size_t n, GError **error);

/** Sets the metric of @check to what there is. */
CH_MUST_CHECK bool ch_auditor_findings_count(ChPg *pg, const char *check, GError **error);
