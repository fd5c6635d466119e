/* The clock of the way from the outbox to the stock service's answers. */
#include "order/application/progress.h"

#include "chassis/core/time.h"

#include <glib.h>

/* A version 7 id made at @us. */
static ChUuid id_of(int64_t us)
{
    ChUuid id = { { 0 } };
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)((us / 1000) >> (40 - 8 * i));
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    return id;
}

static void note(OrderProgress *progress, ChUuid id)
{
    const OrderStockResult result = { .answers = id };
    const OrderStockResult *const results[] = { &result };
    order_progress_note(progress, results, 1);
}

static void test_is_unknown_at_first(void)
{
    OrderProgress progress = { .newest_us = 0 };
    g_assert_cmpint(order_progress_us(&progress), ==, 0);
}

static void test_never_goes_back(void)
{
    int64_t now_us = ch_time_now_us() / 1000 * 1000;
    OrderProgress progress = { .newest_us = 0 };
    note(&progress, id_of(now_us - 5000));
    g_assert_cmpint(order_progress_us(&progress), ==, now_us - 5000);
    note(&progress, id_of(now_us - 9000));
    g_assert_cmpint(order_progress_us(&progress), ==, now_us - 5000);
    note(&progress, id_of(now_us));
    g_assert_cmpint(order_progress_us(&progress), ==, now_us);
}

static void test_takes_the_newest_of_a_batch(void)
{
    int64_t now_us = ch_time_now_us() / 1000 * 1000;
    OrderProgress progress = { .newest_us = 0 };
    OrderStockResult results[3] = { { .answers = id_of(now_us - 3000) },
                                    { .answers = id_of(now_us - 1000) },
                                    { .answers = id_of(now_us - 2000) } };
    const OrderStockResult *const batch[] = { &results[0], &results[1], &results[2] };
    order_progress_note(&progress, batch, G_N_ELEMENTS(batch));
    g_assert_cmpint(order_progress_us(&progress), ==, now_us - 1000);
}

static void test_reads_the_ids_that_are_made_here(void)
{
    int64_t before_us = ch_time_now_us() / 1000 * 1000;
    OrderProgress progress = { .newest_us = 0 };
    note(&progress, ch_uuid_new());
    g_assert_cmpint(order_progress_us(&progress), >=, before_us);
    g_assert_cmpint(order_progress_us(&progress), <=, ch_time_now_us() + 1000);
}

static void test_passes_over_ids_without_a_time(void)
{
    OrderProgress progress = { .newest_us = 0 };
    note(&progress, (ChUuid){ { 0 } });
    ChUuid random = id_of(ch_time_now_us());
    random.bytes[6] = 0x40; /* version 4 */
    note(&progress, random);
    g_assert_cmpint(order_progress_us(&progress), ==, 0);
}

/* Answers of a .NET stock service name a random event; ours name the event, whose id tells none. */
static void test_else_the_order_tells_the_time(void)
{
    int64_t now_us = ch_time_now_us() / 1000 * 1000;
    OrderProgress progress = { .newest_us = 0 };
    OrderStockResult result = { .answers = id_of(now_us), .order_id = id_of(now_us - 7000) };
    const OrderStockResult *const results[] = { &result };
    result.answers.bytes[6] = 0x40; /* version 4 */
    order_progress_note(&progress, results, 1);
    g_assert_cmpint(order_progress_us(&progress), ==, now_us - 7000);
    result.answers = id_of(now_us - 1000);
    order_progress_note(&progress, results, 1);
    g_assert_cmpint(order_progress_us(&progress), ==, now_us - 1000);
}

static void test_passes_over_times_to_come(void)
{
    OrderProgress progress = { .newest_us = 0 };
    note(&progress, id_of(ch_time_now_us() + INT64_C(3600) * G_USEC_PER_SEC));
    g_assert_cmpint(order_progress_us(&progress), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/order/progress/is-unknown-at-first", test_is_unknown_at_first);
    g_test_add_func("/order/progress/never-goes-back", test_never_goes_back);
    g_test_add_func("/order/progress/takes-the-newest-of-a-batch",
                    test_takes_the_newest_of_a_batch);
    g_test_add_func("/order/progress/reads-the-ids-that-are-made-here",
                    test_reads_the_ids_that_are_made_here);
    g_test_add_func("/order/progress/else-the-order-tells-the-time",
                    test_else_the_order_tells_the_time);
    g_test_add_func("/order/progress/passes-over-ids-without-a-time",
                    test_passes_over_ids_without_a_time);
    g_test_add_func("/order/progress/passes-over-times-to-come", test_passes_over_times_to_come);
    return g_test_run();
}
