/* Series are looked for once and kept: counting a request walks no list. */
#include "chassis/http/meter.h"

#include "chassis/telemetry/metrics.h"

CH_COUNTER(requests_total, "cartwheel_http_requests_total",
           "Requests by route and class of answer; none of probes.", "route", "status");
CH_HISTOGRAM(request_seconds, "cartwheel_http_request_seconds",
             "Time from the first line of a request to the end of its answer.", "route",
             CH_BUCKETS_SECONDS);

static const char *const classes[] = { "aborted", "1xx", "2xx", "3xx", "4xx", "5xx" };
static const char unrouted[] = "none";

enum {
    SERVER_ERRORS = 5, /* of the classes */
};

struct ChHttpMeter {
    char *route;
    ChMetric *requests[G_N_ELEMENTS(classes)]; /* NULL: none was answered so */
    ChMetric *seconds;                         /* NULL: none was answered */
};

static ChMetric *of_class(ChHttpMeter *meter, size_t class)
{
    if (meter->requests[class] == NULL)
        meter->requests[class] = ch_metric2(&requests_total, meter->route, classes[class]);
    return meter->requests[class];
}

ChHttpMeter *ch_http_meter_new(const char *method, const char *pattern)
{
    ChHttpMeter *meter = g_new0(ChHttpMeter, 1);
    meter->route = method == NULL ? g_strdup(unrouted) : g_strdup_printf("%s %s", method, pattern);
    of_class(meter, SERVER_ERRORS); /* there from the start, as 0: the first one is an increase */
    return meter;
}

void ch_http_meter_free(ChHttpMeter *meter)
{
    if (meter == NULL)
        return;
    g_free(meter->route);
    g_free(meter);
}

void ch_http_meter_count(ChHttpMeter *meter, unsigned status)
{
    ch_metric_add(of_class(meter, MIN(status / 100, G_N_ELEMENTS(classes) - 1)), 1);
}

void ch_http_meter_time(ChHttpMeter *meter, int64_t start_us)
{
    if (meter->seconds == NULL)
        meter->seconds = ch_metric(&request_seconds, meter->route);
    ch_metric_observe_since(meter->seconds, start_us);
}
