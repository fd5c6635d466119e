/* Decoding of digests. */
#include "order/worker/digests.h"

#include "chassis/core/time.h"
#include "chassis/json/json_read.h"
#include "chassis/messaging/outcomes_event.h"
#include "chassis/telemetry/metrics.h"

static const char *const tellers[] = {
    [ORDER_TOLD_BY_STOCK] = "stock",
    [ORDER_TOLD_BY_NOTIFICATION] = "notification",
};
G_STATIC_ASSERT(G_N_ELEMENTS(tellers) == ORDER_TOLD_N);

static const char *const results[] = {
    [ORDER_COMPARED_EQUAL] = "equal",
    [ORDER_COMPARED_DIFFERENT] = "different",
    [ORDER_COMPARED_OPEN] = "open",
    [ORDER_COMPARED_LATE] = "late",
};
G_STATIC_ASSERT(G_N_ELEMENTS(results) == ORDER_COMPARED_N);

enum {
    MAX_SERVICE_CHARS = 40
};

CH_COUNTER(digests_total, "cartwheel_outcomes_digests_total",
           "digests of other services that were compared, by what came of it", "service", "result");
CH_GAUGE(compared_at, "cartwheel_outcomes_compared_timestamp_seconds",
         "when outcomes were last compared with those of that service; 0: it has told nothing since"
         " this process began, and is not compared",
         "service");

static void free_digest(void *digest)
{
    order_digest_free(digest);
}

static const ChCommandType digest_type = { "OrderDigest", free_digest };

static void read_teller(ChJsonValue data, OrderTeller *teller, ChViolations *violations)
{
    const char *name = NULL;
    if (!ch_json_read_text(data, "Service", CH_JSON_REQUIRED, 1, MAX_SERVICE_CHARS, &name,
                           violations))
        return;
    for (int i = 0; i < ORDER_TOLD_N; i++) {
        if (g_str_equal(name, tellers[i])) {
            *teller = (OrderTeller)i;
            return;
        }
    }
    ch_violations_add(violations, "Data.Service", "must be stock or notification");
}

static ChCommand decode(const ChEvent *event, ChViolations *violations)
{
    g_autoptr(OrderDigest) digest = g_new0(OrderDigest, 1);
    ChOutcomesDigest told = { .open = NULL };
    read_teller(event->data, &digest->teller, violations);
    ch_outcomes_event_read(event->data, &told, violations);
    digest->after = told.after;
    digest->up_to = told.up_to;
    digest->taken_us = told.taken_us;
    digest->settled_us = told.settled_us;
    digest->confirmed_through_us = told.confirmed_through_us;
    digest->cancelled_through_us = told.cancelled_through_us;
    digest->has_more_open = told.open->len == CH_OUTCOMES_MOST_OPEN;
    digest->open = g_steal_pointer(&told.open);
    digest->digest = told.digest;
    if (ch_violations_count(violations) > 0)
        return (ChCommand){ NULL, NULL };
    return (ChCommand){ &digest_type, g_steal_pointer(&digest) };
}

static bool compare(OrderDigestsContext *lane, const OrderDigest *digest, GError **error)
{
    const char *teller = tellers[digest->teller];
    OrderCompared compared = ORDER_COMPARED_LATE;
    int64_t now_us = ch_time_now_us();
    if (!order_compare(lane->store, digest, now_us, &compared, error))
        return false;
    ch_metric_add(ch_metric2(&digests_total, teller, results[compared]), 1);
    if (compared != ORDER_COMPARED_LATE)
        ch_metric_set(ch_metric(&compared_at, teller), (double)now_us / G_USEC_PER_SEC);
    return true;
}

static bool handle(void *context, const ChCommand *commands, size_t n, GError **error)
{
    OrderDigestsContext *lane = context;
    g_autofree const OrderDigest **digests = ch_commands_values(commands, n, &digest_type);
    int64_t start_us = ch_time_monotonic_us();
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = compare(lane, digests[i], error);
    ch_auditor_charge(lane->auditor, ch_time_monotonic_us() - start_us);
    return ok;
}

ChSubscriptionConfig order_digests_subscription(const ChQueue *queue, OrderDigestsContext *context)
{
    return (ChSubscriptionConfig){
        .queue = queue,
        .event_type = CH_OUTCOMES_EVENT,
        .decode = decode,
        .handle = handle,
        .context = context,
    };
}

void order_digests_expect(void)
{
    for (int i = 0; i < ORDER_TOLD_N; i++)
        ch_metric_set(ch_metric(&compared_at, tellers[i]), 0);
}
