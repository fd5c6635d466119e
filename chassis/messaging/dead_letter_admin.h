/* What operators do about dead letters: replay one to the queue whose consumer gave it up, and to
 * that queue alone, or discard it.
 *
 * A replay is an outbox row in the transaction that notes the act in the letter's own row, so there
 * are both or neither, and a letter is acted upon once. The message keeps its body, so its event
 * id, and starts with all its attempts. A replay that can have no effect is refused with the
 * reason. */
#pragma once

#include "chassis/messaging/dead_letter_store.h"
#include "chassis/messaging/subscription.h"

/** Dead letter administration of one service. All is borrowed and belongs to one lane. */
typedef struct {
    ChPg *pg;
    const ChSubscriptionConfig *consumers; /* consumers_n: of the queues that can be replayed to;
                                            * their contexts are of the same lane */
    size_t consumers_n;
    int64_t inbox_retention_ms;
} ChDeadLetterAdmin;

/** What an operator asks for. Texts are borrowed. */
typedef struct {
    ChUuid id;
    ChDeadLetterState act; /* REPLAYED or DISCARDED */
    const char *by;        /* who */
    const char *why;       /* their reason */
    const char *as;        /* as whom we know him */
    ChUuid job;            /* that acts for him; nil: he himself */
    bool dry_run;          /* decide, and change nothing; .by and .why may be NULL */
    ChTrace trace;         /* for the log */
} ChDeadLetterAction;

typedef enum {
    CH_DEAD_LETTER_DONE,
    CH_DEAD_LETTER_UNKNOWN, /* there is no such letter */
    CH_DEAD_LETTER_REFUSED,
} ChDeadLetterResult;

typedef struct {
    ChDeadLetterResult result;
    char *why; /* of REFUSED: new, a sentence about "it"; else NULL */
} ChDeadLetterOutcome;

/** Carries out @action in the open transaction. A discarded letter is kept, and nothing else knows
 * of it any more. On success *outcome is set. Errors: as ch_pg_query(). */
CH_MUST_CHECK bool ch_dead_letter_act(const ChDeadLetterAdmin *admin,
                                      const ChDeadLetterAction *action,
                                      ChDeadLetterOutcome *outcome, GError **error);

/** Sends @letter, which is locked, waits, and which nothing forbids to replay, and notes that. */
CH_MUST_CHECK bool ch_dead_letter_send(const ChDeadLetterAdmin *admin, const ChDeadLetter *letter,
                                       const ChDeadLetterAction *action, GError **error);

/** The consumer of @queue; NULL when this service has none. */
const ChSubscriptionConfig *ch_dead_letter_consumer(const ChDeadLetterAdmin *admin,
                                                    const char *queue);

/** *blocker: why a replay of @letter would be refused, new text; NULL when it would not. Errors
 * the same. */
CH_MUST_CHECK bool ch_dead_letter_replay_blocker(const ChDeadLetterAdmin *admin,
                                                 const ChDeadLetter *letter, char **blocker,
                                                 GError **error);

/** The part of that which needs no database: a blocker, or NULL with the letter's *event and
 * *command, which ch_event_free() and ch_command_free() free. @consumer: of the letter's
 * queue; NULL when this service has none. @oldest_us: letters that died before are too old. */
char *ch_dead_letter_read(const ChDeadLetter *letter, const ChSubscriptionConfig *consumer,
                          int64_t oldest_us, ChEvent **event, ChCommand *command);
