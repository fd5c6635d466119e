/* From settings to limits. */
#include "chassis/runtime/limits.h"

bool ch_limits_check(const ChLimitSettings *settings, GError **error)
{
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        { "LIMIT_READS_PER_SECOND", settings->reads_per_second },
        { "LIMIT_READS_BURST", settings->reads_burst },
        { "LIMIT_WRITES_PER_SECOND", settings->writes_per_second },
        { "LIMIT_WRITES_BURST", settings->writes_burst },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].value <= CH_HTTP_BUCKETS_MOST)
            continue;
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s: expected at most %d", rows[i].name,
                    CH_HTTP_BUCKETS_MOST);
        return false;
    }
    return true;
}

ChHttpLimits *ch_limits_new(const ChLimitSettings *settings)
{
    const ChHttpLimitsConfig config = {
        .reads = { settings->reads_per_second, settings->reads_burst },
        .writes = { settings->writes_per_second, settings->writes_burst },
        .by_address = settings->by_address != 0,
    };
    return ch_http_limits_new(&config);
}
