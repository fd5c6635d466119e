/* Telling the order service what this service has of which orders, so that it can compare: digests
 * of ranges of order ids, new ones once a period, older ones in laps. Work of the auditor's lane
 * (docs/decisions/0095-outcomes-are-compared-by-digests-that-name.md). */
#pragma once

#include "chassis/postgres/pipeline.h"

/** What a service has of orders; constant. */
typedef struct {
    const char *service;
    /* $1 (uuid) after this order, $2 (uuid) up to that one, $3 (bigint) so many at most. A row for
     * each order that it has anything of, by their ids: uuid, and bigint: what came of it, 0:
     * nothing that it would tell of. */
    const ChPgStatement *look;
    const char *confirmed_queue; /* by which it hears that an order was confirmed; NULL: it need */
    const char *cancelled_queue; /* not. The same of a cancellation. */
} ChOutcomes;

typedef struct {
    int64_t period_ms;
    int64_t settled_after_ms; /* younger orders are not told of */
} ChOutcomesPace;

typedef struct ChOutcomesTeller ChOutcomesTeller;

/** Borrows @pg, which is the lane's, and @outcomes. */
ChOutcomesTeller *ch_outcomes_teller_new(ChPg *pg, const ChOutcomes *outcomes, ChOutcomesPace pace);
void ch_outcomes_teller_free(ChOutcomesTeller *teller); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChOutcomesTeller, ch_outcomes_teller_free)

/** When it has something to do again; monotonic. */
int64_t ch_outcomes_teller_due_us(const ChOutcomesTeller *teller);

/** Tells of one range, in the open transaction of the pg, and says when it is due again. */
CH_MUST_CHECK bool ch_outcomes_teller_run(ChOutcomesTeller *teller, GError **error);

/** Not due again before the next period, since it cannot be done. */
void ch_outcomes_teller_put_off(ChOutcomesTeller *teller);
