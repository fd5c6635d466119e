/* From text to a trace. */
#include "notification/infrastructure/trace_ids.h"

#include "chassis/core/hex.h"

#include <string.h>

ChTrace notification_trace_of(const char *traceparent, const char *trace_id)
{
    ChTrace parent = { .flags = 0 };
    if (ch_trace_parse(traceparent, &parent))
        return ch_trace_child(parent);
    if (trace_id == NULL || strlen(trace_id) != 2 * sizeof parent.trace_id ||
        !ch_hex_read(trace_id, parent.trace_id, sizeof parent.trace_id))
        return (ChTrace){ .flags = 0 };
    return parent;
}
