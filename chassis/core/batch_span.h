/* What a lane tells of a batch: a span of its own, whose parts are the transaction and the commit,
 * and a span for each sampled item in the item's trace; the two point to each other.
 *
 * A batch in which nothing is sampled has none: NULL, which all but add take. The lane's thread. */
#pragma once

#include "chassis/core/span.h"

typedef struct ChBatchSpan ChBatchSpan;

/** A batch of @n items of @lane, from @start_us (Unix time) on; at least one of them is added.
 * @system: where its unit of work is a transaction; NULL: it is none. */
ChBatchSpan *ch_batch_span_begin(const char *lane, size_t n, const char *system, int64_t start_us);

/** @item, which is in it. Takes it. */
void ch_batch_span_add(ChBatchSpan *span, ChSpan *item);

/** The handler is done, the commit is next. */
void ch_batch_span_commit(ChBatchSpan *span);

/** It is committed. @failed: why its item, which stands alone, was given up; NULL: it was not.
 * Takes it. */
void ch_batch_span_end(ChBatchSpan *span, const char *failed);

/** It was rolled back because of @why: that is told of the batch alone, its items come again. Takes
 * it. */
void ch_batch_span_abort(ChBatchSpan *span, const char *why);
