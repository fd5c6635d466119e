/* A database that follows a script: what it answers to which statement, and what it was sent. It
 * takes the place of chassis/postgres/pipeline.h and rows.h when a test is linked
 * (docs/decisions/0045-messaging-is-tested-at-link-time.md). Statements and their parameters are
 * the real ones.
 *
 *     fake_pg_answer(pg, "insert into inbox", (FakeValue[]){ FAKE_UUID(id) }, 1, 1);
 *     g_assert_true(ch_inbox_record(pg, "a.queue", &id, 1, &fresh, &error));
 *     g_assert_cmpstr(fake_pg_param(pg, "insert into inbox", 0), ==, "a.queue"); */
#pragma once

#include "chassis/postgres/pipeline.h"

/** A value of a row. */
typedef struct {
    enum {
        FAKE_KIND_UUID,
        FAKE_KIND_INT,
        FAKE_KIND_BOOL,
        FAKE_KIND_TIME,
        FAKE_KIND_TEXT,
        FAKE_KIND_BYTES,
    } kind;
    ChUuid uuid;
    int64_t number;
    const char *text; /* NULL: null */
} FakeValue;

#define FAKE_UUID(v) ((FakeValue){ .kind = FAKE_KIND_UUID, .uuid = (v) })
#define FAKE_INT(v) ((FakeValue){ .kind = FAKE_KIND_INT, .number = (v) })
#define FAKE_BOOL(v) ((FakeValue){ .kind = FAKE_KIND_BOOL, .number = (v) })
/** Microseconds since 1970 UTC. */
#define FAKE_TIME(v) ((FakeValue){ .kind = FAKE_KIND_TIME, .number = (v) })
#define FAKE_TEXT(v) ((FakeValue){ .kind = FAKE_KIND_TEXT, .text = (v) })
#define FAKE_BYTES(v) ((FakeValue){ .kind = FAKE_KIND_BYTES, .text = (v) })

/** An open connection. */
ChPg *fake_pg_new(void);

/** Asserts that whatever was to be answered was asked. */
void fake_pg_free(ChPg *pg);

/** The next statement that begins with @sql and has no answer yet gives these: values[0..columns)
 * are the first of @rows rows. Copies them. A statement without an answer gives no rows. */
void fake_pg_answer(ChPg *pg, const char *sql, const FakeValue *values, size_t columns,
                    size_t rows);

/** What every statement that begins with @sql gives when there is no other answer for it. */
void fake_pg_answer_always(ChPg *pg, const char *sql, const FakeValue *values, size_t columns,
                           size_t rows);

/** As fake_pg_answer(), of one that changes @affected rows and returns none. */
void fake_pg_answer_affected(ChPg *pg, const char *sql, size_t affected);

/** The same, of one that fails. It says so at the next wait or commit, as PostgreSQL does; until
 * the rollback nothing more may be sent then (asserted). */
void fake_pg_answer_error(ChPg *pg, const char *sql, ChErrorCode code, const char *message);

/** From now on what fails does so because it took too long. */
void fake_pg_time_out(ChPg *pg);

/** What was sent so far: the first three words of each statement, as
 * "insert into inbox; insert into outbox". Belongs to @pg, until the next call. */
const char *fake_pg_sent(ChPg *pg);

/** Parameter @index (from 0) of the last statement sent that begins with @sql. An array's elements
 * are separated by "|"; null is "null"; a time is in microseconds since 1970 UTC. Belongs to @pg.
 */
const char *fake_pg_param(ChPg *pg, const char *sql, size_t index);

/** The whole SQL of that statement. */
const char *fake_pg_sql(ChPg *pg, const char *sql);

/** How many commits were announced (ch_pg_announce()). */
unsigned fake_pg_announced(const ChPg *pg);

/** Forgets what was sent. */
void fake_pg_forget(ChPg *pg);
