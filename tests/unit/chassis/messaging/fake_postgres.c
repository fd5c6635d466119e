/* The script, the rows it gives, and what it was sent. */
#include "fake_postgres.h"

#include "chassis/postgres/connection.h"

#include "fake_params.h"

#include <string.h>

enum {
    WORDS_SHOWN = 3
};

struct ChPgRows {
    GArray *values; /* FakeValue, row by row */
    size_t columns;
    size_t count;
    size_t affected;
};

typedef struct {
    char *sql;      /* how the statement begins */
    ChPgRows *rows; /* owned until it is given */
    GError *error;  /* owned until it is given; else NULL */
} Answer;

typedef struct {
    const char *sql;
    char *params[CH_PG_MAX_PARAMS];
} Sent;

typedef struct {
    ChPgRows **to; /* NULL: nobody wants them */
    ChPgRows *rows;
} Pending;

struct ChPg {
    GQueue answers;      /* Answer *, owned: not given yet */
    GQueue always;       /* Answer *, owned */
    GArray *pending;     /* Pending: sent and not waited for */
    GPtrArray *sent;     /* Sent *, owned */
    GString *text;       /* what fake_pg_sent() gives */
    GStringChunk *texts; /* of the rows' values */
    GError *error;       /* of a statement that was sent, until somebody is told */
    bool failed;         /* somebody was told: only a rollback helps */
    bool announces;      /* the open transaction's commit is to be announced */
    unsigned announced;
    bool timed_out;
};

/* ---- rows ---- */

static ChPgRows *rows_new(ChPg *pg, const FakeValue *values, size_t columns, size_t count)
{
    ChPgRows *rows = g_new0(ChPgRows, 1);
    rows->values = g_array_new(FALSE, FALSE, sizeof(FakeValue));
    rows->columns = columns;
    rows->count = count;
    for (size_t i = 0; i < columns * count; i++) {
        FakeValue value = values[i];
        if (value.text != NULL)
            value.text = g_string_chunk_insert(pg->texts, value.text);
        g_array_append_val(rows->values, value);
    }
    return rows;
}

void ch_pg_rows_free(ChPgRows *rows)
{
    if (rows == NULL)
        return;
    g_array_unref(rows->values);
    g_free(rows);
}

void ch_pg_rows_free_all(ChPgRows **rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ch_pg_rows_free(rows[i]);
    g_free(rows);
}

size_t ch_pg_rows_count(const ChPgRows *rows)
{
    return rows->count;
}

size_t ch_pg_rows_affected(const ChPgRows *rows)
{
    return rows->affected;
}

static const FakeValue *value_at(const ChPgRows *rows, size_t row, int column)
{
    g_assert_cmpuint(row, <, rows->count);
    g_assert_cmpuint((size_t)column, <, rows->columns);
    return &g_array_index(rows->values, FakeValue, row * rows->columns + (size_t)column);
}

static const FakeValue *value_of(const ChPgRows *rows, size_t row, int column, int kind)
{
    const FakeValue *value = value_at(rows, row, column);
    g_assert_cmpint(value->kind, ==, kind);
    return value;
}

bool ch_pg_is_null(const ChPgRows *rows, size_t row, int column)
{
    const FakeValue *value = value_at(rows, row, column);
    return (value->kind == FAKE_KIND_TEXT || value->kind == FAKE_KIND_BYTES) && value->text == NULL;
}

ChUuid ch_pg_uuid(const ChPgRows *rows, size_t row, int column)
{
    return value_of(rows, row, column, FAKE_KIND_UUID)->uuid;
}

int64_t ch_pg_int(const ChPgRows *rows, size_t row, int column)
{
    return value_of(rows, row, column, FAKE_KIND_INT)->number;
}

bool ch_pg_bool(const ChPgRows *rows, size_t row, int column)
{
    return value_of(rows, row, column, FAKE_KIND_BOOL)->number != 0;
}

ChDecimal ch_pg_decimal(const ChPgRows *rows, size_t row, int column)
{
    (void)rows;
    (void)row;
    (void)column;
    g_error("fake_postgres: messaging knows no money");
}

int64_t ch_pg_time(const ChPgRows *rows, size_t row, int column)
{
    return value_of(rows, row, column, FAKE_KIND_TIME)->number;
}

const char *ch_pg_text(const ChPgRows *rows, size_t row, int column)
{
    return value_of(rows, row, column, FAKE_KIND_TEXT)->text;
}

const uint8_t *ch_pg_bytes(const ChPgRows *rows, size_t row, int column, size_t *bytes)
{
    const char *text = value_of(rows, row, column, FAKE_KIND_BYTES)->text;
    *bytes = text == NULL ? 0 : strlen(text);
    return (const uint8_t *)text;
}

/* ---- statements ---- */

static void free_sent(void *opaque)
{
    Sent *sent = opaque;
    for (size_t i = 0; i < CH_PG_MAX_PARAMS; i++)
        g_free(sent->params[i]);
    g_free(sent);
}

static void note_sent(ChPg *pg, ChPgParams *params)
{
    const ChPgStatement *statement = ch_pg_params_statement(params);
    const char *values[CH_PG_MAX_PARAMS];
    int lengths[CH_PG_MAX_PARAMS];
    int n = ch_pg_params_wire(params, values, lengths);
    Sent *sent = g_new0(Sent, 1);
    sent->sql = statement->sql;
    for (int i = 0; i < n; i++)
        sent->params[i] = fake_param_text(statement->types[i], values[i], (size_t)lengths[i]);
    g_ptr_array_add(pg->sent, sent);
}

/* ---- the script ---- */

static void free_answer(void *opaque)
{
    Answer *answer = opaque;
    g_free(answer->sql);
    ch_pg_rows_free(answer->rows);
    g_clear_error(&answer->error);
    g_free(answer);
}

static Answer *add_answer(GQueue *answers, const char *sql, ChPgRows *rows)
{
    Answer *answer = g_new0(Answer, 1);
    answer->sql = g_strdup(sql);
    answer->rows = rows;
    g_queue_push_tail(answers, answer);
    return answer;
}

/* The first answer to the statement @sql; NULL when there is none. */
static GList *find_answer(GQueue *answers, const char *sql)
{
    for (GList *link = answers->head; link != NULL; link = link->next) {
        if (g_str_has_prefix(sql, ((const Answer *)link->data)->sql))
            return link;
    }
    return NULL;
}

/* What there is when no answer is left: what is always given, or no rows. */
static ChPgRows *usual_rows(ChPg *pg, const char *sql)
{
    GList *link = find_answer(&pg->always, sql);
    if (link == NULL)
        return rows_new(pg, NULL, 0, 0);
    const ChPgRows *rows = ((const Answer *)link->data)->rows;
    return rows_new(pg, &g_array_index(rows->values, FakeValue, 0), rows->columns, rows->count);
}

static ChPgRows *take_answer(ChPg *pg, const char *sql)
{
    GList *link = find_answer(&pg->answers, sql);
    if (link == NULL)
        return usual_rows(pg, sql);
    Answer *answer = link->data;
    ChPgRows *rows = g_steal_pointer(&answer->rows);
    if (answer->error != NULL && pg->error == NULL)
        pg->error = g_steal_pointer(&answer->error);
    g_queue_delete_link(&pg->answers, link);
    free_answer(answer);
    return rows;
}

ChPg *fake_pg_new(void)
{
    ChPg *pg = g_new0(ChPg, 1);
    pg->pending = g_array_new(FALSE, FALSE, sizeof(Pending));
    pg->sent = g_ptr_array_new_with_free_func(free_sent);
    pg->text = g_string_new(NULL);
    pg->texts = g_string_chunk_new(1024);
    return pg;
}

static void drop_pending(ChPg *pg)
{
    for (guint i = 0; i < pg->pending->len; i++)
        ch_pg_rows_free(g_array_index(pg->pending, Pending, i).rows);
    g_array_set_size(pg->pending, 0);
}

void fake_pg_free(ChPg *pg)
{
    if (!g_queue_is_empty(&pg->answers))
        g_error("fake_postgres: nobody asked \"%s\"", ((Answer *)pg->answers.head->data)->sql);
    g_queue_clear_full(&pg->always, free_answer);
    drop_pending(pg);
    g_array_unref(pg->pending);
    g_ptr_array_unref(pg->sent);
    g_string_free(pg->text, TRUE);
    g_string_chunk_free(pg->texts);
    g_clear_error(&pg->error);
    g_free(pg);
}

void fake_pg_answer(ChPg *pg, const char *sql, const FakeValue *values, size_t columns, size_t rows)
{
    add_answer(&pg->answers, sql, rows_new(pg, values, columns, rows));
}

void fake_pg_answer_always(ChPg *pg, const char *sql, const FakeValue *values, size_t columns,
                           size_t rows)
{
    GList *link = find_answer(&pg->always, sql);
    if (link != NULL) {
        free_answer(link->data);
        g_queue_delete_link(&pg->always, link);
    }
    add_answer(&pg->always, sql, rows_new(pg, values, columns, rows));
}

void fake_pg_answer_affected(ChPg *pg, const char *sql, size_t affected)
{
    ChPgRows *rows = rows_new(pg, NULL, 0, 0);
    rows->affected = affected;
    add_answer(&pg->answers, sql, rows);
}

void fake_pg_answer_error(ChPg *pg, const char *sql, ChErrorCode code, const char *message)
{
    add_answer(&pg->answers, sql, NULL)->error = g_error_new_literal(CH_ERROR, (gint)code, message);
}

void fake_pg_time_out(ChPg *pg)
{
    pg->timed_out = true;
}

/* ---- what was sent ---- */

const char *fake_pg_sent(ChPg *pg)
{
    g_string_truncate(pg->text, 0);
    for (guint i = 0; i < pg->sent->len; i++) {
        const Sent *sent = g_ptr_array_index(pg->sent, i);
        const char *end = sent->sql;
        for (int words = 0; words < WORDS_SHOWN && *end != '\0'; words++)
            end += strcspn(end + 1, " ") + 1;
        g_string_append(pg->text, i == 0 ? "" : "; ");
        g_string_append_len(pg->text, sent->sql, end - sent->sql);
    }
    return pg->text->str;
}

static const Sent *find_sent(ChPg *pg, const char *sql)
{
    for (guint i = pg->sent->len; i > 0; i--) {
        const Sent *sent = g_ptr_array_index(pg->sent, i - 1);
        if (g_str_has_prefix(sent->sql, sql))
            return sent;
    }
    g_error("fake_postgres: \"%s\" was not sent", sql);
}

const char *fake_pg_param(ChPg *pg, const char *sql, size_t index)
{
    return find_sent(pg, sql)->params[index];
}

const char *fake_pg_sql(ChPg *pg, const char *sql)
{
    return find_sent(pg, sql)->sql;
}

unsigned fake_pg_announced(const ChPg *pg)
{
    return pg->announced;
}

void fake_pg_forget(ChPg *pg)
{
    g_ptr_array_set_size(pg->sent, 0);
}

/* ---- connection.h and pipeline.h ---- */

bool ch_pg_connect(ChPg *pg G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return true; /* what is lost shows at the next statement */
}

void ch_pg_begin(ChPg *pg)
{
    g_assert_false(pg->failed);
}

bool ch_pg_send(ChPg *pg, ChPgParams *params, ChPgRows **rows, GError **error G_GNUC_UNUSED)
{
    g_assert_false(pg->failed);
    note_sent(pg, params);
    Pending pending = { rows, take_answer(pg, ch_pg_params_statement(params)->sql) };
    g_array_append_val(pg->pending, pending);
    ch_pg_params_free(params);
    return true;
}

bool ch_pg_wait(ChPg *pg, GError **error)
{
    if (pg->error != NULL) {
        drop_pending(pg);
        pg->failed = true;
        g_propagate_error(error, g_steal_pointer(&pg->error));
        return false;
    }
    for (guint i = 0; i < pg->pending->len; i++) {
        Pending *pending = &g_array_index(pg->pending, Pending, i);
        if (pending->to != NULL)
            *pending->to = g_steal_pointer(&pending->rows);
    }
    drop_pending(pg);
    return true;
}

ChPgRows *ch_pg_query(ChPg *pg, ChPgParams *params, GError **error)
{
    ChPgRows *rows = NULL;
    if (!ch_pg_send(pg, params, &rows, error) || !ch_pg_wait(pg, error))
        return NULL;
    return rows;
}

ChPgRows **ch_pg_query_all(ChPg *pg, ChPgParams *const *params, size_t n, GError **error)
{
    ChPgRows **rows = g_new0(ChPgRows *, n);
    for (size_t i = 0; i < n; i++) {
        rows[i] = ch_pg_query(pg, params[i], error);
        g_assert(rows[i] != NULL); /* no test lets one of several fail */
    }
    return rows;
}

bool ch_pg_commit(ChPg *pg, GError **error)
{
    if (!ch_pg_wait(pg, error))
        return false;
    pg->announced += pg->announces ? 1 : 0;
    pg->announces = false;
    return true;
}

bool ch_pg_timed_out(const ChPg *pg)
{
    return pg->timed_out;
}

void ch_pg_announce(ChPg *pg)
{
    pg->announces = true;
}

void ch_pg_rollback(ChPg *pg)
{
    drop_pending(pg);
    g_clear_error(&pg->error);
    pg->failed = false;
    pg->announces = false;
}
