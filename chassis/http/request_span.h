/* The spans of a request. */
#pragma once

#include "chassis/core/span.h"
#include "chassis/http/request_life.h"

/** The server span of @request, whose connection is done with it. @status: of the answer that was
 * sent; 0: none. What probes and the like ask has none. */
void ch_http_request_span(const ChHttpRequest *request, unsigned status);

/** Its part in a batch of its lane, which begins at @start_us (Unix time). NULL: not sampled. */
ChSpan *ch_http_request_lane_span(const ChHttpRequest *request, int64_t start_us);
