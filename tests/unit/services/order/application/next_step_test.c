/* What is to come for an order. */
#include "order/application/next_step.h"

#include <string.h>

static const int64_t SINCE_US = INT64_C(1000) * G_USEC_PER_SEC;

static OrderNextStep at(OrderStatus status, OrderHeld held, bool is_watched, int64_t seconds)
{
    return order_next_step(status, held, is_watched, SINCE_US, SINCE_US + seconds * G_USEC_PER_SEC);
}

/* Every state and every place has its row: what, of whom, within how many seconds. */
static void test_table(void)
{
    static const struct {
        OrderStatus status;
        OrderHeld held;
        const char *what, *of;
        int64_t within_s; /* 0: not by itself */
    } rows[] = {
        { ORDER_CREATED, ORDER_HELD_NOWHERE,
          "OrderStockProcessCompletedDomainEvent or OrderStockProcessFailedDomainEvent",
          "stock-worker", 10 },
        { ORDER_CREATED, ORDER_HELD_IN_OUTBOX, "OrderCreatedEvent is published", "order-worker",
          5 },
        { ORDER_CREATED, ORDER_HELD_PARKED, "the parked event is published or removed", "operator",
          0 },
        { ORDER_CREATED, ORDER_HELD_DEAD_LETTER, "the dead letter is replayed or discarded",
          "operator", 0 },
        { ORDER_CONFIRMED, ORDER_HELD_NOWHERE, NULL, NULL, 0 },
        { ORDER_CONFIRMED, ORDER_HELD_IN_OUTBOX, "OrderConfirmedEvent is published", "order-worker",
          5 },
        { ORDER_CONFIRMED, ORDER_HELD_PARKED, "the parked event is published or removed",
          "operator", 0 },
        { ORDER_CONFIRMED, ORDER_HELD_DEAD_LETTER, NULL, NULL, 0 },
        { ORDER_CANCELLED, ORDER_HELD_NOWHERE, NULL, NULL, 0 },
        { ORDER_CANCELLED, ORDER_HELD_IN_OUTBOX, "OrderCancelledEvent is published", "order-worker",
          5 },
        { ORDER_CANCELLED, ORDER_HELD_PARKED, "the parked event is published or removed",
          "operator", 0 },
        { ORDER_CANCELLED, ORDER_HELD_DEAD_LETTER, NULL, NULL, 0 },
    };
    g_assert_cmpuint(G_N_ELEMENTS(rows), ==, ORDER_CANCELLED * ORDER_HELD_N);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        OrderNextStep next = at(rows[i].status, rows[i].held, false, 0);
        g_assert_cmpstr(next.what, ==, rows[i].what);
        g_assert_cmpstr(next.of, ==, rows[i].of);
        if (next.what == NULL) {
            g_assert_cmpint(next.state, ==, ORDER_PROGRESS_DONE);
            continue;
        }
        g_assert_cmpint(next.since_us, ==, SINCE_US);
        int64_t by_us = rows[i].within_s == 0 ? 0 : SINCE_US + rows[i].within_s * G_USEC_PER_SEC;
        g_assert_cmpint(next.by_us, ==, by_us);
        g_assert_cmpint(next.state, ==, by_us == 0 ? ORDER_PROGRESS_STUCK : ORDER_PROGRESS_WAITING);
    }
}

static void test_late(void)
{
    g_assert_cmpint(at(ORDER_CREATED, ORDER_HELD_NOWHERE, false, 10).state, ==,
                    ORDER_PROGRESS_WAITING);
    g_assert_cmpint(at(ORDER_CREATED, ORDER_HELD_NOWHERE, false, 11).state, ==,
                    ORDER_PROGRESS_LATE);
    g_assert_cmpint(at(ORDER_CONFIRMED, ORDER_HELD_IN_OUTBOX, false, 6).state, ==,
                    ORDER_PROGRESS_LATE);
}

/* The watch forgets an order a moment after it became final. */
static void test_watched(void)
{
    g_assert_cmpint(at(ORDER_CREATED, ORDER_HELD_NOWHERE, true, 0).state, ==, ORDER_PROGRESS_STUCK);
    g_assert_cmpint(at(ORDER_CREATED, ORDER_HELD_IN_OUTBOX, true, 9).state, ==,
                    ORDER_PROGRESS_STUCK);
    g_assert_cmpint(at(ORDER_CONFIRMED, ORDER_HELD_IN_OUTBOX, true, 0).state, ==,
                    ORDER_PROGRESS_WAITING);
    g_assert_cmpint(at(ORDER_CONFIRMED, ORDER_HELD_NOWHERE, true, 0).state, ==,
                    ORDER_PROGRESS_DONE);
}

static void test_newest_step(void)
{
    OrderTimeline *timeline = order_timeline_new((ChUuid){ { 1 } }, ORDER_CREATED);
    g_assert_cmpint(order_timeline_newest_us(timeline), ==, 0);
    for (int64_t at_us = 1; at_us <= 3; at_us++) {
        OrderStep step = { .kind = ORDER_STEP_PLACED, .at_us = at_us % 3 * 10 };
        g_array_append_val(timeline->steps, step);
    }
    g_assert_cmpint(order_timeline_newest_us(timeline), ==, 20);
    order_timeline_free(timeline);
}

static void test_names(void)
{
    g_assert_cmpstr(order_step_name(ORDER_STEP_PLACED), ==, "Placed");
    g_assert_cmpstr(order_step_name(ORDER_STEP_ANNOUNCED_AGAIN), ==, "AnnouncedAgain");
    g_assert_cmpstr(order_event_name(ORDER_CANCELLED), ==, "OrderCancelledEvent");
    g_assert_cmpstr(order_progress_name(ORDER_PROGRESS_STUCK), ==, "Stuck");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/order/next_step/each-state-and-place-has-its-row", test_table);
    g_test_add_func("/order/next_step/what-is-over-its-time-is-late", test_late);
    g_test_add_func("/order/next_step/what-the-watch-knows-is-stuck", test_watched);
    g_test_add_func("/order/next_step/waits-since-the-newest-step", test_newest_step);
    g_test_add_func("/order/next_step/names", test_names);
    return g_test_run();
}
