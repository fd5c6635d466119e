/* One batch at a time, tried until it is taken, refused, or too old. */
#include "chassis/runtime/span_exporter.h"

#include "chassis/client/client.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/telemetry/metrics.h"
#include "chassis/telemetry/otlp.h"

enum {
    PERIOD_MS = 5000, /* how long a span may wait for company; a full batch leaves at once */
    MAX_TRIES = 5,    /* with waits of 1, 2, 4 and 8 s */
    FIRST_WAIT_MS = 1000,
    MAX_ANSWER_BYTES = 64 * 1024,       /* it says how many were rejected, and why */
    LOG_PAUSE_US = 60 * G_USEC_PER_SEC, /* a collector that comes and goes is told of that often */
};

CH_COUNTER(exported_total, "cartwheel_spans_exported_total", "Spans that the collector took.",
           NULL);
CH_COUNTER(dropped_total, "cartwheel_spans_dropped_total", "Spans that were given up.", "reason");

struct ChSpanExporter {
    ChSpanExporterConfig config;
    ChTicker *ticker;
    ChHttpClient *client;
    atomic_bool hurry;
    /* The lane's thread, or who flushes after it. */
    int64_t deadline_us; /* of flushing; 0: the lane runs */
    GString *request;    /* under way; NULL: none */
    size_t spans_n;      /* in it */
    bool more;           /* a whole batch was taken: another one may wait */
    int tries;
    bool away; /* the last try failed */
    bool told; /* and the log says so */
    int64_t told_us;
};

/* ---- the batch ---- */

static void count_dropped(const char *reason, int64_t n)
{
    ch_metric_add(ch_metric(&dropped_total, reason), n);
}

/* False: nothing waits. */
static bool fill(ChSpanExporter *exporter)
{
    ChSpan *spans[CH_SPAN_BATCH];
    count_dropped("queue_full", ch_spans_take_dropped());
    size_t n = ch_spans_take(spans, CH_SPAN_BATCH);
    if (n == 0)
        return false;
    exporter->request = ch_otlp_request(exporter->config.resource, spans, n);
    exporter->spans_n = n;
    exporter->more = n == CH_SPAN_BATCH;
    exporter->tries = 0;
    for (size_t i = 0; i < n; i++)
        ch_span_drop(spans[i]);
    return true;
}

static void forget(ChSpanExporter *exporter)
{
    g_string_free(exporter->request, TRUE);
    exporter->request = NULL;
}

/* ---- what is said about the collector ---- */

static void tell_away(ChSpanExporter *exporter, const char *why)
{
    int64_t now_us = ch_time_monotonic_us();
    bool due = exporter->told_us == 0 || now_us - exporter->told_us >= LOG_PAUSE_US;
    if (!exporter->away && due) {
        ch_log_warning("the collector takes no spans: what does not fit is dropped",
                       CH_STR("error", why));
        exporter->told = true;
        exporter->told_us = now_us;
    }
    exporter->away = true;
}

static void tell_back(ChSpanExporter *exporter)
{
    if (exporter->told)
        ch_log_info("the collector takes spans again");
    exporter->away = false;
    exporter->told = false;
}

/* ---- one try ---- */

/* The specification's list, and whatever kept an answer from coming. */
static bool may_retry(const ChHttpCall *call)
{
    static const unsigned statuses[] = { 0, 429, 502, 503, 504 };
    for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
        if (call->status == statuses[i])
            return true;
    }
    return false;
}

static void count_taken(const ChSpanExporter *exporter, const ChHttpCall *call)
{
    int64_t n = (int64_t)exporter->spans_n;
    int64_t rejected = MIN(ch_otlp_rejected(call->answer->str, call->answer->len), n);
    ch_metric_add(ch_metric(&exported_total, NULL), n - rejected);
    count_dropped("rejected", rejected);
}

/* How long to wait before the next try. */
static int64_t wait_ms(const ChSpanExporter *exporter, const ChHttpCall *call)
{
    return MAX(ch_time_jitter_ms(FIRST_WAIT_MS << (exporter->tries - 1)), call->retry_after_ms);
}

/* 0: the batch is gone, one way or another; else how long it waits for its next try. */
static int64_t judge(ChSpanExporter *exporter, const ChHttpCall *call)
{
    if (call->outcome == CH_HTTP_OK) {
        count_taken(exporter, call);
        tell_back(exporter);
        return 0;
    }
    tell_away(exporter, call->fault);
    bool again = may_retry(call);
    if (again && exporter->tries < MAX_TRIES)
        return wait_ms(exporter, call);
    count_dropped(again ? "unavailable" : "refused", (int64_t)exporter->spans_n);
    return 0;
}

static int64_t try_once(ChSpanExporter *exporter)
{
    ChHttpCall call = {
        .method = "POST",
        .url = exporter->config.url,
        .headers = exporter->config.headers,
        .body = exporter->request->str,
        .body_bytes = exporter->request->len,
    };
    exporter->tries++;
    ch_http_client_fetch(exporter->client, &call, 1);
    int64_t later_ms = judge(exporter, &call);
    ch_http_call_clear(&call);
    if (later_ms == 0)
        forget(exporter);
    return later_ms;
}

/* ---- the lane ---- */

static bool run(void *context, void *const *items G_GNUC_UNUSED, size_t n G_GNUC_UNUSED,
                GError **error G_GNUC_UNUSED)
{
    ChSpanExporter *exporter = context;
    if (exporter->request == NULL && !fill(exporter))
        return true;
    int64_t later_ms = try_once(exporter);
    if (later_ms > 0)
        ch_ticker_next(exporter->ticker, later_ms * 1000, later_ms * 1000);
    else if (exporter->more)
        ch_ticker_again(exporter->ticker);
    return true;
}

/* Ends a try whose time is over. */
static bool cancelled(void *context)
{
    const ChSpanExporter *exporter = context;
    if (exporter->deadline_us != 0)
        return ch_time_monotonic_us() >= exporter->deadline_us;
    return atomic_load(&exporter->hurry);
}

ChLaneConfig ch_span_exporter_lane(ChSpanExporter *exporter)
{
    return (ChLaneConfig){
        .name = "spans",
        .max_batch = 1,
        .source = ch_ticker_source(exporter->ticker),
        .work = ch_no_work(),
        .handler = run,
        .context = exporter,
    };
}

void ch_span_exporter_hurry(ChSpanExporter *exporter)
{
    atomic_store(&exporter->hurry, true);
}

void ch_span_exporter_flush(ChSpanExporter *exporter, int64_t deadline_us)
{
    exporter->deadline_us = deadline_us;
    while (ch_time_monotonic_us() < deadline_us && (exporter->request != NULL || fill(exporter))) {
        if (try_once(exporter) > 0)
            return;
    }
}

/* ---- life ---- */

static void ring_ticker(void *ticker)
{
    ch_ticker_ring(ticker);
}

ChSpanExporter *ch_span_exporter_new(const ChSpanExporterConfig *config)
{
    ChSpanExporter *exporter = g_new0(ChSpanExporter, 1);
    const ChHttpClientConfig client = {
        .name = "spans",
        .timeout_ms = config->timeout_ms,
        .total_budget_ms = config->timeout_ms,
        .max_answer_bytes = MAX_ANSWER_BYTES,
        .many_servers = true, /* no breaker: it asks once a batch, and waits by itself */
        .cancelled = cancelled,
        .context = exporter,
    };
    static const char *const reasons[] = { "queue_full", "unavailable", "refused", "rejected" };
    exporter->config = *config;
    exporter->client = ch_http_client_new(&client);
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
        count_dropped(reasons[i], 0);
    exporter->ticker = ch_ticker_new(PERIOD_MS);
    ch_spans_start(ring_ticker, exporter->ticker);
    return exporter;
}

void ch_span_exporter_free(ChSpanExporter *exporter)
{
    if (exporter == NULL)
        return;
    ch_spans_stop();
    if (exporter->request != NULL)
        forget(exporter);
    ch_http_client_free(exporter->client);
    ch_ticker_free(exporter->ticker);
    g_free(exporter);
}
