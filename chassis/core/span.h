/* Spans: what one step of a trace did, from when to when, for an exporter to send.
 *
 *     ChSpan *span = ch_span_begin(trace, CH_SPAN_CLIENT, start_us, "look up", "customer");
 *     ch_span_number(span, "http.response.status_code", status);
 *     ch_span_end(span);
 *
 * A trace names its span: the same ChTrace that goes into the log lines of the step, and into what
 * the step hands on. Unless somebody exports and the trace is sampled there is no span: begin gives
 * NULL, which all other functions take, and nothing is paid for. Any thread; a span has one owner.
 */
#pragma once

#include "chassis/core/trace.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_SPAN_QUEUE = 2048, /* ended ones that wait for the exporter; more are dropped and counted */
    CH_SPAN_BATCH = 512,  /* with so many the exporter is woken */
    CH_SPAN_MAX_ATTRIBUTES = 12,
    CH_SPAN_MAX_LINKS = 128,
    CH_SPAN_TEXT_BYTES = 256, /* of a name, a value or an error; longer ones are cut */
    CH_SPAN_ROOM_BYTES = 512, /* for the texts of an ordinary span */
};

/** The numbers are OTLP's. */
typedef enum {
    CH_SPAN_INTERNAL = 1,
    CH_SPAN_SERVER = 2,
    CH_SPAN_CLIENT = 3,
    CH_SPAN_PRODUCER = 4,
    CH_SPAN_CONSUMER = 5,
} ChSpanKind;

typedef struct {
    const char *key; /* a constant */
    char *text;      /* NULL: it is a number */
    int64_t number;
} ChSpanAttribute;

/** Fields are for who encodes it. */
typedef struct {
    ChTrace trace;
    ChSpanKind kind;
    int64_t start_us; /* Unix time, as is the next */
    int64_t end_us;
    char *name;
    char *error; /* NULL: it went well */
    size_t attributes_n;
    ChSpanAttribute attributes[CH_SPAN_MAX_ATTRIBUTES];
    GArray *links; /* ChTrace; NULL: none */
    size_t room_used;
    char room[CH_SPAN_ROOM_BYTES]; /* where texts lie, those apart that find none */
} ChSpan;

/** From now on spans are recorded. Calls @full (with @context, from any thread, which it must not
 * hold up) when CH_SPAN_BATCH of them wait. Before any thread starts. */
void ch_spans_start(void (*full)(void *context), void *context);

/** After all threads that record have ended: frees what waits. */
void ch_spans_stop(void);

/** Whether spans are recorded at all. */
bool ch_spans_on(void);

/** Takes up to @max ended spans, oldest first; free each with ch_span_drop(). One thread. */
size_t ch_spans_take(ChSpan **spans, size_t max);

/** How many were dropped because too many waited, since the last call. */
int64_t ch_spans_take_dropped(void);

/** The span that @trace names, which began at @start_us (Unix time). Its name is @verb, a space and
 * @object; a NULL leaves the latter two out. NULL: it is not to be recorded. */
ChSpan *ch_span_begin(ChTrace trace, ChSpanKind kind, int64_t start_us, const char *verb,
                      const char *object);

/** Attributes; @key is a constant. A NULL value is left out, as are those beyond the limit. */
void ch_span_text(ChSpan *span, const char *key, const char *value);
void ch_span_number(ChSpan *span, const char *key, int64_t value);

/** Points to a span of another trace, or another one of its own. */
void ch_span_link(ChSpan *span, ChTrace other);

/** It failed because of @why, copied. */
void ch_span_fail(ChSpan *span, const char *why);

/** It ends now, and goes to the exporter. Takes it. */
void ch_span_end(ChSpan *span);

/** The same, at @end_us (Unix time): where the next one begins. */
void ch_span_end_at(ChSpan *span, int64_t end_us);

/** It did not happen. Takes it. */
void ch_span_drop(ChSpan *span);
