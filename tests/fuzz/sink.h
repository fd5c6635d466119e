/* The log as a file in memory, so that a target can look at what was written. */
#pragma once

/** Sends the log there and makes its lines those of @process. Call once. */
void fuzz_sink_open(const char *process);

/** What was written since the last call. Free with g_free(). */
char *fuzz_sink_take(void);
