/* The traceparent header: 00-<trace id>-<span id>-<flags>. */
#include "chassis/core/trace.h"

#include "chassis/core/hex.h"
#include "chassis/core/random.h"

#include <string.h>

enum {
    TEXT_CHARACTERS = CH_TRACEPARENT_BYTES - 1,
    TRACE_ID_AT = 3,
    SPAN_ID_AT = 36,
    FLAGS_AT = 53,
    FLAG_SAMPLED = 1, /* the only flag of level 1; others are not passed on */
};

static bool is_zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Random and, as the specification wants it, not all zero. */
static void fill_id(uint8_t *bytes, size_t n)
{
    do {
        ch_random_fill(bytes, n);
    } while (is_zero(bytes, n));
}

/* Set before threads start: roots are made from everywhere. */
static struct {
    bool follows_parent;
    uint64_t below; /* of 2^63: ids whose last 63 bits are smaller are sampled */
} sampler = { true, UINT64_C(1) << 63 };

void ch_trace_set_sampler(bool follows_parent, double share)
{
    sampler.follows_parent = follows_parent;
    sampler.below = (uint64_t)(share * (double)(UINT64_C(1) << 63));
}

/* By the last eight bytes, the random ones, as OpenTelemetry's own samplers by share do. */
static uint8_t choose(const ChTrace *trace)
{
    uint64_t number = 0;
    for (size_t i = 8; i < sizeof trace->trace_id; i++)
        number = number << 8 | trace->trace_id[i];
    return number >> 1 < sampler.below ? FLAG_SAMPLED : 0;
}

ChTrace ch_trace_new(void)
{
    ChTrace trace = { .flags = 0 };
    fill_id(trace.trace_id, sizeof trace.trace_id);
    fill_id(trace.span_id, sizeof trace.span_id);
    trace.flags = choose(&trace);
    return trace;
}

ChTrace ch_trace_child(ChTrace parent)
{
    if (!ch_trace_is_set(parent))
        return ch_trace_new();
    ChTrace child = parent;
    memcpy(child.parent_id, parent.span_id, sizeof child.parent_id);
    fill_id(child.span_id, sizeof child.span_id);
    if (!sampler.follows_parent)
        child.flags = choose(&child);
    return child;
}

ChTrace ch_trace_sampled(ChTrace trace)
{
    trace.flags |= FLAG_SAMPLED;
    return trace;
}

/* Version 00 has exactly 55 characters; a later one may go on after a hyphen; ff is none. */
static bool version_fits(uint8_t version, const char *text, size_t length)
{
    if (version == 0)
        return length == TEXT_CHARACTERS;
    return version != 0xff && (length == TEXT_CHARACTERS || text[TEXT_CHARACTERS] == '-');
}

static bool has_upper_case(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] >= 'A' && text[i] <= 'F')
            return true;
    }
    return false;
}

bool ch_trace_parse(const char *text, ChTrace *trace)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (length < TEXT_CHARACTERS || has_upper_case(text, TEXT_CHARACTERS) ||
        text[TRACE_ID_AT - 1] != '-' || text[SPAN_ID_AT - 1] != '-' || text[FLAGS_AT - 1] != '-')
        return false;
    uint8_t version = 0;
    ChTrace read = { .flags = 0 };
    if (!ch_hex_read(text, &version, 1) || !version_fits(version, text, length) ||
        !ch_hex_read(text + TRACE_ID_AT, read.trace_id, sizeof read.trace_id) ||
        !ch_hex_read(text + SPAN_ID_AT, read.span_id, sizeof read.span_id) ||
        !ch_hex_read(text + FLAGS_AT, &read.flags, 1))
        return false;
    if (!ch_trace_is_set(read) || is_zero(read.span_id, sizeof read.span_id))
        return false;
    read.flags &= FLAG_SAMPLED;
    *trace = read;
    return true;
}

ChTrace ch_trace_continue(const char *text)
{
    ChTrace parent = { .flags = 0 };
    return ch_trace_parse(text, &parent) ? ch_trace_child(parent) : ch_trace_new();
}

void ch_trace_format(ChTrace trace, char text[CH_TRACEPARENT_BYTES])
{
    memcpy(text, "00-", TRACE_ID_AT);
    ch_hex_write(trace.trace_id, sizeof trace.trace_id, text + TRACE_ID_AT);
    text[SPAN_ID_AT - 1] = '-';
    ch_hex_write(trace.span_id, sizeof trace.span_id, text + SPAN_ID_AT);
    text[FLAGS_AT - 1] = '-';
    ch_hex_write(&trace.flags, 1, text + FLAGS_AT);
    text[TEXT_CHARACTERS] = '\0';
}

void ch_trace_id_format(ChTrace trace, char text[CH_TRACE_ID_BYTES])
{
    ch_hex_write(trace.trace_id, sizeof trace.trace_id, text);
    text[CH_TRACE_ID_BYTES - 1] = '\0';
}

void ch_span_id_format(ChTrace trace, char text[CH_SPAN_ID_BYTES])
{
    ch_hex_write(trace.span_id, sizeof trace.span_id, text);
    text[CH_SPAN_ID_BYTES - 1] = '\0';
}

bool ch_trace_is_set(ChTrace trace)
{
    return !is_zero(trace.trace_id, sizeof trace.trace_id);
}
