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
    FIRST_BYTES = 128, /* of a value's room in its ChPgParams: a few rows, or one text */
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
    uint8_t *data; /* the binary form; the first bytes of it lie in ChPgParams.first */
    size_t bytes;
    size_t room;
    uint32_t length; /* of the array; patched into the header when sent */
    bool set;        /* a single value was given */
    bool null;       /* a single value is null, an array holds one */
} Param;

struct ChPgParams {
    const ChPgStatement *statement;
    int n;
    Param params[CH_PG_MAX_PARAMS];
    uint8_t first[]; /* FIRST_BYTES for each of the n */
};

static bool is_array(const ChPgParams *params, size_t index)
{
    return types[params->statement->types[index]].element != 0;
}

/* Room for @bytes more at the end; the caller fills it. */
static uint8_t *extend(Param *param, size_t bytes)
{
    size_t at = param->bytes;
    param->bytes += bytes;
    g_assert(param->bytes <= G_MAXINT32); /* the protocol's limit */
    if (param->bytes > param->room) {
        bool is_first = param->room == FIRST_BYTES;
        param->room = MAX(param->bytes, 2 * param->room);
        uint8_t *grown = g_realloc(is_first ? NULL : param->data, param->room);
        if (is_first)
            memcpy(grown, param->data, at);
        param->data = grown;
    }
    return param->data + at;
}

static uint8_t *put_u16(uint8_t *to, uint16_t value)
{
    uint16_t wire = GUINT16_TO_BE(value);
    memcpy(to, &wire, sizeof wire);
    return to + sizeof wire;
}

static uint8_t *put_u32(uint8_t *to, uint32_t value)
{
    uint32_t wire = GUINT32_TO_BE(value);
    memcpy(to, &wire, sizeof wire);
    return to + sizeof wire;
}

static void put_i64(uint8_t *to, int64_t value)
{
    uint64_t wire = GUINT64_TO_BE((uint64_t)value);
    memcpy(to, &wire, sizeof wire);
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
    int n = ch_pg_statement_params(statement);
    ChPgParams *params = g_malloc(sizeof *params + (size_t)n * FIRST_BYTES);
    params->statement = statement;
    params->n = n;
    for (int i = 0; i < n; i++) {
        Param *param = &params->params[i];
        *param = (Param){ .data = params->first + (size_t)i * FIRST_BYTES, .room = FIRST_BYTES };
        if (!is_array(params, (size_t)i))
            continue;
        uint8_t *to = extend(param, ARRAY_HEADER_BYTES);
        to = put_u32(to, 1); /* dimensions */
        to = put_u32(to, 0); /* ARRAY_HAS_NULL_AT */
        to = put_u32(to, types[statement->types[i]].element);
        to = put_u32(to, 0); /* ARRAY_LENGTH_AT */
        put_u32(to, 1);      /* lower bound */
    }
    return params;
}

void ch_pg_params_free(ChPgParams *params)
{
    if (params == NULL)
        return;
    for (int i = 0; i < params->n; i++) {
        if (params->params[i].room != FIRST_BYTES)
            g_free(params->params[i].data);
    }
    g_free(params);
}

/* The parameter that takes one value more, of type @oid, or null when that is 0. */
static Param *start_value(ChPgParams *params, size_t index, unsigned int oid)
{
    g_assert(index < (size_t)params->n);
    ChPgType type = params->statement->types[index];
    Param *param = &params->params[index];
    g_assert(oid == 0 || oid == (types[type].element == 0 ? types[type].oid : types[type].element));
    g_assert(is_array(params, index) || !param->set);
    param->set = true;
    param->length++;
    return param;
}

/* Where the @bytes of a value go; for an array their length is written before them. */
static uint8_t *add_value(ChPgParams *params, size_t index, unsigned int oid, size_t bytes)
{
    Param *param = start_value(params, index, oid);
    if (!is_array(params, index))
        return extend(param, bytes);
    return put_u32(extend(param, sizeof(uint32_t) + bytes), (uint32_t)bytes);
}

void ch_pg_add_uuid(ChPgParams *params, size_t index, ChUuid value)
{
    memcpy(add_value(params, index, types[CH_PG_UUID].oid, sizeof value.bytes), value.bytes,
           sizeof value.bytes);
}

void ch_pg_add_int(ChPgParams *params, size_t index, int64_t value)
{
    put_i64(add_value(params, index, types[CH_PG_INT].oid, sizeof value), value);
}

void ch_pg_add_text(ChPgParams *params, size_t index, const char *value)
{
    if (value == NULL) {
        ch_pg_add_null(params, index);
        return;
    }
    size_t bytes = strlen(value);
    memcpy(add_value(params, index, types[CH_PG_TEXT].oid, bytes), value, bytes);
}

void ch_pg_add_bytes(ChPgParams *params, size_t index, const void *value, size_t bytes)
{
    if (value == NULL) {
        ch_pg_add_null(params, index);
        return;
    }
    memcpy(add_value(params, index, types[CH_PG_BYTES].element, bytes), value, bytes);
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
    uint8_t *to = add_value(params, index, types[CH_PG_DECIMALS].element, bytes);
    to = put_u16(to, n);
    to = put_u16(to, (uint16_t)(n - 2)); /* weight of the first digit; -1 is the fraction */
    to = put_u16(to, value < 0 ? NUMERIC_NEGATIVE : 0);
    to = put_u16(to, 4); /* decimals shown */
    while (n > 0)
        to = put_u16(to, digits[--n]);
}

void ch_pg_add_time(ChPgParams *params, size_t index, int64_t unix_us)
{
    put_i64(add_value(params, index, types[CH_PG_TIME].oid, sizeof unix_us),
            unix_us - POSTGRES_EPOCH_US);
}

void ch_pg_add_null(ChPgParams *params, size_t index)
{
    Param *param = start_value(params, index, 0);
    param->null = true;
    if (is_array(params, index))
        put_u32(extend(param, sizeof(uint32_t)), G_MAXUINT32);
}

const ChPgStatement *ch_pg_params_statement(const ChPgParams *params)
{
    return params->statement;
}

int ch_pg_params_wire(ChPgParams *params, const char **values, int *lengths)
{
    for (int i = 0; i < params->n; i++) {
        Param *param = &params->params[i];
        g_assert(is_array(params, (size_t)i) || param->set);
        if (is_array(params, (size_t)i)) {
            put_u32(param->data + ARRAY_HAS_NULL_AT, param->null ? 1 : 0);
            put_u32(param->data + ARRAY_LENGTH_AT, param->length);
        }
        values[i] = !is_array(params, (size_t)i) && param->null ? NULL : (const char *)param->data;
        lengths[i] = (int)param->bytes;
    }
    return params->n;
}
