/* The bounds of the watch, with a store in memory whose clock the test sets. */
#include "order/application/watch.h"

#include "chassis/core/log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    MANY = 3 * ORDER_WATCH_WINDOW
};

static const int64_t SECOND_US = G_USEC_PER_SEC;
static const int64_t STUCK_AFTER_US = 300 * G_USEC_PER_SEC;

typedef struct {
    bool open, watched;
    int64_t announced_us;
    int64_t repeats;
} FakeOrder;

typedef struct {
    OrderWatchStore base; /* first: the cast back is valid */
    int64_t now_us, probed_us;
    GArray *orders;      /* FakeOrder; the number is the id */
    guint passed;        /* orders looked at */
    bool taken;          /* by another worker */
    const char *failing; /* the slot that fails; NULL: none */
    guint announced;     /* in the last run */
} FakeWatch;

static ChUuid id_of(guint number)
{
    ChUuid id = { { 0 } };
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static guint number_of(ChUuid id)
{
    guint number;
    memcpy(&number, id.bytes, sizeof number);
    return number;
}

static FakeOrder *order_at(FakeWatch *fake, guint i)
{
    return &g_array_index(fake->orders, FakeOrder, i);
}

static bool called(const FakeWatch *fake, const char *slot, GError **error)
{
    if (g_strcmp0(fake->failing, slot) != 0)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "%s went wrong", slot);
    return false;
}

static bool begin(OrderWatchStore *self, int64_t stuck_after_us, OrderWatchState *state,
                  GError **error)
{
    FakeWatch *fake = (FakeWatch *)self;
    *state = (OrderWatchState){ .now_us = fake->now_us, .mine = !fake->taken };
    state->probe_due = state->mine && fake->probed_us <= fake->now_us - stuck_after_us;
    for (guint i = 0; i < fake->orders->len; i++) {
        const FakeOrder *order = order_at(fake, i);
        state->watched += order->watched;
        state->unanswered += order->watched && order->repeats > 0 &&
                             order->announced_us > fake->now_us - stuck_after_us;
    }
    return called(fake, "begin", error);
}

static bool forget_final(OrderWatchStore *self, GArray **gone, GError **error)
{
    FakeWatch *fake = (FakeWatch *)self;
    if (!called(fake, "forget_final", error))
        return false;
    *gone = g_array_new(FALSE, FALSE, sizeof(OrderStuck));
    for (guint i = 0; i < fake->orders->len; i++) {
        FakeOrder *order = order_at(fake, i);
        if (!order->watched || order->open)
            continue;
        OrderStuck stuck = { id_of(i), order->repeats };
        g_array_append_val(*gone, stuck);
        order->watched = false;
    }
    return true;
}

static bool look(OrderWatchStore *self, int64_t stuck_after_us, int64_t max_looked,
                 int64_t max_found, int64_t *looked, int64_t *found, GError **error)
{
    FakeWatch *fake = (FakeWatch *)self;
    g_assert_cmpint(max_found, >, 0);
    *looked = *found = 0;
    while (fake->passed < fake->orders->len && *looked < max_looked) {
        FakeOrder *order = order_at(fake, fake->passed);
        if (order->announced_us >= fake->now_us - stuck_after_us ||
            (order->open && *found == max_found))
            break;
        order->watched = order->open;
        *found += order->open;
        fake->passed++;
        (*looked)++;
    }
    return called(fake, "look", error);
}

static int compare_due(const void *a, const void *b)
{
    const OrderStuck *left = a;
    const OrderStuck *right = b;
    return left->repeats != right->repeats
               ? (left->repeats > right->repeats) - (left->repeats < right->repeats)
               : (number_of(left->order_id) > number_of(right->order_id)) -
                     (number_of(left->order_id) < number_of(right->order_id));
}

static bool due(OrderWatchStore *self, int64_t stuck_after_us, int64_t before_us, int64_t max,
                GArray **stuck, GError **error)
{
    FakeWatch *fake = (FakeWatch *)self;
    if (!called(fake, "due", error))
        return false;
    *stuck = g_array_new(FALSE, FALSE, sizeof(OrderStuck));
    for (guint i = 0; i < fake->orders->len; i++) {
        const FakeOrder *order = order_at(fake, i);
        OrderStuck one = { id_of(i), order->repeats };
        if (order->watched && order->announced_us <= before_us &&
            order->announced_us <= fake->now_us - stuck_after_us)
            g_array_append_val(*stuck, one);
    }
    g_array_sort(*stuck, compare_due);
    g_array_set_size(*stuck, (guint)MIN((int64_t)(*stuck)->len, max));
    return true;
}

static bool announce_again(OrderWatchStore *self, const OrderStuck *stuck, const ChTrace *traces,
                           size_t n, bool probe, GError **error)
{
    FakeWatch *fake = (FakeWatch *)self;
    g_assert_cmpuint(n, >, 0);
    g_assert_true(!probe || n == 1);
    for (size_t i = 0; i < n; i++) {
        FakeOrder *order = order_at(fake, number_of(stuck[i].order_id));
        g_assert_cmpint(traces[i].trace_id[0] | traces[i].trace_id[1] | traces[i].trace_id[2] |
                            traces[i].trace_id[3],
                        !=, 0);
        g_assert_cmpint(fake->now_us - order->announced_us, >=, STUCK_AFTER_US);
        order->announced_us = fake->now_us;
        order->repeats++;
    }
    if (probe)
        fake->probed_us = fake->now_us;
    fake->announced += (guint)n;
    return called(fake, "announce_again", error);
}

static void free_store(OrderWatchStore *self)
{
    (void)self;
}

/* Asked by the watchdog, not by the watch. */
static bool overdue(OrderWatchStore *self G_GNUC_UNUSED, int64_t deadline_us G_GNUC_UNUSED,
                    int64_t max G_GNUC_UNUSED, GArray **ids G_GNUC_UNUSED,
                    GError **error G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static const OrderWatchStoreOps ops = {
    .begin = begin,
    .forget_final = forget_final,
    .look = look,
    .due = due,
    .announce_again = announce_again,
    .overdue = overdue,
    .free = free_store,
};

static void set_up(FakeWatch *fake, gconstpointer unused G_GNUC_UNUSED)
{
    fake->base.ops = &ops;
    fake->now_us = 1000 * STUCK_AFTER_US;
    fake->orders = g_array_new(FALSE, FALSE, sizeof(FakeOrder));
}

static void tear_down(FakeWatch *fake, gconstpointer unused G_GNUC_UNUSED)
{
    g_array_unref(fake->orders);
}

/* @n orders that were placed @age_us ago. */
static void place(FakeWatch *fake, guint n, int64_t age_us)
{
    FakeOrder order = { .open = true, .announced_us = fake->now_us - age_us };
    for (guint i = 0; i < n; i++)
        g_array_append_val(fake->orders, order);
}

static OrderWatchReport must_watch(FakeWatch *fake, int64_t progress_us)
{
    OrderWatchReport report = { .watched = -1 };
    g_autoptr(GError) error = NULL;
    fake->announced = 0;
    bool ok = order_watch(&fake->base, STUCK_AFTER_US, progress_us, &report, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    g_assert_cmpint(report.announced, ==, fake->announced);
    return report;
}

static void test_leaves_young_and_final_orders_alone(FakeWatch *fake,
                                                     gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, 2, 2 * STUCK_AFTER_US);
    order_at(fake, 0)->open = order_at(fake, 1)->open = false;
    place(fake, 3, STUCK_AFTER_US - SECOND_US);
    OrderWatchReport report = must_watch(fake, fake->now_us);
    g_assert_cmpint(report.watched, ==, 0);
    g_assert_cmpint(report.announced, ==, 0);
    g_assert_cmpuint(fake->passed, ==, 2);
}

static void test_overtaken_orders_are_announced_again(FakeWatch *fake,
                                                      gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, 7, STUCK_AFTER_US + SECOND_US);
    OrderWatchReport report = must_watch(fake, fake->now_us - SECOND_US / 2);
    g_assert_cmpint(report.watched, ==, 7);
    g_assert_cmpint(report.announced, ==, 7);
    for (guint i = 0; i < 7; i++)
        order_at(fake, i)->open = false;
    fake->now_us += SECOND_US;
    report = must_watch(fake, fake->now_us);
    g_assert_cmpint(report.watched, ==, 0);
    g_assert_cmpint(report.announced, ==, 0);
}

static void test_a_backlog_gets_one_try_at_a_time(FakeWatch *fake,
                                                  gconstpointer unused G_GNUC_UNUSED)
{
    int64_t standstill_us = fake->now_us - 3 * STUCK_AFTER_US;
    int64_t announced = 0;
    place(fake, MANY, 2 * STUCK_AFTER_US);
    for (int64_t second = 0; second < 900; second++, fake->now_us += SECOND_US)
        announced += must_watch(fake, standstill_us).announced;
    g_assert_cmpint(announced, ==, 900 * SECOND_US / STUCK_AFTER_US);
}

static void test_an_unknown_progress_is_a_standstill(FakeWatch *fake,
                                                     gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, MANY, 2 * STUCK_AFTER_US);
    g_assert_cmpint(must_watch(fake, 0).announced, ==, 1);
    fake->now_us += SECOND_US;
    g_assert_cmpint(must_watch(fake, 0).announced, ==, 0);
}

static void test_the_answer_to_the_try_frees_the_others(FakeWatch *fake,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, 500, 2 * STUCK_AFTER_US);
    g_assert_cmpint(must_watch(fake, 0).announced, ==, 1);
    int64_t answered_us = fake->now_us;
    order_at(fake, 0)->open = false;
    fake->now_us += SECOND_US;
    g_assert_cmpint(must_watch(fake, answered_us).announced, ==, 499);
}

static void test_no_more_than_the_window_is_unanswered(FakeWatch *fake,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, MANY, 2 * STUCK_AFTER_US);
    int64_t progress_us = fake->now_us;
    int64_t announced = 0;
    for (int second = 0; second < 100; second++, fake->now_us += SECOND_US)
        announced += must_watch(fake, progress_us).announced;
    g_assert_cmpint(announced, ==, ORDER_WATCH_WINDOW + 1); /* one on trial */
    for (guint i = 0; i < 400; i++)
        order_at(fake, i)->open = false;
    fake->now_us += SECOND_US;
    must_watch(fake, progress_us);
    g_assert_cmpint(must_watch(fake, progress_us).announced, ==, 399);
}

static void test_no_more_than_the_bound_is_watched(FakeWatch *fake,
                                                   gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, ORDER_WATCH_MAX + 500, 2 * STUCK_AFTER_US);
    for (int second = 0; second < 50; second++, fake->now_us += SECOND_US)
        g_assert_cmpint(must_watch(fake, 0).watched, <=, ORDER_WATCH_MAX);
    g_assert_cmpuint(fake->passed, ==, ORDER_WATCH_MAX);
    for (guint i = 0; i < 100; i++)
        order_at(fake, i)->open = false;
    g_assert_cmpint(must_watch(fake, 0).watched, ==, ORDER_WATCH_MAX); /* the next ones moved up */
    g_assert_cmpuint(fake->passed, ==, ORDER_WATCH_MAX + 100);
}

static void test_another_worker_is_looking(FakeWatch *fake, gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, 5, 2 * STUCK_AFTER_US);
    must_watch(fake, fake->now_us);
    fake->taken = true;
    fake->now_us += 2 * STUCK_AFTER_US;
    OrderWatchReport report = must_watch(fake, fake->now_us);
    g_assert_cmpint(report.watched, ==, 5); /* known all the same */
    g_assert_cmpint(report.announced, ==, 0);
}

static void test_a_wrong_clock_overtakes_nothing_young(FakeWatch *fake,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, 5, STUCK_AFTER_US / 2);
    OrderWatchReport report = must_watch(fake, fake->now_us + 9 * STUCK_AFTER_US);
    g_assert_cmpint(report.watched, ==, 0);
    g_assert_cmpint(report.announced, ==, 0);
}

static void test_more_is_told_while_it_catches_up(FakeWatch *fake,
                                                  gconstpointer unused G_GNUC_UNUSED)
{
    place(fake, ORDER_WATCH_LOOK + 1, 2 * STUCK_AFTER_US);
    for (guint i = 0; i < fake->orders->len; i++)
        order_at(fake, i)->open = false;
    g_assert_true(must_watch(fake, 0).more);
    g_assert_false(must_watch(fake, 0).more);
}

static void test_failures_of_the_store_pass_through(FakeWatch *fake,
                                                    gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const slots[] = { "begin", "look", "due", "announce_again", "forget_final" };
    place(fake, 3, 2 * STUCK_AFTER_US);
    for (size_t i = 0; i < G_N_ELEMENTS(slots); i++) {
        OrderWatchReport report = { .watched = -1 };
        g_autoptr(GError) error = NULL;
        fake->failing = slots[i];
        g_assert_false(order_watch(&fake->base, STUCK_AFTER_US, fake->now_us, &report, &error));
        g_assert_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
        g_assert_cmpint(report.watched, ==, -1); /* written on success alone */
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
#define ADD(name, test) g_test_add("/order/watch/" name, FakeWatch, NULL, set_up, test, tear_down)
    ADD("leaves-young-and-final-orders-alone", test_leaves_young_and_final_orders_alone);
    ADD("overtaken-orders-are-announced-again", test_overtaken_orders_are_announced_again);
    ADD("a-backlog-gets-one-try-at-a-time", test_a_backlog_gets_one_try_at_a_time);
    ADD("an-unknown-progress-is-a-standstill", test_an_unknown_progress_is_a_standstill);
    ADD("the-answer-to-the-try-frees-the-others", test_the_answer_to_the_try_frees_the_others);
    ADD("no-more-than-the-window-is-unanswered", test_no_more_than_the_window_is_unanswered);
    ADD("no-more-than-the-bound-is-watched", test_no_more_than_the_bound_is_watched);
    ADD("another-worker-is-looking", test_another_worker_is_looking);
    ADD("a-wrong-clock-overtakes-nothing-young", test_a_wrong_clock_overtakes_nothing_young);
    ADD("more-is-told-while-it-catches-up", test_more_is_told_while_it_catches_up);
    ADD("failures-of-the-store-pass-through", test_failures_of_the_store_pass_through);
#undef ADD
    int status = g_test_run();
    close(nowhere);
    return status;
}
