/* Who has how much left, and how he is told (draft-ietf-httpapi-ratelimit-headers). */
#include "chassis/http/limits.h"

#include "chassis/core/time.h"
#include "chassis/http/problem.h"
#include "chassis/telemetry/metrics.h"

#include <pthread.h>
#include <string.h>

enum {
    MAX_HEADER_BYTES = 64,
    EVERYBODY = 1, /* the key of what has one bucket */
};

CH_COUNTER(limited_total, "cartwheel_http_limited_total",
           "Requests answered 429, by what there were too many of.", "of");

/* A rate, and all who are held to it. */
struct ChHttpLimit {
    const char *name;              /* as clients see it */
    char policy[MAX_HEADER_BYTES]; /* RateLimit-Policy */
    ChHttpBuckets *buckets;        /* NULL: there is no limit */
    pthread_mutex_t mutex;         /* of the buckets */
    ChMetric *limited;
};

struct ChHttpLimits {
    ChHttpLimit reads;
    ChHttpLimit writes;
    ChHttpLimit wrong_tokens;
    ChHttpLimit all_wrong_tokens; /* one bucket */
    bool by_address;
};

/* ---- one limit ---- */

static int64_t seconds(int64_t us)
{
    return (us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
}

static void open_limit(ChHttpLimit *limit, const char *name, ChHttpRate rate)
{
    limit->name = name;
    limit->limited = ch_metric(&limited_total, name);
    pthread_mutex_init(&limit->mutex, NULL);
    if (rate.per_second == 0)
        return;
    limit->buckets = ch_http_buckets_new(rate);
    g_snprintf(limit->policy, sizeof limit->policy,
               "\"%s\";q=%" G_GINT64_FORMAT ";w=%" G_GINT64_FORMAT, name, rate.burst,
               (rate.burst + rate.per_second - 1) / rate.per_second);
}

static void close_limit(ChHttpLimit *limit)
{
    ch_http_buckets_free(limit->buckets);
    pthread_mutex_destroy(&limit->mutex);
}

static ChHttpTaking take(ChHttpLimit *limit, uint64_t key)
{
    int64_t now_us = ch_time_monotonic_us();
    pthread_mutex_lock(&limit->mutex);
    ChHttpTaking taking = ch_http_buckets_take(limit->buckets, key, now_us);
    pthread_mutex_unlock(&limit->mutex);
    return taking;
}

static ChHttpTaking look(ChHttpLimit *limit, uint64_t key)
{
    int64_t now_us = ch_time_monotonic_us();
    pthread_mutex_lock(&limit->mutex);
    ChHttpTaking taking = ch_http_buckets_look(limit->buckets, key, now_us);
    pthread_mutex_unlock(&limit->mutex);
    return taking;
}

static void refuse(ChHttpLimit *limit, ChHttpRequest *request, int64_t wait_us, const char *detail)
{
    ch_metric_add(limit->limited, 1);
    ch_http_answer_problem(&request->answer, request, &ch_http_too_many_requests, detail, NULL,
                           (unsigned)MAX(seconds(wait_us), 1));
}

/* ---- life ---- */

ChHttpLimits *ch_http_limits_new(const ChHttpLimitsConfig *config)
{
    const ChHttpRate wrong = { CH_HTTP_WRONG_TOKENS_PER_SECOND, CH_HTTP_WRONG_TOKENS_BURST };
    const ChHttpRate all_wrong = { CH_HTTP_ALL_WRONG_TOKENS_PER_SECOND,
                                   CH_HTTP_ALL_WRONG_TOKENS_PER_SECOND };
    ChHttpLimits *limits = g_new0(ChHttpLimits, 1);
    open_limit(&limits->reads, "reads", config->reads);
    open_limit(&limits->writes, "writes", config->writes);
    open_limit(&limits->wrong_tokens, "wrong-tokens", wrong);
    open_limit(&limits->all_wrong_tokens, "all-wrong-tokens", all_wrong);
    limits->by_address = config->by_address;
    return limits;
}

void ch_http_limits_free(ChHttpLimits *limits)
{
    if (limits == NULL)
        return;
    close_limit(&limits->reads);
    close_limit(&limits->writes);
    close_limit(&limits->wrong_tokens);
    close_limit(&limits->all_wrong_tokens);
    g_free(limits);
}

/* ---- callers ---- */

/* False: he may ask as often as he likes. */
static bool find_key(const ChHttpLimits *limits, const ChHttpRequest *request, uint64_t *key)
{
    const ChCaller *caller = request->caller;
    if (caller == NULL) {
        *key = ch_http_address_number(&request->client);
        return limits->by_address;
    }
    const ChScopes *scopes = request->match.scopes;
    *key = caller->number;
    return scopes->unlimited == 0 || (caller->scopes & CH_SCOPE(scopes->unlimited)) == 0;
}

bool ch_http_limits_admit(ChHttpLimits *limits, ChHttpRequest *request)
{
    uint64_t key;
    if (limits == NULL || request->admitted || !find_key(limits, request, &key))
        return true;
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    ChHttpLimit *limit = reads ? &limits->reads : &limits->writes;
    if (limit->buckets == NULL)
        return true;
    ChHttpTaking taking = take(limit, key);
    request->limit = limit;
    request->left = taking.left;
    request->full_us = taking.full_us;
    request->admitted = taking.taken;
    if (!taking.taken)
        refuse(limit, request, taking.next_us,
               reads ? "You read too often. Wait as long as Retry-After says."
                     : "You write too often. Wait as long as Retry-After says.");
    return taking.taken;
}

void ch_http_limits_tell(ChHttpRequest *request)
{
    char left[MAX_HEADER_BYTES];
    const ChHttpLimit *limit = request->limit;
    if (limit == NULL || request->answer.status == 0)
        return;
    g_snprintf(left, sizeof left, "\"%s\";r=%" G_GINT64_FORMAT ";t=%" G_GINT64_FORMAT, limit->name,
               request->left, seconds(request->full_us));
    ch_http_answer_header(&request->answer, "RateLimit-Policy", limit->policy);
    ch_http_answer_header(&request->answer, "RateLimit", left);
}

/* ---- tokens that are none ---- */

bool ch_http_limits_hears(ChHttpLimits *limits, const ChHttpRequest *request)
{
    return limits == NULL ||
           (look(&limits->wrong_tokens, ch_http_address_number(&request->client)).left > 0 &&
            look(&limits->all_wrong_tokens, EVERYBODY).left > 0);
}

void ch_http_limits_respond_unheard(ChHttpLimits *limits, ChHttpRequest *request)
{
    ChHttpTaking own = look(&limits->wrong_tokens, ch_http_address_number(&request->client));
    if (own.left == 0)
        refuse(&limits->wrong_tokens, request, own.next_us,
               "Too many tokens from this address were none: only those that are known are "
               "accepted.");
    else
        refuse(&limits->all_wrong_tokens, request,
               look(&limits->all_wrong_tokens, EVERYBODY).next_us,
               "Too many tokens from everywhere are none: only those that are known are accepted. "
               "Wait as long as Retry-After says.");
}

void ch_http_limits_wrong_token(ChHttpLimits *limits, const ChHttpRequest *request)
{
    if (limits == NULL)
        return;
    take(&limits->wrong_tokens, ch_http_address_number(&request->client));
    take(&limits->all_wrong_tokens, EVERYBODY);
}
