/* W3C trace context (Trace Context level 1): who caused what, from the HTTP request to the last
 * message. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    CH_TRACEPARENT_BYTES = 56, /* 00-<32>-<16>-<2> and the final zero */
    CH_TRACE_ID_BYTES = 33,    /* 32 hexadecimal digits and the final zero */
    CH_SPAN_ID_BYTES = 17,     /* 16 of them and the final zero */
};

typedef struct {
    uint8_t trace_id[16]; /* all zero: no trace */
    uint8_t span_id[8];
    uint8_t parent_id[8]; /* all zero: a root, or what others sent */
    uint8_t flags;
} ChTrace;

/** Which traces are sampled: a @share of 0 to 1 of them, chosen by their id, so that all processes
 * choose the same. With @follows_parent a trace that comes from others keeps their choice. Before
 * any thread starts; never called: all are, and what comes from others keeps their choice. */
void ch_trace_set_sampler(bool follows_parent, double share);

/** A new root: random ids, sampled or not as the sampler says. */
ChTrace ch_trace_new(void);

/** The same trace with a new span id, whose parent is @parent's: what a step hands on. A trace
 * without id becomes a new root. */
ChTrace ch_trace_child(ChTrace parent);

/** Whether its spans are to be recorded. */
static inline bool ch_trace_is_sampled(ChTrace trace)
{
    return (trace.flags & 1) != 0;
}

/** @trace, but sampled in any case. */
ChTrace ch_trace_sampled(ChTrace trace);

/** Reads a traceparent header; false when @text is NULL or malformed. */
bool ch_trace_parse(const char *text, ChTrace *trace);

/** ch_trace_child() of the traceparent header @text; a new root when it is NULL or malformed. */
ChTrace ch_trace_continue(const char *text);

/** Writes the traceparent header and a final zero. */
void ch_trace_format(ChTrace trace, char text[CH_TRACEPARENT_BYTES]);

/** Writes the trace id in hexadecimal and a final zero. */
void ch_trace_id_format(ChTrace trace, char text[CH_TRACE_ID_BYTES]);

/** The same for the span id. */
void ch_span_id_format(ChTrace trace, char text[CH_SPAN_ID_BYTES]);

bool ch_trace_is_set(ChTrace trace);
