/* Spans on their way to the exporter: a bounded ring that nobody waits for. */
#include "chassis/core/span.h"

#include "chassis/core/time.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* One place of the ring. Its turn tells whose it is: of the writer of that position, or, one
 * higher, of its reader (after D. Vyukov's bounded queue). */
typedef struct {
    _Atomic uint64_t turn;
    ChSpan *span;
} Place;

/* The process's one ring: spans end everywhere, as log lines do. */
static struct {
    Place *places; /* NULL: nothing is recorded; set before threads start, as are the next two */
    void (*full)(void *context);
    void *context;
    _Atomic uint64_t write;
    _Atomic uint64_t read;
    _Atomic int64_t dropped;
    atomic_bool called; /* full was, and nothing was taken since */
} ring = { NULL, NULL, NULL, 0, 0, 0, false };

G_STATIC_ASSERT((CH_SPAN_QUEUE & (CH_SPAN_QUEUE - 1)) == 0);

/* ---- the ring ---- */

/* False: it is full. */
static bool push(ChSpan *span)
{
    uint64_t at = atomic_load_explicit(&ring.write, memory_order_relaxed);
    for (;;) {
        Place *place = &ring.places[at % CH_SPAN_QUEUE];
        uint64_t turn = atomic_load_explicit(&place->turn, memory_order_acquire);
        if (turn < at)
            return false;
        if (turn > at) {
            at = atomic_load_explicit(&ring.write, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(
                       &ring.write, &at, at + 1, memory_order_relaxed, memory_order_relaxed)) {
            place->span = span;
            atomic_store_explicit(&place->turn, at + 1, memory_order_release);
            return true;
        }
    }
}

/* NULL: nothing waits. */
static ChSpan *pull(void)
{
    uint64_t at = atomic_load_explicit(&ring.read, memory_order_relaxed);
    Place *place = &ring.places[at % CH_SPAN_QUEUE];
    if (atomic_load_explicit(&place->turn, memory_order_acquire) != at + 1)
        return NULL;
    ChSpan *span = place->span;
    atomic_store_explicit(&place->turn, at + CH_SPAN_QUEUE, memory_order_release);
    atomic_store_explicit(&ring.read, at + 1, memory_order_relaxed);
    return span;
}

void ch_spans_start(void (*full)(void *context), void *context)
{
    g_assert(ring.places == NULL);
    ring.full = full;
    ring.context = context;
    ring.write = 0;
    ring.read = 0;
    ring.dropped = 0;
    ring.called = false;
    ring.places = g_new0(Place, CH_SPAN_QUEUE);
    for (uint64_t i = 0; i < CH_SPAN_QUEUE; i++)
        ring.places[i].turn = i;
}

void ch_spans_stop(void)
{
    if (ring.places == NULL)
        return;
    for (ChSpan *span = pull(); span != NULL; span = pull())
        ch_span_drop(span);
    g_clear_pointer(&ring.places, g_free);
}

bool ch_spans_on(void)
{
    return ring.places != NULL;
}

size_t ch_spans_take(ChSpan **spans, size_t max)
{
    size_t n = 0;
    atomic_store(&ring.called, false);
    while (n < max && (spans[n] = pull()) != NULL)
        n++;
    return n;
}

int64_t ch_spans_take_dropped(void)
{
    return atomic_exchange_explicit(&ring.dropped, 0, memory_order_relaxed);
}

/* ---- spans ---- */

/* One block for a span and its texts: it is made by one thread and freed by another, which costs
 * the allocator a lock each time. */
static ChSpan *new_span(ChTrace trace, ChSpanKind kind, int64_t start_us)
{
    ChSpan *span = g_malloc(sizeof(ChSpan));
    memset(span, 0, offsetof(ChSpan, room));
    span->trace = trace;
    span->kind = kind;
    span->start_us = start_us;
    return span;
}

static char *room_for(ChSpan *span, size_t bytes)
{
    if (bytes > sizeof(span->room) - span->room_used)
        return g_malloc(bytes);
    char *room = span->room + span->room_used;
    span->room_used += bytes;
    return room;
}

static void free_text(const ChSpan *span, char *text)
{
    if (text < span->room || text >= span->room + sizeof(span->room))
        g_free(text);
}

/* As much of @text as may be, and valid UTF-8, as protobuf wants it. */
static char *keep(ChSpan *span, const char *text)
{
    size_t bytes = strnlen(text, CH_SPAN_TEXT_BYTES);
    if (!g_utf8_validate_len(text, bytes, NULL))
        return g_utf8_make_valid(text, (gssize)bytes);
    char *kept = room_for(span, bytes + 1);
    memcpy(kept, text, bytes);
    kept[bytes] = '\0';
    return kept;
}

ChSpan *ch_span_begin(ChTrace trace, ChSpanKind kind, int64_t start_us, const char *verb,
                      const char *object)
{
    if (ring.places == NULL || !ch_trace_is_sampled(trace) || !ch_trace_is_set(trace))
        return NULL;
    ChSpan *span = new_span(trace, kind, start_us);
    char name[CH_SPAN_TEXT_BYTES + 1];
    if (object != NULL) {
        g_strlcpy(name, verb, sizeof(name));
        g_strlcat(name, " ", sizeof(name));
        g_strlcat(name, object, sizeof(name));
    }
    span->name = keep(span, object != NULL ? name : verb);
    return span;
}

void ch_span_text(ChSpan *span, const char *key, const char *value)
{
    if (span == NULL || value == NULL || span->attributes_n == CH_SPAN_MAX_ATTRIBUTES)
        return;
    span->attributes[span->attributes_n++] = (ChSpanAttribute){ key, keep(span, value), 0 };
}

void ch_span_number(ChSpan *span, const char *key, int64_t value)
{
    if (span == NULL || span->attributes_n == CH_SPAN_MAX_ATTRIBUTES)
        return;
    span->attributes[span->attributes_n++] = (ChSpanAttribute){ key, NULL, value };
}

void ch_span_link(ChSpan *span, ChTrace other)
{
    if (span == NULL || !ch_trace_is_set(other))
        return;
    if (span->links == NULL)
        span->links = g_array_new(FALSE, FALSE, sizeof(ChTrace));
    if (span->links->len < CH_SPAN_MAX_LINKS)
        g_array_append_val(span->links, other);
}

void ch_span_fail(ChSpan *span, const char *why)
{
    if (span == NULL)
        return;
    free_text(span, span->error);
    span->error = keep(span, why);
}

void ch_span_end(ChSpan *span)
{
    if (span != NULL)
        ch_span_end_at(span, ch_time_now_us());
}

void ch_span_end_at(ChSpan *span, int64_t end_us)
{
    if (span == NULL)
        return;
    span->end_us = MAX(end_us, span->start_us); /* somebody may have set the clock back */
    if (!push(span)) {
        atomic_fetch_add_explicit(&ring.dropped, 1, memory_order_relaxed);
        ch_span_drop(span);
        return;
    }
    uint64_t waiting = atomic_load_explicit(&ring.write, memory_order_relaxed) -
                       atomic_load_explicit(&ring.read, memory_order_relaxed);
    if (waiting >= CH_SPAN_BATCH && !atomic_exchange(&ring.called, true))
        ring.full(ring.context);
}

void ch_span_drop(ChSpan *span)
{
    if (span == NULL)
        return;
    for (size_t i = 0; i < span->attributes_n; i++)
        free_text(span, span->attributes[i].text);
    if (span->links != NULL)
        g_array_unref(span->links);
    free_text(span, span->name);
    free_text(span, span->error);
    g_free(span);
}
