/* From text to a trace. */
#include "notification/infrastructure/trace_ids.h"

#include "chassis/core/hex.h"

#include <string.h>

ChTrace notification_trace_of(const char *trace_id)
{
    ChTrace trace = { .flags = 1 };
    if (trace_id == NULL || strlen(trace_id) != 2 * sizeof trace.trace_id ||
        !ch_hex_read(trace_id, trace.trace_id, sizeof trace.trace_id))
        return (ChTrace){ .flags = 0 };
    return trace;
}
