/* What is counted of the requests of one route. Its label is bounded: routes are constants, and
 * whatever has none shares one meter. Thread: the server's. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct ChHttpMeter ChHttpMeter;

/** Of requests for @method and @pattern; both NULL: of those that no route took. */
ChHttpMeter *ch_http_meter_new(const char *method, const char *pattern);
void ch_http_meter_free(ChHttpMeter *meter); /* NULL is fine */

/** A request is over. @status: of the answer that was sent; 0: none. */
void ch_http_meter_count(ChHttpMeter *meter, unsigned status);

/** It took from @start_us (monotonic) until now. */
void ch_http_meter_time(ChHttpMeter *meter, int64_t start_us);
