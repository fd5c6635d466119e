/* Reading PostgreSQL's binary format, as a server would. */
#include "fake_params.h"

#include <string.h>

enum {
    ARRAY_HEADER_BYTES = 20,
    LENGTH_BYTES = 4,
};

static const int64_t POSTGRES_EPOCH_US = INT64_C(946684800) * G_USEC_PER_SEC; /* 2000-01-01 */

static int64_t read_i64(const char *at)
{
    uint64_t wire;
    memcpy(&wire, at, sizeof wire);
    return (int64_t)GUINT64_FROM_BE(wire);
}

static void append_uuid(GString *text, const char *at)
{
    ChUuid id;
    char form[CH_UUID_TEXT_BYTES];
    memcpy(id.bytes, at, sizeof id.bytes);
    ch_uuid_format(id, form);
    g_string_append(text, form);
}

static void append_value(GString *text, ChPgType type, const char *at, size_t bytes)
{
    switch (type) {
    case CH_PG_UUID:
    case CH_PG_UUIDS:
        append_uuid(text, at);
        break;
    case CH_PG_INT:
    case CH_PG_INTS:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, read_i64(at));
        break;
    case CH_PG_TIME:
    case CH_PG_TIMES:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, read_i64(at) + POSTGRES_EPOCH_US);
        break;
    case CH_PG_TEXT:
    case CH_PG_TEXTS:
    case CH_PG_BYTES:
        g_string_append_len(text, at, (gssize)bytes);
        break;
    case CH_PG_DECIMALS:
    case CH_PG_NONE:
    case CH_PG_TYPES_N:
        g_assert_not_reached();
    }
}

static bool is_array(ChPgType type)
{
    return type >= CH_PG_UUIDS;
}

static void append_array(GString *text, ChPgType type, const char *at, size_t bytes)
{
    const char *end = at + bytes;
    for (at += ARRAY_HEADER_BYTES; at < end;) {
        uint32_t wire;
        memcpy(&wire, at, sizeof wire);
        int32_t length = (int32_t)GUINT32_FROM_BE(wire);
        at += LENGTH_BYTES;
        if (length < 0)
            g_string_append(text, "null");
        else
            append_value(text, type, at, (size_t)length);
        at += MAX(length, 0);
        if (at < end)
            g_string_append_c(text, '|');
    }
}

char *fake_param_text(ChPgType type, const char *value, size_t bytes)
{
    GString *text = g_string_new(NULL);
    if (value == NULL)
        g_string_append(text, "null");
    else if (is_array(type))
        append_array(text, type, value, bytes);
    else
        append_value(text, type, value, bytes);
    return g_string_free(text, FALSE);
}
