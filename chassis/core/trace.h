/* W3C trace context (Trace Context level 1): who caused what, from the HTTP request to the last
 * message. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    CH_TRACEPARENT_BYTES = 56, /* 00-<32>-<16>-<2> and the final zero */
    CH_TRACE_ID_BYTES = 33,    /* 32 hexadecimal digits and the final zero */
};

typedef struct {
    uint8_t trace_id[16]; /* all zero: no trace */
    uint8_t span_id[8];
    uint8_t flags;
} ChTrace;

/** A new root: random ids, sampled. */
ChTrace ch_trace_new(void);

/** The same trace with a new span id: what a step hands on. A trace without id becomes a new root.
 */
ChTrace ch_trace_child(ChTrace parent);

/** Reads a traceparent header; false when @text is NULL or malformed. */
bool ch_trace_parse(const char *text, ChTrace *trace);

/** Writes the traceparent header and a final zero. */
void ch_trace_format(ChTrace trace, char text[CH_TRACEPARENT_BYTES]);

/** Writes the trace id in hexadecimal and a final zero. */
void ch_trace_id_format(ChTrace trace, char text[CH_TRACE_ID_BYTES]);

bool ch_trace_is_set(ChTrace trace);
