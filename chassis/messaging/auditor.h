/* The auditor looks again and again at what every transaction of a service leaves true: the status
 * of an order is the last of its history, the ledger adds up. It walks along a table a piece at a
 * time, takes one part in a hundred of a core at most, and begins anew at the end, so that damage
 * to old rows is found too. Each piece is one statement, so one snapshot: of a transaction it sees
 * all or nothing, and a row is never too young to be looked at. A lane's work
 * (docs/decisions/0092-the-auditor-walks-in-laps.md). */
#pragma once

#include "chassis/core/ticker.h"
#include "chassis/messaging/outcomes.h"
#include "chassis/postgres/pipeline.h"

/** What is checked, constant. @look is asked for a piece: $1 the position (text), where the last
 * piece ended, '' at the beginning; $2 how many rows (bigint). Its rows, in the order in which it
 * looked, name what is not as it has to be; the last one stands for the end of the piece, whether
 * all is well there or not:
 *   1. text: the position behind it;
 *   2. bigint: how many rows this piece looked at; none: the lap has ended, as where no row comes;
 *   3. text: what it is about, as "0190a000-...";
 *   4. text: what is wrong with it, for people; null: nothing.
 * Where the position stays as it was, the piece was too short, and the next one is longer. */
typedef struct {
    const char *name; /* of metrics and rows */
    const ChPgStatement *look;
} ChAuditorCheck;

typedef struct ChAuditor ChAuditor;

/** Borrows @pg, which is the lane's, and @ticker, its source; copies @checks. @lap_ms: between the
 * end of a lap and the beginning of the next; nobody having written anything meanwhile, that is put
 * off. */
ChAuditor *ch_auditor_new(ChPg *pg, ChTicker *ticker, int64_t lap_ms, const ChAuditorCheck *checks,
                          size_t n);
void ch_auditor_free(ChAuditor *auditor); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChAuditor, ch_auditor_free)

/** From now on it tells the order service what this service has of orders, too. Borrows @teller,
 * which is on the same pg. Before the lane starts. */
void ch_auditor_tell(ChAuditor *auditor, ChOutcomesTeller *teller);

/** Others of this process looked for what is wrong as well, for @took_us: the auditor rests the
 * longer. Any thread. */
void ch_auditor_charge(ChAuditor *auditor, int64_t took_us);

/** The lane's ChHandler; @auditor is its context and @items its tick. Looks at one piece, or
 * tells of one range. */
bool ch_auditor_run(void *auditor, void *const *items, size_t n, GError **error);
