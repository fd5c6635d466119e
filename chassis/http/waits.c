/* A ring of requests that are looked at in rounds. */
#include "chassis/http/waits.h"

#include "chassis/core/cast.h"
#include "chassis/core/time.h"
#include "chassis/core/wait.h"
#include "chassis/http/lane.h"
#include "chassis/http/request_life.h"
#include "chassis/telemetry/metrics.h"

enum {
    PERIOD_US = 50 * 1000, /* how late a client hears of it */
    ROUND_PARTS = 10,      /* one part of the time is for looking, at most */
};

/* The keeper that lanes know. */
typedef struct {
    ChHttpKeeper base;
    ChHttpWaits *waits;
} Door;

struct ChHttpWaits {
    ChSource base;
    Door door;
    ChHttpHandler handler;
    void *context;
    int64_t began_us; /* the present round; lane's thread only */

    ChWait come; /* guards all below; the first request, the end, or a wake */
    ChHttpRequest **ring;
    size_t room;
    size_t first;
    size_t n;
    size_t open;      /* those in the ring, and those in the lane's hands */
    size_t left;      /* of those in the ring: to be looked at in the present round */
    int64_t round_us; /* when the next one begins */
    bool ending;
    bool woken;
};

CH_GAUGE(open_gauge, "cartwheel_http_waits_open",
         "Requests that wait for what they ask for to happen.", NULL);
CH_COUNTER(refused_total, "cartwheel_http_waits_refused_total",
           "Requests answered 503 because too many waited already.", NULL);

static const ChSourceOps source_ops;
static const ChHttpKeeperOps door_ops;

static ChHttpWaits *waits_of(ChSource *source)
{
    return CH_CAST(ChHttpWaits, source, &source_ops);
}

/* ---- coming ---- */

static void push_locked(ChHttpWaits *waits, ChHttpRequest *request)
{
    waits->ring[(waits->first + waits->n) % waits->room] = request;
    waits->n++;
    if (waits->n == 1)
        ch_wait_wake_one_locked(&waits->come);
}

static bool keep(ChHttpKeeper *keeper, ChHttpRequest *request)
{
    ChHttpWaits *waits = CH_CAST(Door, keeper, &door_ops)->waits;
    ch_wait_lock(&waits->come);
    bool fits = waits->open < waits->room;
    if (fits) {
        /* The server gives it as long for its answer then as it gives any other. */
        int64_t usual_us = atomic_load(&request->deadline_us) - request->started_us;
        atomic_store(&request->deadline_us, request->keep_until_us + usual_us);
        atomic_store(&request->kept, true);
        waits->open++;
        push_locked(waits, request);
    }
    size_t open = waits->open;
    ch_wait_unlock(&waits->come);
    ch_metric_set(ch_metric(&open_gauge, NULL), (double)open);
    if (!fits)
        ch_metric_add(ch_metric(&refused_total, NULL), 1);
    return fits;
}

static const ChHttpKeeperOps door_ops = { .keep = keep };

void ch_http_waits_for(ChHttpWaits *waits, ChHttpRequest *request, int64_t until_us)
{
    request->keeper = &waits->door.base;
    request->keep_until_us = until_us;
}

/* ---- rounds ---- */

static bool is_due_locked(const ChHttpWaits *waits)
{
    return waits->n > 0 &&
           (waits->left > 0 || waits->ending || ch_time_monotonic_us() >= waits->round_us);
}

static void wait_locked(ChHttpWaits *waits, int64_t deadline_us)
{
    while (!waits->woken && !is_due_locked(waits)) {
        int64_t until_us = waits->n > 0 ? MIN(deadline_us, waits->round_us) : deadline_us;
        if (!ch_wait_sleep_locked(&waits->come, until_us) && until_us == deadline_us)
            return;
    }
}

static size_t take_locked(ChHttpWaits *waits, void **items, size_t max)
{
    if (waits->left == 0) {
        waits->left = waits->n;
        waits->began_us = ch_time_monotonic_us();
    }
    size_t n = MIN(waits->left, max);
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = waits->ring[waits->first];
        waits->first = (waits->first + 1) % waits->room;
        if (waits->ending)
            request->keep_until_us = 0;
        items[i] = request;
    }
    waits->n -= n;
    waits->left -= n;
    return n;
}

/* Drops those whose client has gone, or whose server has ended. */
static size_t drop_expired(void **items, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        if (atomic_load(&request->state) == CH_HTTP_WAITING)
            items[kept++] = request;
        else
            ch_http_request_unref(request);
    }
    return kept;
}

/* So many are here no longer. */
static void leave(ChHttpWaits *waits, size_t n)
{
    ch_wait_lock(&waits->come);
    waits->open -= n;
    size_t open = waits->open;
    ch_wait_unlock(&waits->come);
    ch_metric_set(ch_metric(&open_gauge, NULL), (double)open);
}

/* After the last batch of a round. */
static void end_round(ChHttpWaits *waits)
{
    ch_wait_lock(&waits->come);
    if (waits->left == 0)
        waits->round_us =
            MAX(ch_time_monotonic_us() + PERIOD_US, ch_time_again_us(waits->began_us, ROUND_PARTS));
    ch_wait_unlock(&waits->come);
}

static bool take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n, GError **error)
{
    (void)error;
    ChHttpWaits *waits = waits_of(source);
    ch_wait_lock(&waits->come);
    wait_locked(waits, ch_time_monotonic_us() + (int64_t)wait_ms * 1000);
    size_t taken = is_due_locked(waits) ? take_locked(waits, items, max) : 0;
    waits->woken = false;
    ch_wait_unlock(&waits->come);
    *n = drop_expired(items, taken);
    leave(waits, taken - *n);
    if (taken > 0 && *n == 0)
        end_round(waits);
    return true;
}

/* ---- going ---- */

/* Those that were answered go, the others wait for the next round. */
static void settle(ChSource *source, void *const *items, size_t n)
{
    ChHttpWaits *waits = waits_of(source);
    g_autofree void **answered = g_new(void *, n);
    size_t answered_n = 0;
    ch_wait_lock(&waits->come);
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        if (request->answer.status == 0)
            push_locked(waits, request);
        else
            answered[answered_n++] = request;
    }
    ch_wait_unlock(&waits->come);
    ch_http_lane_finish(answered, answered_n);
    leave(waits, answered_n);
    end_round(waits);
}

static bool fail(ChSource *source, void *item, const GError *why, GError **error)
{
    (void)source;
    (void)error;
    ch_http_lane_fail(item, why);
    return true;
}

static void abandon(ChSource *source, void *item, const GError *why)
{
    ch_http_lane_fail(item, why);
    ch_http_lane_finish(&item, 1);
    leave(waits_of(source), 1);
}

static void release(ChSource *source, void *const *items, size_t n)
{
    ch_http_lane_turn_away(items, n);
    leave(waits_of(source), n);
}

static bool hold(ChSource *source, void *const *items, size_t n, const GError *why)
{
    (void)why; /* the lane logs it, once an outage */
    release(source, items, n);
    return false;
}

static void wake(ChSource *source)
{
    ChHttpWaits *waits = waits_of(source);
    ch_wait_lock(&waits->come);
    waits->woken = true;
    ch_wait_wake_all_locked(&waits->come);
    ch_wait_unlock(&waits->come);
}

static const ChSourceOps source_ops = {
    .take = take,
    .settle = settle,
    .fail = fail,
    .abandon = abandon,
    .hold = hold,
    .release = release,
    .wake = wake,
};

/* ---- the handler ---- */

bool ch_http_waits_run(void *opaque, void *const *items, size_t n, GError **error)
{
    ChHttpWaits *waits = opaque;
    for (size_t i = 0; i < n; i++)
        ch_http_answer_clear(&((ChHttpRequest *)items[i])->answer); /* of a run that was undone */
    return waits->handler(waits->context, (ChHttpRequest *const *)items, n, error);
}

bool ch_http_waits_is_over(const ChHttpRequest *request)
{
    return request->keep_until_us <= ch_time_monotonic_us();
}

/* ---- life ---- */

ChHttpWaits *ch_http_waits_new(size_t max, ChHttpHandler handler, void *context)
{
    g_assert(max > 0 && handler != NULL);
    ChHttpWaits *waits = g_new0(ChHttpWaits, 1);
    waits->base.ops = &source_ops;
    waits->door = (Door){ { &door_ops }, waits };
    waits->handler = handler;
    waits->context = context;
    waits->ring = g_new0(ChHttpRequest *, max);
    waits->room = max;
    ch_wait_init(&waits->come);
    return waits;
}

void ch_http_waits_free(ChHttpWaits *waits)
{
    if (waits == NULL)
        return;
    for (size_t i = 0; i < waits->n; i++)
        ch_http_request_unref(waits->ring[(waits->first + i) % waits->room]);
    ch_wait_clear(&waits->come);
    g_free(waits->ring);
    g_free(waits);
}

void ch_http_waits_end(ChHttpWaits *waits)
{
    ch_wait_lock(&waits->come);
    waits->ending = true;
    ch_wait_wake_all_locked(&waits->come);
    ch_wait_unlock(&waits->come);
}

ChSource *ch_http_waits_source(ChHttpWaits *waits)
{
    return &waits->base;
}
