/* The span of a call. */
#pragma once

#include "chassis/client/call.h"

/** Its first try is about to be made. */
void ch_http_call_span_begin(ChHttpCall *call);

/** It has its outcome. */
void ch_http_call_span_end(ChHttpCall *call);
