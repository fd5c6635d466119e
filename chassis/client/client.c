/* Concurrent calls over one curl multi handle, with retries and a breaker. */
#include "chassis/client/client.h"

#include "chassis/client/breaker.h"
#include "chassis/client/call_span.h"
#include "chassis/client/curl.h"
#include "chassis/client/prepare.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"

#include <limits.h>
#include <string.h>

enum {
    DEFAULT_TIMEOUT_MS = 2000,
    DEFAULT_RETRY_STEP_MS = 200,
    DEFAULT_TOTAL_BUDGET_MS = 10000,
    DEFAULT_BREAKER_FAILURES = 5,
    DEFAULT_BREAKER_OPEN_MS = 30000,
    DEFAULT_MAX_ANSWER_BYTES = 1024 * 1024,
    DEFAULT_MAX_CONCURRENT = 16,
    POLL_MS = 100, /* how late a cancellation may be noticed */
    MAX_PAUSE_S =
        600, /* whatever a server asks for: a mistake of its must not silence us for days */
};

struct ChHttpClient {
    ChHttpClientConfig config; /* defaults filled in */
    CURLM *multi;              /* from the first fetch on */
    ChBreaker breaker;
    ChPause own_pause;
    ChPause *pause; /* own_pause, or one that is shared */
    ChMetric *breaker_metric;
    ChMetric *retries_metric;
};

/* One call during a fetch. */
typedef struct {
    ChHttpClient *client;
    ChHttpCall *call;
    CURL *easy; /* NULL: not under way */
    struct curl_slist *headers;
    int64_t due_us; /* when the next try may start */
    bool done;
    size_t head_left; /* that the answer's head may still have */
    bool too_long;    /* the answer passed its limit */
    bool not_public;  /* the server's address is none that may be called */
    char fault[CURL_ERROR_SIZE];
} Try;

typedef struct {
    ChHttpClient *client;
    Try *tries;
    size_t n;
    size_t running;
    size_t left; /* not done */
    int64_t deadline_us;
} Fetch;

CH_GAUGE(breaker_gauge, "cartwheel_http_client_breaker_state",
         "Circuit breaker: 0 closed, 1 half open, 2 open.", "server");
CH_COUNTER(retries_total, "cartwheel_http_client_retries_total", "Tries after the first of a call.",
           "server");
CH_COUNTER(calls_total, "cartwheel_http_client_calls_total", "Calls by server and outcome.",
           "server", "outcome");
CH_HISTOGRAM(try_seconds, "cartwheel_http_client_try_seconds", "Duration of one try.", NULL,
             CH_BUCKETS_SECONDS);

static void show_breaker(const ChHttpClient *client)
{
    ch_metric_set(client->breaker_metric, client->breaker.state);
}

/* ---- the end of a call ---- */

static void finish(Fetch *fetch, Try *try, ChHttpOutcome outcome, const char *fault)
{
    static const char *const names[] = { [CH_HTTP_OK] = "ok",
                                         [CH_HTTP_REFUSED] = "refused",
                                         [CH_HTTP_UNAVAILABLE] = "unavailable",
                                         [CH_HTTP_BREAKER_OPEN] = "breaker_open",
                                         [CH_HTTP_PAUSED] = "paused" };
    try->call->outcome = outcome;
    try->call->fault = g_strdup(fault);
    ch_http_call_span_end(try->call);
    try->done = true;
    fetch->left--;
    ch_metric_add(ch_metric2(&calls_total, fetch->client->config.name, names[outcome]), 1);
}

static void drop_transfer(Fetch *fetch, Try *try)
{
    curl_multi_remove_handle(fetch->client->multi, try->easy);
    curl_easy_cleanup(try->easy);
    curl_slist_free_all(try->headers);
    try->easy = NULL;
    try->headers = NULL;
    fetch->running--;
}

/* ---- one try ---- */

static size_t keep_answer(char *data, size_t one, size_t bytes, void *context)
{
    (void)one; /* always 1 */
    Try *try = context;
    GString *answer = try->call->answer;
    if (bytes > try->client->config.max_answer_bytes - answer->len) {
        try->too_long = true;
        return 0; /* ends the transfer */
    }
    g_string_append_len(answer, data, (gssize)bytes);
    return bytes;
}

static void set_up(Try *try)
{
    const ChHttpClientConfig *config = &try->client->config;
    CURL *easy = try->easy;
    ch_curl_protect(easy, config->protocols, config->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, try->fault);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, try);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, try);
    ch_curl_limit_head(easy, &try->head_left);
    if (config->ca_file != NULL && *config->ca_file != '\0')
        curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    if (config->public_only)
        ch_curl_only_public(easy, &try->not_public);
    try->headers = ch_http_call_prepare(try->call, easy);
}

/* Whether the server asked for a pause; then @try waits for its end, or ends when that is too long.
 */
static bool keeps_pause(Fetch *fetch, Try *try)
{
    int64_t end_us = ch_pause_end_us(fetch->client->pause);
    int64_t left_us = end_us - ch_time_monotonic_us();
    if (left_us <= 0)
        return false;
    try->due_us = end_us;
    if (end_us < fetch->deadline_us)
        return true;
    try->call->retry_after_ms = (left_us + 999) / 1000;
    if (try->call->tries == 0)
        finish(fetch, try, CH_HTTP_PAUSED, "the server asked to be called later");
    else
        finish(fetch, try, CH_HTTP_UNAVAILABLE, try->fault);
    return true;
}

static void start(Fetch *fetch, Try *try)
{
    ChHttpClient *client = fetch->client;
    ChHttpCall *call = try->call;
    if (!ch_http_call_is_clean(call)) {
        finish(fetch, try, CH_HTTP_REFUSED,
               "the url, method or a header holds a control character");
        return;
    }
    if (keeps_pause(fetch, try))
        return;
    if (!ch_breaker_allow(&client->breaker, ch_time_monotonic_us())) {
        if (call->tries == 0)
            finish(fetch, try, CH_HTTP_BREAKER_OPEN, "the circuit breaker is open");
        else
            finish(fetch, try, CH_HTTP_UNAVAILABLE, try->fault);
        return;
    }
    show_breaker(client);
    if (call->tries++ > 0)
        ch_metric_add(client->retries_metric, 1);
    else
        ch_http_call_span_begin(call);
    if (call->answer == NULL)
        call->answer = g_string_new(NULL);
    g_string_truncate(call->answer, 0);
    call->status = 0;
    call->retry_after_ms = 0;
    try->too_long = false;
    try->not_public = false;
    try->fault[0] = '\0';
    try->easy = curl_easy_init();
    g_assert(try->easy != NULL); /* no memory */
    set_up(try);
    curl_multi_add_handle(client->multi, try->easy);
    fetch->running++;
}

/* ---- results ---- */

typedef enum {
    TRY_OK,
    TRY_REFUSED,
    TRY_FAILED,
    TRY_IMPOSSIBLE
} TryResult;

static TryResult judge(Try *try, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(try->easy, CURLINFO_RESPONSE_CODE, &status);
    try->call->status = (unsigned)status;
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return TRY_IMPOSSIBLE;
    if (code != CURLE_OK)
        return TRY_FAILED;
    if (status >= 200 && status <= 299)
        return TRY_OK;
    return status >= 500 || status == 408 || status == 429 ? TRY_FAILED : TRY_REFUSED;
}

static void describe(Try *try, CURLcode code)
{
    if (try->too_long)
        g_snprintf(try->fault, sizeof(try->fault), "the answer is longer than %zu bytes",
                   try->client->config.max_answer_bytes);
    else if (code != CURLE_OK && try->head_left == 0)
        g_snprintf(try->fault, sizeof(try->fault), "the head of the answer is too long");
    else if (code != CURLE_OK && try->not_public)
        g_strlcpy(try->fault, "its address is not a public one", sizeof(try->fault));
    else if (code == CURLE_OK)
        g_snprintf(try->fault, sizeof(try->fault), "status %u", try->call->status);
    else if (try->fault[0] == '\0')
        g_strlcpy(try->fault, curl_easy_strerror(code), sizeof(try->fault));
}

/* Seconds or a date: libcurl reads both. */
static void heed_retry_after(Try *try, CURLcode code)
{
    curl_off_t asked_s = 0;
    unsigned status = try->call->status;
    if (code != CURLE_OK || (status != 429 && status != 503) ||
        curl_easy_getinfo(try->easy, CURLINFO_RETRY_AFTER, &asked_s) != CURLE_OK || asked_s <= 0)
        return;
    int64_t pause_s = MIN(asked_s, MAX_PAUSE_S);
    try->call->retry_after_ms = pause_s * 1000;
    if (!try->client->config.many_servers)
        ch_pause_extend(try->client->pause, ch_time_monotonic_us() + pause_s * G_USEC_PER_SEC);
}

static void retry_or_give_up(Fetch *fetch, Try *try)
{
    const ChHttpClientConfig *config = &fetch->client->config;
    int retries_made = try->call->tries - 1;
    if (retries_made >= config->retries) {
        finish(fetch, try, CH_HTTP_UNAVAILABLE, try->fault);
        return;
    }
    int wait_ms = ch_time_jitter_ms((int)config->retry_step_ms * (retries_made + 1));
    try->due_us = MAX(ch_time_monotonic_us() + (int64_t)wait_ms * 1000,
                      ch_pause_end_us(fetch->client->pause));
    if (try->due_us >= fetch->deadline_us)
        finish(fetch, try, CH_HTTP_UNAVAILABLE, try->fault);
}

static void end_try(Fetch *fetch, Try *try, CURLcode code)
{
    ChHttpClient *client = fetch->client;
    curl_off_t took_us = 0;
    curl_easy_getinfo(try->easy, CURLINFO_TOTAL_TIME_T, &took_us);
    ch_metric_observe(ch_metric(&try_seconds, NULL), (double)took_us / G_USEC_PER_SEC);
    try->call->took_ms = took_us / 1000;
    TryResult result = judge(try, code);
    describe(try, code);
    heed_retry_after(try, code);
    drop_transfer(fetch, try);
    switch (result) {
    case TRY_OK:
        ch_breaker_success(&client->breaker);
        finish(fetch, try, CH_HTTP_OK, NULL);
        break;
    case TRY_REFUSED:
        ch_breaker_success(&client->breaker);
        finish(fetch, try, CH_HTTP_REFUSED, try->fault);
        break;
    case TRY_IMPOSSIBLE:
        ch_breaker_cancel(&client->breaker);
        finish(fetch, try, CH_HTTP_REFUSED, try->fault);
        break;
    case TRY_FAILED:
        ch_breaker_failure(&client->breaker, ch_time_monotonic_us());
        retry_or_give_up(fetch, try);
        break;
    }
    show_breaker(client);
}

/* ---- the loop ---- */

static void start_due(Fetch *fetch)
{
    int64_t now_us = ch_time_monotonic_us();
    for (size_t i = 0; i < fetch->n && fetch->running < fetch->client->config.max_concurrent; i++) {
        Try *try = &fetch->tries[i];
        if (!try->done && try->easy == NULL && try->due_us <= now_us)
            start(fetch, try);
    }
}

static void collect(Fetch *fetch)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(fetch->client->multi, &left); message != NULL;
         message = curl_multi_info_read(fetch->client->multi, &left)) {
        if (message->msg != CURLMSG_DONE)
            continue;
        Try *try = NULL;
        CURLcode code = message->data.result; /* gone with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &try);
        end_try(fetch, try, code);
    }
}

static int next_wait_ms(const Fetch *fetch)
{
    int64_t next_us = ch_time_monotonic_us() + POLL_MS * 1000;
    int64_t now_us = next_us - POLL_MS * 1000;
    bool may_start = fetch->running < fetch->client->config.max_concurrent;
    for (size_t i = 0; may_start && i < fetch->n; i++) {
        const Try *try = &fetch->tries[i];
        if (!try->done && try->easy == NULL)
            next_us = MIN(next_us, try->due_us);
    }
    return next_us <= now_us ? 1 : (int)((next_us - now_us + 999) / 1000);
}

static void abandon_all(Fetch *fetch, const char *why)
{
    for (size_t i = 0; i < fetch->n; i++) {
        Try *try = &fetch->tries[i];
        if (try->easy != NULL) {
            drop_transfer(fetch, try);
            ch_breaker_cancel(&fetch->client->breaker);
        }
        if (!try->done)
            finish(fetch, try, CH_HTTP_UNAVAILABLE, try->fault[0] != '\0' ? try->fault : why);
    }
    show_breaker(fetch->client);
}

void ch_http_client_fetch(ChHttpClient *client, ChHttpCall *calls, size_t n)
{
    const ChHttpClientConfig *config = &client->config;
    if (client->multi == NULL)
        client->multi = ch_curl_multi();
    Fetch fetch = { .client = client,
                    .tries = g_new0(Try, n),
                    .n = n,
                    .left = n,
                    .deadline_us = ch_time_monotonic_us() + config->total_budget_ms * 1000 };
    for (size_t i = 0; i < n; i++) {
        fetch.tries[i].client = client;
        fetch.tries[i].call = &calls[i];
    }
    while (fetch.left > 0) {
        if (config->cancelled != NULL && config->cancelled(config->context)) {
            abandon_all(&fetch, "cancelled");
            break;
        }
        if (ch_time_monotonic_us() >= fetch.deadline_us) {
            abandon_all(&fetch, "no answer within the time for all tries");
            break;
        }
        start_due(&fetch);
        int running = 0;
        curl_multi_perform(client->multi, &running);
        collect(&fetch);
        if (fetch.left > 0)
            curl_multi_poll(client->multi, NULL, 0, next_wait_ms(&fetch), NULL);
    }
    g_free(fetch.tries);
}

/* ---- life ---- */

static void fill(int64_t *value, int64_t fallback)
{
    if (*value == 0)
        *value = fallback;
}

static ChHttpClientConfig with_defaults(const ChHttpClientConfig *config)
{
    ChHttpClientConfig filled = *config;
    fill(&filled.timeout_ms, DEFAULT_TIMEOUT_MS);
    fill(&filled.retry_step_ms, DEFAULT_RETRY_STEP_MS);
    fill(&filled.total_budget_ms, DEFAULT_TOTAL_BUDGET_MS);
    fill(&filled.breaker_open_ms, DEFAULT_BREAKER_OPEN_MS);
    if (filled.many_servers)
        filled.breaker_failures = INT_MAX;
    else if (filled.breaker_failures == 0)
        filled.breaker_failures = DEFAULT_BREAKER_FAILURES;
    if (filled.max_answer_bytes == 0)
        filled.max_answer_bytes = DEFAULT_MAX_ANSWER_BYTES;
    if (filled.max_concurrent == 0)
        filled.max_concurrent = DEFAULT_MAX_CONCURRENT;
    if (filled.protocols == NULL)
        filled.protocols = "http,https";
    return filled;
}

ChHttpClient *ch_http_client_new(const ChHttpClientConfig *config)
{
    g_assert(config->name != NULL);
    ChHttpClient *client = g_new0(ChHttpClient, 1);
    client->config = with_defaults(config);
    client->pause = config->pause != NULL ? config->pause : &client->own_pause;
    client->breaker =
        ch_breaker_new(client->config.breaker_failures, client->config.breaker_open_ms * 1000);
    client->breaker_metric = ch_metric(&breaker_gauge, config->name);
    client->retries_metric = ch_metric(&retries_total, config->name);
    return client;
}

void ch_http_client_free(ChHttpClient *client)
{
    if (client == NULL)
        return;
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    g_free(client);
}
