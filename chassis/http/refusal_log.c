/* Which refusals are logged. */
#include "chassis/http/refusal_log.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

enum {
    LINES_A_SECOND = 20,
};

/* True when one more line fits into the present second. */
static bool has_room(ChHttpRefusalLog *log)
{
    int64_t now_us = ch_time_monotonic_us();
    if (now_us - log->window_us >= G_USEC_PER_SEC) {
        log->window_us = now_us;
        log->lines = 0;
    }
    return log->lines < LINES_A_SECOND;
}

void ch_http_refusal_log(ChHttpRefusalLog *log, const ChHttpRequest *request, unsigned status)
{
    if (status == 500)
        return;
    if (!has_room(log)) {
        log->left_out++;
        return;
    }
    char client[CH_HTTP_ADDRESS_TEXT_BYTES];
    ch_http_address_format(&request->client, client);
    log->lines++;
    if (log->left_out > 0)
        ch_log_info("more requests were refused", CH_INT("requests", log->left_out));
    log->left_out = 0;
    ch_log_info("request refused", CH_STR("method", request->method), CH_STR("path", request->path),
                CH_INT("status", status), CH_STR("client", client), CH_TRACE(request->trace));
}
