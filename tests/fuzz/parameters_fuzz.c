/* Statement parameters in binary form, through a PostgreSQL server and back: what comes out is what
 * went in. The server is at FUZZ_DATABASE_URL; one connection, one transaction an input. Input: the
 * single values, then rows of one value for each type; a byte before each says whether it is null.
 */
#include "fuzz.h"

#include "chassis/postgres/connection.h"
#include "chassis/postgres/pipeline.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_ROWS = 64,
};

static const int64_t LEAST_TIME_US = INT64_C(-62135596800) * G_USEC_PER_SEC; /* year 1 */
static const int64_t MOST_TIME_US = INT64_C(253402300799) * G_USEC_PER_SEC;  /* year 9999 */

static const ChPgStatement sql_select_arrays = {
    "select id, number, text, bytes, amount, time"
    " from unnest($1, $2, $3, $4, $5, $6) with ordinality"
    " as row (id, number, text, bytes, amount, time, place) order by place",
    { CH_PG_UUIDS, CH_PG_INTS, CH_PG_TEXTS, CH_PG_BYTES, CH_PG_DECIMALS, CH_PG_TIMES },
};
static const ChPgStatement sql_select_single = {
    "select $1, $2, $3, $4",
    { CH_PG_UUID, CH_PG_INT, CH_PG_TEXT, CH_PG_TIME },
};
enum {
    ID,
    NUMBER,
    TEXT,
    BYTES,
    AMOUNT,
    TIME,
    COLUMNS_N
};
enum {
    SINGLE_ID,
    SINGLE_NUMBER,
    SINGLE_TEXT,
    SINGLE_TIME,
};

typedef struct {
    bool null[COLUMNS_N];
    ChUuid id;
    int64_t number;
    char *text;
    uint8_t *bytes;
    size_t bytes_n;
    ChDecimal amount;
    int64_t time_us;
} Row;

/* Set once, before the first input. */
static ChPg *database;

static Row read_row(FuzzInput *input)
{
    Row row = { .number = 0 };
    uint8_t nulls = fuzz_byte(input);
    for (int i = 0; i < COLUMNS_N; i++)
        row.null[i] = (nulls >> i & 1) != 0;
    fuzz_bytes(input, row.id.bytes, sizeof row.id.bytes);
    row.number = (int64_t)fuzz_u64(input);
    row.amount = (ChDecimal)fuzz_u64(input);
    int64_t time_us = (int64_t)fuzz_u64(input);
    row.time_us = CLAMP(time_us, LEAST_TIME_US, MOST_TIME_US);
    row.text = fuzz_text(input);
    size_t wanted = fuzz_byte(input);
    row.bytes_n = MIN(wanted, input->left);
    row.bytes = malloc(row.bytes_n);
    fuzz_bytes(input, row.bytes, row.bytes_n);
    return row;
}

static void clear_row(void *element)
{
    Row *row = element;
    g_free(row->text);
    g_free(row->bytes);
}

static void add_row(ChPgParams *params, const Row *row)
{
    for (size_t i = 0; i < COLUMNS_N; i++) {
        if (row->null[i])
            ch_pg_add_null(params, i);
    }
    if (!row->null[ID])
        ch_pg_add_uuid(params, ID, row->id);
    if (!row->null[NUMBER])
        ch_pg_add_int(params, NUMBER, row->number);
    if (!row->null[TEXT])
        ch_pg_add_text(params, TEXT, row->text);
    if (!row->null[BYTES])
        ch_pg_add_bytes(params, BYTES, row->bytes, row->bytes_n);
    if (!row->null[AMOUNT])
        ch_pg_add_decimal(params, AMOUNT, row->amount);
    if (!row->null[TIME])
        ch_pg_add_time(params, TIME, row->time_us);
}

static void check_row(const ChPgRows *rows, size_t i, const Row *row)
{
    for (int column = 0; column < COLUMNS_N; column++)
        g_assert_true(ch_pg_is_null(rows, i, column) == row->null[column]);
    size_t n = 0;
    const uint8_t *bytes = ch_pg_bytes(rows, i, BYTES, &n);
    const ChUuid none = { { 0 } };
    g_assert_true(ch_uuid_equal(ch_pg_uuid(rows, i, ID), row->null[ID] ? none : row->id));
    g_assert_cmpint(ch_pg_int(rows, i, NUMBER), ==, row->null[NUMBER] ? 0 : row->number);
    g_assert_cmpstr(ch_pg_text(rows, i, TEXT), ==, row->null[TEXT] ? NULL : row->text);
    g_assert_cmpint(ch_pg_decimal(rows, i, AMOUNT), ==, row->null[AMOUNT] ? 0 : row->amount);
    g_assert_cmpint(ch_pg_time(rows, i, TIME), ==, row->null[TIME] ? 0 : row->time_us);
    if (row->null[BYTES])
        g_assert_null(bytes);
    else
        g_assert_cmpmem(bytes, n, row->bytes, row->bytes_n);
}

static ChPgParams *single_params(const Row *row)
{
    ChPgParams *params = ch_pg_params_new(&sql_select_single);
    if (row->null[ID])
        ch_pg_add_null(params, SINGLE_ID);
    else
        ch_pg_add_uuid(params, SINGLE_ID, row->id);
    if (row->null[NUMBER])
        ch_pg_add_null(params, SINGLE_NUMBER);
    else
        ch_pg_add_int(params, SINGLE_NUMBER, row->number);
    ch_pg_add_text(params, SINGLE_TEXT, row->null[TEXT] ? NULL : row->text);
    if (row->null[TIME])
        ch_pg_add_null(params, SINGLE_TIME);
    else
        ch_pg_add_time(params, SINGLE_TIME, row->time_us);
    return params;
}

static void check_single(const ChPgRows *rows, const Row *row)
{
    const ChUuid none = { { 0 } };
    g_assert_cmpuint(ch_pg_rows_count(rows), ==, 1);
    g_assert_true(ch_uuid_equal(ch_pg_uuid(rows, 0, SINGLE_ID), row->null[ID] ? none : row->id));
    g_assert_cmpint(ch_pg_int(rows, 0, SINGLE_NUMBER), ==, row->null[NUMBER] ? 0 : row->number);
    g_assert_cmpstr(ch_pg_text(rows, 0, SINGLE_TEXT), ==, row->null[TEXT] ? NULL : row->text);
    g_assert_cmpint(ch_pg_time(rows, 0, SINGLE_TIME), ==, row->null[TIME] ? 0 : row->time_us);
    g_assert_true(ch_pg_is_null(rows, 0, SINGLE_TEXT) == row->null[TEXT]);
}

/* The database takes everything but text that is not UTF-8. */
static void round_trip(const GArray *list, const Row *single, bool valid)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ChPgRows) rows = NULL;
    g_autoptr(ChPgRows) one = NULL;
    ChPgParams *params = ch_pg_params_new(&sql_select_arrays);
    for (guint i = 0; i < list->len; i++)
        add_row(params, &g_array_index(list, Row, i));
    bool ok = ch_pg_connect(database, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    ch_pg_begin(database);
    ok = ch_pg_send(database, params, &rows, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    ok = ch_pg_send(database, single_params(single), &one, &error) && ch_pg_wait(database, &error);
    if (valid)
        g_assert_no_error(error);
    g_assert_true(ok == valid);
    if (ok) {
        g_assert_cmpuint(ch_pg_rows_count(rows), ==, list->len);
        for (guint i = 0; i < list->len; i++)
            check_row(rows, i, &g_array_index(list, Row, i));
        check_single(one, single);
    } else {
        fuzz_assert_error(error, CH_ERROR_FAILED, 512);
    }
    ch_pg_rollback(database);
}

static bool is_valid(const Row *row)
{
    return row->null[TEXT] || g_utf8_validate(row->text, -1, NULL);
}

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
    const ChPgConfig config = { .url = getenv("FUZZ_DATABASE_URL"), .application_name = "fuzz" };
    g_autoptr(GError) error = NULL;
    if (config.url == NULL)
        g_error("FUZZ_DATABASE_URL is not set: it names the server that the values go through");
    database = ch_pg_new(&config);
    if (!ch_pg_connect(database, &error))
        g_error("%s", error->message);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(Row));
    g_array_set_clear_func(list, clear_row);
    Row single = read_row(&input);
    bool valid = is_valid(&single);
    while (input.left > 0 && list->len < MAX_ROWS) {
        Row row = read_row(&input);
        valid = valid && is_valid(&row);
        g_array_append_val(list, row);
    }
    round_trip(list, &single, valid);
    clear_row(&single);
    return 0;
}
