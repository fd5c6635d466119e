/* The table of dead letters: reading it, and noting what was done about a letter. All work in the
 * open transaction of @pg; errors as ch_pg_query(). */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

#include <glib.h>
#include <stdint.h>

/** What became of a dead letter. The two ends are left by nothing. */
typedef enum {
    CH_DEAD_LETTER_WAITING,
    CH_DEAD_LETTER_REPLAYED,
    CH_DEAD_LETTER_DISCARDED,
    CH_DEAD_LETTER_STATES_N,
} ChDeadLetterState;

/** "waiting", "replayed", "discarded". */
const char *ch_dead_letter_state_name(ChDeadLetterState state);

/** False when @name is none of them. */
bool ch_dead_letter_state_parse(const char *name, ChDeadLetterState *state);

/** A row. Texts are owned; NULL where the message or the row has none. */
typedef struct {
    ChUuid id;
    char *queue; /* whose consumer gave the message up */
    char *message_id, *message_type, *traceparent;
    char *reason;
    int64_t attempts;
    int64_t died_us;
    ChUuid subject;     /* what its event is about; nil: unknown */
    int64_t body_bytes; /* of the whole body; less of it may be kept */
    char *body_sha256;  /* of the whole body, in hexadecimal; NULL: it was not recorded */
    char *body;         /* of ch_dead_letter_find(): what was read of it; NULL in a list */
    size_t body_read;
    ChUuid replayed_as; /* the event that was sent in its place; nil: none */
    char *edited_body;  /* of ch_dead_letter_find(): that event; NULL in a list, or when none was */
    size_t edited_bytes;
    ChDeadLetterState state;
    char *acted_by, *acted_why; /* NULL while it waits */
    char *acted_as;             /* the same; NULL too where it was not recorded */
    int64_t acted_us;
} ChDeadLetter;

/** A GDestroyNotify. NULL is fine. */
void ch_dead_letter_free(void *letter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChDeadLetter, ch_dead_letter_free)

/** Which letters to list. */
typedef struct {
    const char *queue;        /* NULL: any, as below */
    const char *message_type; /* NULL: any */
    ChUuid subject;           /* nil: any */
    bool has_state;
    ChDeadLetterState state;
    int64_t since_us; /* died then or later */
    ChUuid after;     /* those behind this letter; nil: from the first */
    int64_t limit;    /* rows, 1 or more */
} ChDeadLetterFilter;

/** *letters: new array of ChDeadLetter *, owning them, in the order in which they died. Reads no
 * more rows than that, thrice, and those of the subject. */
CH_MUST_CHECK bool ch_dead_letter_list(ChPg *pg, const ChDeadLetterFilter *filter,
                                       GPtrArray **letters, GError **error);

/** *letter is the one with @id, with the first CH_EVENT_MAX_BYTES of its body; NULL when there is
 * none. @lock: nobody else acts on it until the transaction ends. */
CH_MUST_CHECK bool ch_dead_letter_find(ChPg *pg, ChUuid id, bool lock, ChDeadLetter **letter,
                                       GError **error);

/** The bytes of a column, with a zero behind them; new. */
char *ch_dead_letter_copy_body(const ChPgRows *rows, size_t row, int column, size_t *bytes);

/** What was done about a letter. Texts are borrowed. */
typedef struct {
    ChUuid id;
    ChDeadLetterState act;
    const char *by, *why;
    const char *as; /* as whom we know him */
    ChUuid job;     /* nil: by no job */
} ChDeadLetterNote;

/** Notes that in the letter's row, which waits and is locked. */
CH_MUST_CHECK bool ch_dead_letter_note(ChPg *pg, const ChDeadLetterNote *note, GError **error);
