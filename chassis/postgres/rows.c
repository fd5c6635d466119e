/* Readers of binary result columns. */
#include "chassis/postgres/rows.h"

#include "chassis/postgres/libpq.h"

#include <string.h>

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_VARCHAR = 1043,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    NUMERIC_BASE = 10000,
};

static const int64_t POSTGRES_EPOCH_US = INT64_C(946684800) * G_USEC_PER_SEC; /* 2000-01-01 */

struct ChPgRows {
    PGresult *result;
};

void ch_pg_rows_free(ChPgRows *rows)
{
    if (rows == NULL)
        return;
    PQclear(rows->result);
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
    return (size_t)PQntuples(rows->result);
}

size_t ch_pg_rows_affected(const ChPgRows *rows)
{
    return (size_t)g_ascii_strtoull(PQcmdTuples(rows->result), NULL, 10);
}

bool ch_pg_is_null(const ChPgRows *rows, size_t row, int column)
{
    return PQgetisnull(rows->result, (int)row, column) == 1;
}

/* The column's bytes, NULL for a null; the type must be one of the two. */
static const char *value_of(const ChPgRows *rows, size_t row, int column, Oid type, Oid or_type)
{
    g_assert(row < ch_pg_rows_count(rows) && column < PQnfields(rows->result));
    Oid found = PQftype(rows->result, column);
    g_assert(found == type || found == or_type);
    g_assert(PQfformat(rows->result, column) == 1);
    if (ch_pg_is_null(rows, row, column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, column);
}

static uint16_t read_u16(const char *at)
{
    uint16_t wire;
    memcpy(&wire, at, sizeof wire);
    return GUINT16_FROM_BE(wire);
}

static int64_t read_i64(const char *at)
{
    uint64_t wire;
    memcpy(&wire, at, sizeof wire);
    return (int64_t)GUINT64_FROM_BE(wire);
}

ChUuid ch_pg_uuid(const ChPgRows *rows, size_t row, int column)
{
    ChUuid uuid = { { 0 } };
    const char *value = value_of(rows, row, column, OID_UUID, OID_UUID);
    if (value != NULL)
        memcpy(uuid.bytes, value, sizeof uuid.bytes);
    return uuid;
}

int64_t ch_pg_int(const ChPgRows *rows, size_t row, int column)
{
    Oid type = PQftype(rows->result, column);
    g_assert(type == OID_INT2 || type == OID_INT4 || type == OID_INT8);
    const char *value = value_of(rows, row, column, type, type);
    if (value == NULL)
        return 0;
    if (type == OID_INT8)
        return read_i64(value);
    if (type == OID_INT2)
        return (int16_t)read_u16(value);
    uint32_t wire;
    memcpy(&wire, value, sizeof wire);
    return (int32_t)GUINT32_FROM_BE(wire);
}

bool ch_pg_bool(const ChPgRows *rows, size_t row, int column)
{
    const char *value = value_of(rows, row, column, OID_BOOL, OID_BOOL);
    return value != NULL && *value != 0;
}

ChDecimal ch_pg_decimal(const ChPgRows *rows, size_t row, int column)
{
    const char *value = value_of(rows, row, column, OID_NUMERIC, OID_NUMERIC);
    if (value == NULL)
        return 0;
    /* The digit at weight w counts 10,000^w; ours are in ten-thousandths, so w = -1 counts one. */
    int digits = read_u16(value);
    int weight = (int16_t)read_u16(value + 2);
    /* Every digit has the sign: the least value has no positive twin. */
    int sign = read_u16(value + 4) != 0 ? -1 : 1;
    ChDecimal whole = 0;
    for (int power = weight, i = 0; power >= -1; power--, i++) {
        int digit = i < digits ? sign * read_u16(value + 8 + 2 * i) : 0;
        g_assert(!__builtin_mul_overflow(whole, NUMERIC_BASE, &whole) &&
                 !__builtin_add_overflow(whole, digit, &whole));
    }
    return whole;
}

int64_t ch_pg_time(const ChPgRows *rows, size_t row, int column)
{
    const char *value = value_of(rows, row, column, OID_TIMESTAMPTZ, OID_TIMESTAMPTZ);
    return value == NULL ? 0 : read_i64(value) + POSTGRES_EPOCH_US;
}

const char *ch_pg_text(const ChPgRows *rows, size_t row, int column)
{
    return value_of(rows, row, column, OID_TEXT, OID_VARCHAR);
}

const uint8_t *ch_pg_bytes(const ChPgRows *rows, size_t row, int column, size_t *bytes)
{
    const char *value = value_of(rows, row, column, OID_BYTEA, OID_BYTEA);
    *bytes = value == NULL ? 0 : (size_t)PQgetlength(rows->result, (int)row, column);
    return (const uint8_t *)value;
}

ChPgRows *ch_pg_rows_take(PGresult *result)
{
    ChPgRows *rows = g_new0(ChPgRows, 1);
    rows->result = result;
    return rows;
}
