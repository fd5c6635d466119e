/* Spans as OTLP, the protocol of OpenTelemetry, in its binary form: the messages of
 * opentelemetry/proto/collector/trace/v1, written and read by hand. */
#pragma once

#include "chassis/core/span.h"

/** An ExportTraceServiceRequest with spans[0..n), which ended. @resource: what they are spans of:
 * keys and values in turn, NULL-terminated. Free with g_string_free(). */
GString *ch_otlp_request(const char *const *resource, ChSpan *const *spans, size_t n);

/** How many spans the collector says it rejected, in an ExportTraceServiceResponse of @bytes; 0
 * also when it is none. */
int64_t ch_otlp_rejected(const char *response, size_t bytes);
