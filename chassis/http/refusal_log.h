/* Answers that report a problem, in the log: who has a traceId from one finds its line. Belongs to
 * the server's thread. */
#pragma once

#include "chassis/http/request_life.h"

/** Zeroed: nothing was logged yet. */
typedef struct {
    int64_t window_us; /* when the present second of lines began (monotonic) */
    unsigned lines;    /* in it */
    unsigned left_out; /* since the last line that said so */
} ChHttpRefusalLog;

/** One INFO line about the answer @status to @request, at most 20 a second; what was left out is
 * counted by a later line. What is behind a 500 was logged by whoever met it. */
void ch_http_refusal_log(ChHttpRefusalLog *log, const ChHttpRequest *request, unsigned status);
