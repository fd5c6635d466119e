/* What the system knows about this process, in Prometheus' customary names, and which build it is.
 */
#pragma once

#include <glib.h>

/** Appends cartwheel_build_info, process_cpu_seconds_total, process_open_fds,
 * process_resident_memory_bytes and process_start_time_seconds; one that the system does not tell
 * is left out. */
void ch_process_metrics_render(GString *text);
