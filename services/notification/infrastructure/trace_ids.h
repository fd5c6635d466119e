/* Trace ids as they are stored. */
#pragma once

#include "chassis/core/trace.h"

/** The span of sending what was noted under @traceparent: a child of that. Rows of older builds
 * have a @trace_id alone. Either may be NULL; both: no trace. */
ChTrace notification_trace_of(const char *traceparent, const char *trace_id);
