/* Parameters in PostgreSQL's binary format ("Frontend/Backend Protocol", each type's recv
 * function). */
#include "chassis/postgres/statement.h"

#include <string.h>

enum {
    ARRAY_HEADER_BYTES = 20, /* dimensions, has-null flag, element type, length, lower bound */
    ARRAY_HAS_NULL_AT = 4,
    ARRAY_LENGTH_AT = 12,
    NUMERIC_HEADER_BYTES = 8,
    NUMERIC_NEGATIVE = 0x4000,
    NUMERIC_BASE = 10000, /* one digit of a numeric holds four decimals */
    NUMERIC_MAX_DIGITS = 5,
};

static const int64_t POSTGRES_EPOCH_US = INT64_C(946684800) * G_USEC_PER_SEC; /* 2000-01-01 */

/* The OIDs are fixed in pg_type.dat. */
static const struct {
    unsigned int oid;
    unsigned int element; /* 0: not an array */
} types[] = {
    [CH_PG_NONE] = { 0, 0 },        [CH_PG_UUID] = { 2950, 0 },
    [CH_PG_INT] = { 20, 0 },        [CH_PG_TEXT] = { 25, 0 },
    [CH_PG_TIME] = { 1184, 0 },     [CH_PG_UUIDS] = { 2951, 2950 },
    [CH_PG_INTS] = { 1016, 20 },    [CH_PG_TEXTS] = { 1009, 25 },
    [CH_PG_BYTES] = { 1001, 17 },   [CH_PG_DECIMALS] = { 1231, 1700 },
    [CH_PG_TIMES] = { 1185, 1184 },
};
G_STATIC_ASSERT(G_N_ELEMENTS(types) == CH_PG_TYPES_N);

typedef struct {
    GByteArray *bytes; /* the binary form */
    uint32_t length;   /* of the array; patched into the header when sent */
    bool set;          /* a single value was given */
    bool null;         /* a single value is null, an array holds one */
} Param;

struct ChPgParams {
    const ChPgStatement *statement;
    int n;
    Param params[CH_PG_MAX_PARAMS];
};

static void append_u16(GByteArray *bytes, uint16_t value)
{
    uint16_t wire = GUINT16_TO_BE(value);
    g_byte_array_append(bytes, (const guint8 *)&wire, sizeof wire);
}

static void append_u32(GByteArray *bytes, uint32_t value)
{
    uint32_t wire = GUINT32_TO_BE(value);
    g_byte_array_append(bytes, (const guint8 *)&wire, sizeof wire);
}

static void append_i64(GByteArray *bytes, int64_t value)
{
    uint64_t wire = GUINT64_TO_BE((uint64_t)value);
    g_byte_array_append(bytes, (const guint8 *)&wire, sizeof wire);
}

static void patch_u32(GByteArray *bytes, guint at, uint32_t value)
{
    uint32_t wire = GUINT32_TO_BE(value);
    memcpy(bytes->data + at, &wire, sizeof wire);
}

int ch_pg_statement_params(const ChPgStatement *statement)
{
    int n = 0;
    while (n < CH_PG_MAX_PARAMS && statement->types[n] != CH_PG_NONE)
        n++;
    return n;
}

unsigned int ch_pg_type_oid(ChPgType type)
{
    return types[type].oid;
}

ChPgParams *ch_pg_params_new(const ChPgStatement *statement)
{
    ChPgParams *params = g_new0(ChPgParams, 1);
    params->statement = statement;
    params->n = ch_pg_statement_params(statement);
    for (int i = 0; i < params->n; i++) {
        GByteArray *bytes = g_byte_array_new();
        params->params[i].bytes = bytes;
        if (types[statement->types[i]].element == 0)
            continue;
        append_u32(bytes, 1); /* dimensions */
        append_u32(bytes, 0);
        append_u32(bytes, types[statement->types[i]].element);
        append_u32(bytes, 0);
        append_u32(bytes, 1); /* lower bound */
        g_assert(bytes->len == ARRAY_HEADER_BYTES);
    }
    return params;
}

void ch_pg_params_free(ChPgParams *params)
{
    if (params == NULL)
        return;
    for (int i = 0; i < params->n; i++)
        g_byte_array_unref(params->params[i].bytes);
    g_free(params);
}

/* The parameter to append a value of @bytes to; for an array the element's length is written. */
static Param *start_value(ChPgParams *params, size_t index, unsigned int oid, size_t bytes)
{
    g_assert(index < (size_t)params->n);
    ChPgType type = params->statement->types[index];
    Param *param = &params->params[index];
    g_assert(oid == 0 || oid == (types[type].element == 0 ? types[type].oid : types[type].element));
    if (types[type].element == 0) {
        g_assert(!param->set);
        param->set = true;
        return param;
    }
    param->length++;
    append_u32(param->bytes, (uint32_t)bytes);
    return param;
}

void ch_pg_add_uuid(ChPgParams *params, size_t index, ChUuid value)
{
    Param *param = start_value(params, index, types[CH_PG_UUID].oid, sizeof value.bytes);
    g_byte_array_append(param->bytes, value.bytes, sizeof value.bytes);
}

void ch_pg_add_int(ChPgParams *params, size_t index, int64_t value)
{
    append_i64(start_value(params, index, types[CH_PG_INT].oid, sizeof value)->bytes, value);
}

void ch_pg_add_text(ChPgParams *params, size_t index, const char *value)
{
    if (value == NULL) {
        ch_pg_add_null(params, index);
        return;
    }
    size_t bytes = strlen(value);
    Param *param = start_value(params, index, types[CH_PG_TEXT].oid, bytes);
    g_byte_array_append(param->bytes, (const guint8 *)value, (guint)bytes);
}

void ch_pg_add_bytes(ChPgParams *params, size_t index, const void *value, size_t bytes)
{
    if (value == NULL) {
        ch_pg_add_null(params, index);
        return;
    }
    g_assert(bytes <= G_MAXINT32);
    Param *param = start_value(params, index, types[CH_PG_BYTES].element, bytes);
    g_byte_array_append(param->bytes, value, (guint)bytes);
}

void ch_pg_add_decimal(ChPgParams *params, size_t index, ChDecimal value)
{
    /* Base 10,000 and 4 decimals: the last digit is the fraction, the rest the whole part. */
    uint16_t digits[NUMERIC_MAX_DIGITS];
    uint16_t n = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (uint16_t)(rest % NUMERIC_BASE);
        rest /= NUMERIC_BASE;
    } while (rest > 0);
    size_t bytes = NUMERIC_HEADER_BYTES + n * sizeof digits[0];
    GByteArray *out = start_value(params, index, types[CH_PG_DECIMALS].element, bytes)->bytes;
    append_u16(out, n);
    append_u16(out, (uint16_t)(n - 2)); /* weight of the first digit; -1 is the fraction */
    append_u16(out, value < 0 ? NUMERIC_NEGATIVE : 0);
    append_u16(out, 4); /* decimals shown */
    while (n > 0)
        append_u16(out, digits[--n]);
}

void ch_pg_add_time(ChPgParams *params, size_t index, int64_t unix_us)
{
    Param *param = start_value(params, index, types[CH_PG_TIME].oid, sizeof unix_us);
    append_i64(param->bytes, unix_us - POSTGRES_EPOCH_US);
}

void ch_pg_add_null(ChPgParams *params, size_t index)
{
    start_value(params, index, 0, G_MAXUINT32)->null = true;
}

const ChPgStatement *ch_pg_params_statement(const ChPgParams *params)
{
    return params->statement;
}

int ch_pg_params_wire(ChPgParams *params, const char **values, int *lengths)
{
    for (int i = 0; i < params->n; i++) {
        Param *param = &params->params[i];
        bool array = types[params->statement->types[i]].element != 0;
        g_assert(array || param->set);
        if (array) {
            patch_u32(param->bytes, ARRAY_HAS_NULL_AT, param->null ? 1 : 0);
            patch_u32(param->bytes, ARRAY_LENGTH_AT, param->length);
        }
        /* An empty text has no bytes, but a NULL pointer would be SQL null. */
        const char *data = param->bytes->len > 0 ? (const char *)param->bytes->data : "";
        values[i] = !array && param->null ? NULL : data;
        lengths[i] = (int)param->bytes->len;
    }
    return params->n;
}
