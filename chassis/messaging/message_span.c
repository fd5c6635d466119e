/* Messages as spans. */
#include "chassis/messaging/message_span.h"

#include "chassis/core/time.h"

/* One that is being published. */
typedef struct {
    size_t place; /* among the messages */
    ChSpan *span;
    char traceparent[CH_TRACEPARENT_BYTES];
} Published;

struct ChPublishSpans {
    size_t n;
    Published published[];
};

ChTrace ch_message_trace(const ChDelivery *delivery)
{
    ChTrace trace = { .flags = 0 };
    ch_trace_parse(delivery->traceparent, &trace);
    return trace;
}

/* @type: of the operation, as the conventions name it. */
static void describe(ChSpan *span, const char *name, const char *type, const char *destination,
                     const char *message_id)
{
    ch_span_text(span, "messaging.system", "rabbitmq");
    ch_span_text(span, "messaging.operation.name", name);
    ch_span_text(span, "messaging.operation.type", type);
    ch_span_text(span, "messaging.destination.name", destination);
    ch_span_text(span, "messaging.message.id", message_id);
}

/* ---- consuming ---- */

ChSpan *ch_message_process_span(ChTrace trace, const char *queue, const ChDelivery *delivery,
                                const char *fault, int64_t start_us)
{
    ChSpan *span = ch_span_begin(trace, CH_SPAN_CONSUMER, start_us, "process", queue);
    describe(span, "process", "process", queue, delivery->message_id);
    ch_span_text(span, "messaging.rabbitmq.destination.routing_key", delivery->routing_key);
    if (delivery->retry_count > 0)
        ch_span_number(span, "cartwheel.retry", delivery->retry_count);
    if (fault != NULL)
        ch_span_fail(span, fault);
    return span;
}

void ch_message_settle_span(ChTrace processed, const char *queue, int64_t start_us)
{
    if (!ch_spans_on() || !ch_trace_is_sampled(processed))
        return;
    ChSpan *span =
        ch_span_begin(ch_trace_child(processed), CH_SPAN_CLIENT, start_us, "settle", queue);
    describe(span, "ack", "settle", queue, NULL);
    ch_span_end(span);
}

/* ---- publishing ---- */

/* To a queue directly: through the default exchange, which has no name. */
static const char *destination_of(const ChMessage *message)
{
    return *message->exchange == '\0' ? message->routing_key : message->exchange;
}

static void tell_time_in_outbox(ChTrace parent, const ChMessage *message, int64_t now_us)
{
    int64_t start_us = MIN(message->created_us, now_us); /* of the database's clock */
    ChSpan *span =
        ch_span_begin(ch_trace_child(parent), CH_SPAN_INTERNAL, start_us, "outbox", message->type);
    ch_span_text(span, "messaging.message.id", message->message_id);
    ch_span_end_at(span, now_us);
}

static void begin_publishing(ChTrace parent, ChMessage *message, int64_t now_us,
                             Published *published)
{
    ChTrace trace = ch_trace_child(parent);
    ChSpan *span = ch_span_begin(trace, CH_SPAN_PRODUCER, now_us, "publish", message->routing_key);
    describe(span, "publish", "send", destination_of(message), message->message_id);
    ch_span_text(span, "messaging.rabbitmq.destination.routing_key", message->routing_key);
    ch_trace_format(trace, published->traceparent);
    message->traceparent = published->traceparent;
    published->span = span;
}

ChPublishSpans *ch_publish_spans_begin(ChMessage *messages, size_t n)
{
    if (!ch_spans_on())
        return NULL;
    ChPublishSpans *spans = NULL;
    int64_t now_us = ch_time_now_us();
    for (size_t i = 0; i < n; i++) {
        ChTrace parent;
        if (!ch_trace_parse(messages[i].traceparent, &parent) || !ch_trace_is_sampled(parent))
            continue;
        if (spans == NULL)
            spans = g_malloc0(sizeof *spans + n * sizeof(Published));
        Published *published = &spans->published[spans->n++];
        published->place = i;
        tell_time_in_outbox(parent, &messages[i], now_us);
        begin_publishing(parent, &messages[i], now_us, published);
    }
    return spans;
}

void ch_publish_spans_end(ChPublishSpans *spans, const ChPublishOutcome *outcomes)
{
    static const char *const faults[CH_PUBLISH_OUTCOMES_N] = {
        [CH_PUBLISH_RETURNED] = "no queue takes it",
        [CH_PUBLISH_REFUSED] = "the broker refuses it",
    };
    for (size_t i = 0; spans != NULL && i < spans->n; i++) {
        const Published *published = &spans->published[i];
        const char *fault = faults[outcomes[published->place]];
        if (fault != NULL)
            ch_span_fail(published->span, fault);
        ch_span_end(published->span);
    }
    g_free(spans);
}

void ch_publish_spans_fail(ChPublishSpans *spans, const char *why)
{
    for (size_t i = 0; spans != NULL && i < spans->n; i++) {
        ch_span_fail(spans->published[i].span, why);
        ch_span_end(spans->published[i].span);
    }
    g_free(spans);
}
