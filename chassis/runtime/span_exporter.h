/* Sends spans to a collector: OTLP over HTTP, as binary protobuf.
 *
 * It has one batch in its hands, and CH_SPAN_QUEUE more spans wait: whatever the collector does,
 * that is all that its absence costs. What finds no place is dropped and counted. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/core/ticker.h"

typedef struct {
    const char *url;             /* that takes the requests */
    const char *const *headers;  /* "Name: value", NULL-terminated, beside those of OTLP */
    const char *const *resource; /* as for ch_otlp_request() */
    int64_t timeout_ms;          /* of one try */
} ChSpanExporterConfig;

typedef struct ChSpanExporter ChSpanExporter;

/** Records spans from now on, so before any thread starts. Borrows what @config points to. */
CH_MUST_CHECK ChSpanExporter *ch_span_exporter_new(const ChSpanExporterConfig *config);

/** After all threads that record have ended. NULL is fine. */
void ch_span_exporter_free(ChSpanExporter *exporter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChSpanExporter, ch_span_exporter_free)

/** Its lane. */
ChLaneConfig ch_span_exporter_lane(ChSpanExporter *exporter);

/** That lane, which has ended, will not come back: tries what waits once, until @deadline_us
 * (ch_time_monotonic_us()). */
void ch_span_exporter_flush(ChSpanExporter *exporter, int64_t deadline_us);

/** Its lane is to end: gives up the try under way. */
void ch_span_exporter_hurry(ChSpanExporter *exporter);
