/* Protobuf's wire format, as far as spans need it. */
#include "chassis/telemetry/otlp.h"

#include <string.h>

/* Wire types. */
enum {
    VARINT = 0,
    FIXED64 = 1,
    BYTES = 2,
    FIXED32 = 5,
};

/* Fields of opentelemetry/proto/{collector/trace,trace,common,resource}/v1. */
enum {
    REQUEST_RESOURCE_SPANS = 1,
    RESPONSE_PARTIAL_SUCCESS = 1,
    PARTIAL_SUCCESS_REJECTED_SPANS = 1,
    RESOURCE_SPANS_RESOURCE = 1,
    RESOURCE_SPANS_SCOPE_SPANS = 2,
    RESOURCE_ATTRIBUTES = 1,
    SCOPE_SPANS_SCOPE = 1,
    SCOPE_SPANS_SPANS = 2,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2,
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_PARENT_SPAN_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_LINKS = 13,
    SPAN_STATUS = 15,
    SPAN_FLAGS = 16,
    LINK_TRACE_ID = 1,
    LINK_SPAN_ID = 2,
    LINK_FLAGS = 6,
    STATUS_MESSAGE = 2,
    STATUS_CODE = 3,
    STATUS_CODE_ERROR = 2,
    KEY_VALUE_KEY = 1,
    KEY_VALUE_VALUE = 2,
    ANY_VALUE_STRING = 1,
    ANY_VALUE_INT = 3,
};

enum {
    USUAL_SPAN_BYTES = 512,
    MAX_VARINT_BYTES = 10,
};

/* ---- writing ---- */

static size_t to_varint(uint64_t value, char bytes[MAX_VARINT_BYTES])
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (char)(value | 0x80);
    bytes[n++] = (char)value;
    return n;
}

static void put_varint(GString *out, uint64_t value)
{
    char bytes[MAX_VARINT_BYTES];
    size_t n = to_varint(value, bytes);
    g_string_append_len(out, bytes, (gssize)n);
}

static void put_key(GString *out, unsigned field, unsigned type)
{
    put_varint(out, (uint64_t)field << 3 | type);
}

static void put_number(GString *out, unsigned field, int64_t value)
{
    put_key(out, field, VARINT);
    put_varint(out, (uint64_t)value);
}

static void put_bytes(GString *out, unsigned field, const void *bytes, size_t n)
{
    put_key(out, field, BYTES);
    put_varint(out, n);
    g_string_append_len(out, bytes, (gssize)n);
}

static void put_text(GString *out, unsigned field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}

/* Little-endian, of 4 or 8 bytes. */
static void put_fixed(GString *out, unsigned field, uint64_t value, size_t n)
{
    put_key(out, field, n == 8 ? FIXED64 : FIXED32);
    for (size_t i = 0; i < n; i++)
        g_string_append_c(out, (char)(value >> (8 * i)));
}

/* A message inside: what is written until end_message() is its contents. */
static size_t begin_message(GString *out, unsigned field)
{
    put_key(out, field, BYTES);
    return out->len;
}

static void end_message(GString *out, size_t start)
{
    char bytes[MAX_VARINT_BYTES];
    size_t n = to_varint(out->len - start, bytes);
    g_string_insert_len(out, (gssize)start, bytes, (gssize)n);
}

/* @text: NULL: it is a number. */
static void put_attribute(GString *out, unsigned field, const char *key, const char *text,
                          int64_t number)
{
    size_t attribute = begin_message(out, field);
    put_text(out, KEY_VALUE_KEY, key);
    size_t value = begin_message(out, KEY_VALUE_VALUE);
    if (text != NULL)
        put_text(out, ANY_VALUE_STRING, text);
    else
        put_number(out, ANY_VALUE_INT, number);
    end_message(out, value);
    end_message(out, attribute);
}

static void put_links(GString *out, const ChSpan *span)
{
    for (guint i = 0; span->links != NULL && i < span->links->len; i++) {
        const ChTrace *other = &g_array_index(span->links, ChTrace, i);
        size_t link = begin_message(out, SPAN_LINKS);
        put_bytes(out, LINK_TRACE_ID, other->trace_id, sizeof other->trace_id);
        put_bytes(out, LINK_SPAN_ID, other->span_id, sizeof other->span_id);
        put_fixed(out, LINK_FLAGS, other->flags, 4);
        end_message(out, link);
    }
}

static bool has_parent(const ChTrace *trace)
{
    static const uint8_t none[sizeof trace->parent_id];
    return memcmp(trace->parent_id, none, sizeof none) != 0;
}

static void put_span(GString *out, const ChSpan *span)
{
    const ChTrace *trace = &span->trace;
    size_t start = begin_message(out, SCOPE_SPANS_SPANS);
    put_bytes(out, SPAN_TRACE_ID, trace->trace_id, sizeof trace->trace_id);
    put_bytes(out, SPAN_SPAN_ID, trace->span_id, sizeof trace->span_id);
    if (has_parent(trace))
        put_bytes(out, SPAN_PARENT_SPAN_ID, trace->parent_id, sizeof trace->parent_id);
    put_text(out, SPAN_NAME, span->name);
    put_number(out, SPAN_KIND, span->kind);
    put_fixed(out, SPAN_START, (uint64_t)span->start_us * 1000, 8);
    put_fixed(out, SPAN_END, (uint64_t)span->end_us * 1000, 8);
    for (size_t i = 0; i < span->attributes_n; i++)
        put_attribute(out, SPAN_ATTRIBUTES, span->attributes[i].key, span->attributes[i].text,
                      span->attributes[i].number);
    put_links(out, span);
    if (span->error != NULL) {
        size_t status = begin_message(out, SPAN_STATUS);
        put_text(out, STATUS_MESSAGE, span->error);
        put_number(out, STATUS_CODE, STATUS_CODE_ERROR);
        end_message(out, status);
    }
    put_fixed(out, SPAN_FLAGS, trace->flags, 4);
    end_message(out, start);
}

GString *ch_otlp_request(const char *const *resource, ChSpan *const *spans, size_t n)
{
    GString *out = g_string_sized_new(n * USUAL_SPAN_BYTES);
    size_t resource_spans = begin_message(out, REQUEST_RESOURCE_SPANS);
    size_t described = begin_message(out, RESOURCE_SPANS_RESOURCE);
    for (const char *const *at = resource; *at != NULL; at += 2)
        put_attribute(out, RESOURCE_ATTRIBUTES, at[0], at[1], 0);
    end_message(out, described);
    size_t scope_spans = begin_message(out, RESOURCE_SPANS_SCOPE_SPANS);
    size_t scope = begin_message(out, SCOPE_SPANS_SCOPE);
    put_text(out, SCOPE_NAME, "cartwheel");
    put_text(out, SCOPE_VERSION, CARTWHEEL_VERSION);
    end_message(out, scope);
    for (size_t i = 0; i < n; i++)
        put_span(out, spans[i]);
    end_message(out, scope_spans);
    end_message(out, resource_spans);
    return out;
}

/* ---- reading ---- */

typedef struct {
    const uint8_t *at;
    size_t left;
} Input;

static bool get_varint(Input *input, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && input->left > 0; shift += 7) {
        uint8_t byte = *input->at++;
        input->left--;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The next field: *value is its number, or, of bytes, how many; these are *inside. */
static bool get_field(Input *input, uint64_t *key, uint64_t *value, Input *inside)
{
    if (!get_varint(input, key))
        return false;
    size_t bytes = 0;
    switch (*key & 7) {
    case VARINT:
        return get_varint(input, value);
    case FIXED64:
        bytes = 8;
        break;
    case FIXED32:
        bytes = 4;
        break;
    case BYTES:
        if (!get_varint(input, value) || *value > input->left)
            return false;
        bytes = (size_t)*value;
        break;
    default:
        return false;
    }
    if (bytes > input->left)
        return false;
    *inside = (Input){ input->at, bytes };
    input->at += bytes;
    input->left -= bytes;
    return true;
}

/* The last field @field of @type there is. False: there is none, or this is no message. */
static bool find_field(Input input, unsigned field, unsigned type, uint64_t *value, Input *inside)
{
    bool found = false;
    while (input.left > 0) {
        uint64_t key = 0;
        uint64_t number = 0;
        Input bytes = { NULL, 0 };
        if (!get_field(&input, &key, &number, &bytes))
            return false;
        if (key != ((uint64_t)field << 3 | type))
            continue;
        *value = number;
        *inside = bytes;
        found = true;
    }
    return found;
}

int64_t ch_otlp_rejected(const char *response, size_t bytes)
{
    Input message = { (const uint8_t *)response, bytes };
    Input partial = { NULL, 0 };
    uint64_t value = 0;
    if (!find_field(message, RESPONSE_PARTIAL_SUCCESS, BYTES, &value, &partial) ||
        !find_field(partial, PARTIAL_SUCCESS_REJECTED_SPANS, VARINT, &value, &partial))
        return 0;
    return value > INT64_MAX ? 0 : (int64_t)value;
}
