/* The source, unit of work and handler of the lane tests. */
#include "fake_lane.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <string.h>

typedef struct {
    FakeCall call;
    int first, last; /* numbers of calls, from 1 */
    ChErrorCode code;
} Fault;

/* ---- under the mutex ---- */

static void lock(FakeLane *fake)
{
    pthread_mutex_lock(&fake->mutex);
}

static void unlock(FakeLane *fake)
{
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);
}

static struct timespec after_ms(int64_t ms)
{
    int64_t us = ch_time_monotonic_us() + ms * 1000;
    return (struct timespec){ .tv_sec = (time_t)(us / G_USEC_PER_SEC),
                              .tv_nsec = (us % G_USEC_PER_SEC) * 1000 };
}

/* Waits for a change; false when @until has passed. */
static bool wait_locked(FakeLane *fake, const struct timespec *until)
{
    return pthread_cond_timedwait(&fake->changed, &fake->mutex, until) == 0;
}

static int number(void *item)
{
    return GPOINTER_TO_INT(item);
}

/* "settle(3-5)": items stand side by side. */
static void note_locked(FakeLane *fake, const char *what, void *const *items, size_t n)
{
    g_assert_cmpuint(n, >, 0);
    for (size_t i = 1; i < n; i++)
        g_assert_cmpint(number(items[i]), ==, number(items[0]) + (int)i);
    g_string_append_printf(fake->journal, "%s%s(%d", fake->journal->len > 0 ? " " : "", what,
                           number(items[0]));
    if (n > 1)
        g_string_append_printf(fake->journal, "-%d", number(items[n - 1]));
    g_string_append_c(fake->journal, ')');
}

static void note_word_locked(FakeLane *fake, const char *word)
{
    g_string_append_printf(fake->journal, "%s%s", fake->journal->len > 0 ? " " : "", word);
}

static void set_numbers(GArray *numbers, void *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int item = number(items[i]);
        g_array_append_val(numbers, item);
    }
}

/* Counts the call; false when it is one that fails. */
static bool count_locked(FakeLane *fake, FakeCall call, GError **error)
{
    int nth = ++fake->calls[call];
    for (guint i = 0; i < fake->faults->len; i++) {
        const Fault *fault = &g_array_index(fake->faults, Fault, i);
        if (fault->call != call || nth < fault->first || nth > fault->last)
            continue;
        g_set_error(error, CH_ERROR, (int)fault->code, "call %d of kind %d", nth, (int)call);
        return false;
    }
    return true;
}

/* ---- the unit of work ---- */

static FakeLane *owner_of(ChWork *work)
{
    return ((FakeWork *)work)->owner;
}

static bool work_begin(ChWork *work, GError **error)
{
    FakeLane *fake = owner_of(work);
    lock(fake);
    note_word_locked(fake, "begin");
    g_assert_cmpuint(fake->open->len, ==, 0);
    bool ok = count_locked(fake, FAKE_BEGIN, error);
    unlock(fake);
    return ok;
}

static bool work_commit(ChWork *work, GError **error)
{
    FakeLane *fake = owner_of(work);
    lock(fake);
    note_word_locked(fake, "commit");
    bool ok = count_locked(fake, FAKE_COMMIT, error);
    if (ok) {
        GArray *done = fake->open_is_failure ? fake->failed : fake->handled;
        g_array_append_vals(done, fake->open->data, fake->open->len);
        g_array_set_size(fake->open, 0);
    }
    unlock(fake);
    return ok;
}

static void work_rollback(ChWork *work)
{
    FakeLane *fake = owner_of(work);
    lock(fake);
    note_word_locked(fake, "rollback");
    g_array_set_size(fake->open, 0);
    unlock(fake);
}

static bool work_idle(ChWork *work, GError **error)
{
    FakeLane *fake = owner_of(work);
    lock(fake);
    bool ok = count_locked(fake, FAKE_IDLE, error);
    unlock(fake);
    return ok;
}

static const ChWorkOps work_ops = { work_begin, work_commit, work_rollback, work_idle, NULL };

/* ---- the source ---- */

static bool source_take(ChSource *source, void **items, size_t max, int wait_ms, size_t *n,
                        GError **error)
{
    FakeLane *fake = (FakeLane *)source;
    struct timespec until = after_ms(MIN(wait_ms, 20)); /* so that idle comes soon */
    lock(fake);
    bool ok = count_locked(fake, FAKE_TAKE, error);
    while (ok && fake->waiting.length == 0 && !fake->woken && wait_locked(fake, &until)) {
    }
    fake->woken = false;
    for (*n = 0; ok && *n < max && fake->waiting.length > 0; (*n)++)
        items[*n] = g_queue_pop_head(&fake->waiting);
    unlock(fake);
    return ok;
}

static void source_settle(ChSource *source, void *const *items, size_t n)
{
    FakeLane *fake = (FakeLane *)source;
    lock(fake);
    note_locked(fake, "settle", items, n);
    set_numbers(fake->settled, items, n);
    fake->gone += (int)n;
    unlock(fake);
}

static bool source_fail(ChSource *source, void *item, const GError *why, GError **error)
{
    FakeLane *fake = (FakeLane *)source;
    ch_log_info("failed", CH_INT("item", number(item)));
    lock(fake);
    note_locked(fake, "fail", &item, 1);
    g_string_append_printf(fake->reasons, "%s\n", why->message);
    fake->open_is_failure = true;
    set_numbers(fake->open, &item, 1);
    bool ok = count_locked(fake, FAKE_FAIL, error);
    unlock(fake);
    return ok;
}

static void source_abandon(ChSource *source, void *item, const GError *why)
{
    FakeLane *fake = (FakeLane *)source;
    lock(fake);
    note_locked(fake, "abandon", &item, 1);
    g_string_append_printf(fake->reasons, "%s\n", why->message);
    fake->gone++;
    unlock(fake);
}

static bool source_hold(ChSource *source, void *const *items, size_t n, const GError *why)
{
    FakeLane *fake = (FakeLane *)source;
    g_assert_error(why, CH_ERROR, CH_ERROR_UNAVAILABLE);
    lock(fake);
    bool holds = fake->holds;
    note_locked(fake, holds ? "hold" : "answer", items, n);
    if (!holds)
        fake->gone += (int)n;
    unlock(fake);
    return holds;
}

static void source_release(ChSource *source, void *const *items, size_t n)
{
    FakeLane *fake = (FakeLane *)source;
    lock(fake);
    note_locked(fake, "release", items, n);
    fake->gone += (int)n;
    unlock(fake);
}

static void source_wake(ChSource *source)
{
    FakeLane *fake = (FakeLane *)source;
    lock(fake);
    fake->woken = true;
    fake->wakes++;
    unlock(fake);
}

static void source_close(ChSource *source)
{
    FakeLane *fake = (FakeLane *)source;
    lock(fake);
    note_word_locked(fake, "close");
    unlock(fake);
}

/* However often it is called in a row. */
static void source_rest(ChSource *source)
{
    FakeLane *fake = (FakeLane *)source;
    lock(fake);
    if (!g_str_has_suffix(fake->journal->str, "rest"))
        note_word_locked(fake, "rest");
    unlock(fake);
}

static const ChSourceOps source_ops = {
    .take = source_take,
    .settle = source_settle,
    .fail = source_fail,
    .abandon = source_abandon,
    .hold = source_hold,
    .release = source_release,
    .wake = source_wake,
};

static const ChSourceOps closing_source_ops = {
    .take = source_take,
    .settle = source_settle,
    .fail = source_fail,
    .abandon = source_abandon,
    .hold = source_hold,
    .release = source_release,
    .close = source_close,
    .rest = source_rest,
    .wake = source_wake,
};

/* ---- the handler ---- */

static bool has(void *const *items, size_t n, int item)
{
    return number(items[0]) <= item && item <= number(items[n - 1]);
}

static bool judge_locked(const FakeLane *fake, void *const *items, size_t n, GError **error)
{
    if (has(items, n, fake->guilty)) {
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "item %d is guilty", fake->guilty);
        return false;
    }
    if (has(items, n, fake->missing)) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "item %d is missed", fake->missing);
        return false;
    }
    return true;
}

static bool handle(void *context, void *const *items, size_t n, GError **error)
{
    FakeLane *fake = context;
    ch_log_info("handled", CH_INT("first", number(items[0])), CH_INT("items", n));
    struct timespec until = after_ms(FAKE_PATIENCE_S * 1000);
    lock(fake);
    note_locked(fake, "run", items, n);
    fake->open_is_failure = false;
    set_numbers(fake->open, items, n);
    pthread_cond_broadcast(&fake->changed);
    while (fake->shut)
        g_assert_true(wait_locked(fake, &until));
    fake->saw_stopping = fake->lane != NULL && ch_lane_stopping(fake->lane);
    bool ok = count_locked(fake, FAKE_RUN, error) && judge_locked(fake, items, n, error);
    unlock(fake);
    return ok;
}

/* ---- for the tests ---- */

FakeLane *fake_lane_new(const char *name, size_t max_batch)
{
    FakeLane *fake = g_new0(FakeLane, 1);
    fake->source.ops = &source_ops;
    fake->work = (FakeWork){ { &work_ops }, fake };
    fake->name = name;
    fake->max_batch = max_batch;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&fake->mutex, NULL);
    pthread_cond_init(&fake->changed, &clock);
    pthread_condattr_destroy(&clock);
    fake->faults = g_array_new(FALSE, FALSE, sizeof(Fault));
    fake->journal = g_string_new(NULL);
    fake->reasons = g_string_new(NULL);
    fake->settled = g_array_new(FALSE, FALSE, sizeof(int));
    fake->handled = g_array_new(FALSE, FALSE, sizeof(int));
    fake->failed = g_array_new(FALSE, FALSE, sizeof(int));
    fake->open = g_array_new(FALSE, FALSE, sizeof(int));
    fake->holds = true;
    ChLaneConfig config = fake_lane_config(fake);
    fake->lane = ch_lane_new(&config);
    return fake;
}

void fake_lane_free(FakeLane *fake)
{
    if (fake == NULL)
        return;
    if (fake->lane != NULL) {
        fake_lane_set_shut(fake, false);
        fake_lane_stop(fake);
        ch_lane_free(fake->lane);
    }
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->mutex);
    g_queue_clear(&fake->waiting);
    g_array_unref(fake->faults);
    g_array_unref(fake->settled);
    g_array_unref(fake->handled);
    g_array_unref(fake->failed);
    g_array_unref(fake->open);
    g_string_free(fake->journal, TRUE);
    g_string_free(fake->reasons, TRUE);
    g_free(fake);
}

ChLane *fake_lane(FakeLane *fake)
{
    return fake->lane;
}

ChLaneConfig fake_lane_config(FakeLane *fake)
{
    ch_lane_free(fake->lane);
    fake->lane = NULL;
    return (ChLaneConfig){
        .name = fake->name,
        .max_batch = fake->max_batch,
        .source = &fake->source,
        .work = &fake->work.work,
        .handler = handle,
        .context = fake,
    };
}

void fake_lane_fault(FakeLane *fake, FakeCall call, int nth, int times, ChErrorCode code)
{
    const Fault fault = { call, nth, nth + times - 1, code };
    lock(fake);
    g_array_append_val(fake->faults, fault);
    unlock(fake);
}

void fake_lane_blame(FakeLane *fake, int item)
{
    lock(fake);
    fake->guilty = item;
    unlock(fake);
}

void fake_lane_miss(FakeLane *fake, int item)
{
    lock(fake);
    fake->missing = item;
    unlock(fake);
}

void fake_lane_set_closes(FakeLane *fake)
{
    fake->source.ops = &closing_source_ops;
}

void fake_lane_set_holds(FakeLane *fake, bool holds)
{
    lock(fake);
    fake->holds = holds;
    unlock(fake);
}

void fake_lane_set_shut(FakeLane *fake, bool shut)
{
    lock(fake);
    fake->shut = shut;
    unlock(fake);
}

void fake_lane_put(FakeLane *fake, size_t n)
{
    lock(fake);
    for (size_t i = 0; i < n; i++)
        g_queue_push_tail(&fake->waiting, GINT_TO_POINTER(++fake->put));
    unlock(fake);
}

void fake_lane_start(FakeLane *fake)
{
    g_autoptr(GError) error = NULL;
    bool ok = ch_lane_start(fake->lane, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

void fake_lane_stop(FakeLane *fake)
{
    ch_lane_stop(fake->lane);
    int64_t deadline_us = ch_time_monotonic_us() + FAKE_PATIENCE_S * G_USEC_PER_SEC;
    g_assert_true(ch_lane_join(fake->lane, deadline_us));
}

void fake_lane_run(FakeLane *fake)
{
    fake_lane_start(fake);
    struct timespec until = after_ms(FAKE_PATIENCE_S * 1000);
    lock(fake);
    while (fake->gone < fake->put)
        g_assert_true(wait_locked(fake, &until));
    unlock(fake);
    fake_lane_stop(fake);
}

void fake_lane_await(FakeLane *fake, const char *text)
{
    struct timespec until = after_ms(FAKE_PATIENCE_S * 1000);
    lock(fake);
    while (strstr(fake->journal->str, text) == NULL)
        g_assert_true(wait_locked(fake, &until));
    unlock(fake);
}

void fake_lane_await_calls(FakeLane *fake, FakeCall call, int n)
{
    struct timespec until = after_ms(FAKE_PATIENCE_S * 1000);
    lock(fake);
    while (fake->calls[call] < n)
        g_assert_true(wait_locked(fake, &until));
    unlock(fake);
}

void fake_lane_await_wakes(FakeLane *fake, int n)
{
    struct timespec until = after_ms(FAKE_PATIENCE_S * 1000);
    lock(fake);
    while (fake->wakes < n)
        g_assert_true(wait_locked(fake, &until));
    unlock(fake);
}

char *fake_lane_journal(FakeLane *fake)
{
    lock(fake);
    char *journal = g_strdup(fake->journal->str);
    unlock(fake);
    return journal;
}

int fake_lane_calls(FakeLane *fake, FakeCall call)
{
    lock(fake);
    int n = fake->calls[call];
    unlock(fake);
    return n;
}
