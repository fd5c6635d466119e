/* Spans of messages, by the semantic conventions for messaging with RabbitMQ. */
#pragma once

#include "chassis/core/span.h"
#include "chassis/rabbitmq/delivery.h"
#include "chassis/rabbitmq/message.h"

/** The trace that @delivery came with, for log lines: by it they are found with those of the order.
 * None where it came with none. */
ChTrace ch_message_trace(const ChDelivery *delivery);

/** Handling @delivery from @queue, from @start_us (Unix time, as below) on. @fault: what is wrong
 * with it; NULL: nothing is. */
ChSpan *ch_message_process_span(ChTrace trace, const char *queue, const ChDelivery *delivery,
                                const char *fault, int64_t start_us);

/** It was acknowledged, from @start_us until now: tells that as a child of @processed. */
void ch_message_settle_span(ChTrace processed, const char *queue, int64_t start_us);

/** Spans of messages that are published. */
typedef struct ChPublishSpans ChPublishSpans;

/** messages[0..n) were claimed and are published next. The time that each sampled one has spent in
 * the outbox is told as a span, and its traceparent becomes that of its publishing, so that the
 * consumer's span is a child of that. NULL: none is sampled; the others take NULL. */
ChPublishSpans *ch_publish_spans_begin(ChMessage *messages, size_t n);

/** What became of them. Takes them. */
void ch_publish_spans_end(ChPublishSpans *spans, const ChPublishOutcome *outcomes);

/** All of them failed, because of @why. Takes them. */
void ch_publish_spans_fail(ChPublishSpans *spans, const char *why);
