/* Spans of a batch, and of its items. */
#include "chassis/core/batch_span.h"

#include "chassis/core/time.h"

struct ChBatchSpan {
    size_t n;
    const char *system; /* of the unit of work; NULL: none */
    ChSpan *batch;
    ChSpan *part; /* the transaction, then the commit; NULL: there is no system */
    GPtrArray *items;
};

static ChSpan *begin_part(const ChBatchSpan *span, ChSpanKind kind, int64_t start_us,
                          const char *name)
{
    if (span->system == NULL)
        return NULL;
    ChTrace trace = ch_trace_child(span->batch->trace);
    ChSpan *part = ch_span_begin(trace, kind, start_us, name, NULL);
    ch_span_text(part, "db.system.name", span->system);
    return part;
}

ChBatchSpan *ch_batch_span_begin(const char *lane, size_t n, const char *system, int64_t start_us)
{
    ChBatchSpan *span = g_new0(ChBatchSpan, 1);
    ChTrace trace = ch_trace_sampled(ch_trace_new()); /* because an item of it is */
    span->n = n;
    span->system = system;
    span->items = g_ptr_array_new();
    span->batch = ch_span_begin(trace, CH_SPAN_INTERNAL, start_us, "batch", lane);
    ch_span_text(span->batch, "cartwheel.lane", lane);
    ch_span_number(span->batch, "cartwheel.batch.size", (int64_t)n);
    span->part = begin_part(span, CH_SPAN_INTERNAL, start_us, "transaction");
    return span;
}

void ch_batch_span_add(ChBatchSpan *span, ChSpan *item)
{
    ch_span_number(item, "cartwheel.batch.size", (int64_t)span->n);
    ch_span_link(item, span->batch->trace);
    ch_span_link(span->batch, item->trace);
    g_ptr_array_add(span->items, item);
}

void ch_batch_span_commit(ChBatchSpan *span)
{
    if (span == NULL)
        return;
    ch_span_end(span->part);
    span->part = begin_part(span, CH_SPAN_CLIENT, ch_time_now_us(), "commit");
    ch_span_text(span->part, "db.operation.name", "COMMIT");
}

static void end(ChBatchSpan *span)
{
    ch_span_end(span->part);
    ch_span_end(span->batch);
    g_ptr_array_unref(span->items);
    g_free(span);
}

void ch_batch_span_end(ChBatchSpan *span, const char *failed)
{
    if (span == NULL)
        return;
    for (guint i = 0; i < span->items->len; i++) {
        ChSpan *item = g_ptr_array_index(span->items, i);
        if (failed != NULL)
            ch_span_fail(item, failed);
        ch_span_end(item);
    }
    end(span);
}

void ch_batch_span_abort(ChBatchSpan *span, const char *why)
{
    if (span == NULL)
        return;
    for (guint i = 0; i < span->items->len; i++)
        ch_span_drop(g_ptr_array_index(span->items, i));
    ch_span_fail(span->batch, why);
    ch_span_fail(span->part, why);
    end(span);
}
