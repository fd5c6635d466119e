/* Trace ids as they are stored. */
#pragma once

#include "chassis/core/trace.h"

/** The trace of @trace_id, which may be NULL; none when that is none. */
ChTrace notification_trace_of(const char *trace_id);
