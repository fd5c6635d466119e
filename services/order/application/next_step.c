/* The table of what is to come stands beside the states of order_status_may_become(). */
#include "order/application/next_step.h"

/* Far above what both take on a system that is well: a few milliseconds to publish, some tens to be
 * answered under full load (docs/performance.md). The watch comes later, after ORDER_STUCK_AFTER.
 */
static const int64_t PUBLISHED_WITHIN_US = 5 * G_USEC_PER_SEC;
static const int64_t ANSWERED_WITHIN_US = 10 * G_USEC_PER_SEC;

typedef struct {
    const char *what;
    const char *of;
    const int64_t *within_us; /* NULL: it does not come by itself */
} Expectation;

static const char published_again[] = "the parked event is published or removed";
static const char acted_upon[] = "the dead letter is replayed or discarded";

/* An order that is final and announced waits for nothing: a dead letter about it can change nothing
 * of it (order/application/settle.h). */
static const Expectation expectations[][ORDER_HELD_N] = {
    [ORDER_CREATED] = {
        [ORDER_HELD_NOWHERE] = { "OrderStockProcessCompletedDomainEvent or"
                                 " OrderStockProcessFailedDomainEvent",
                                 "stock-worker", &ANSWERED_WITHIN_US },
        [ORDER_HELD_IN_OUTBOX] = { "OrderCreatedEvent is published", "order-worker",
                                   &PUBLISHED_WITHIN_US },
        [ORDER_HELD_PARKED] = { published_again, "operator", NULL },
        [ORDER_HELD_DEAD_LETTER] = { acted_upon, "operator", NULL },
    },
    [ORDER_CONFIRMED] = {
        [ORDER_HELD_IN_OUTBOX] = { "OrderConfirmedEvent is published", "order-worker",
                                   &PUBLISHED_WITHIN_US },
        [ORDER_HELD_PARKED] = { published_again, "operator", NULL },
    },
    [ORDER_CANCELLED] = {
        [ORDER_HELD_IN_OUTBOX] = { "OrderCancelledEvent is published", "order-worker",
                                   &PUBLISHED_WITHIN_US },
        [ORDER_HELD_PARKED] = { published_again, "operator", NULL },
    },
};

static const char *const step_names[] = {
    [ORDER_STEP_PLACED] = "Placed",
    [ORDER_STEP_CONFIRMED] = "Confirmed",
    [ORDER_STEP_CANCELLED] = "Cancelled",
    [ORDER_STEP_ANNOUNCED_AGAIN] = "AnnouncedAgain",
};
G_STATIC_ASSERT(G_N_ELEMENTS(step_names) == ORDER_STEPS_END);

static const char *const event_names[] = {
    [ORDER_CREATED] = "OrderCreatedEvent",
    [ORDER_CONFIRMED] = "OrderConfirmedEvent",
    [ORDER_CANCELLED] = "OrderCancelledEvent",
};

static const char *const progress_names[] = {
    [ORDER_PROGRESS_DONE] = "Done",
    [ORDER_PROGRESS_WAITING] = "Waiting",
    [ORDER_PROGRESS_LATE] = "Late",
    [ORDER_PROGRESS_STUCK] = "Stuck",
};

const char *order_step_name(OrderStepKind kind)
{
    g_assert(kind >= ORDER_STEP_PLACED && kind < ORDER_STEPS_END);
    return step_names[kind];
}

const char *order_event_name(OrderStatus status)
{
    return event_names[status];
}

const char *order_progress_name(OrderProgressState state)
{
    return progress_names[state];
}

static void clear_step(void *opaque)
{
    OrderStep *step = opaque;
    g_free(step->cause);
    g_free(step->trace_id);
    g_free(step->actor);
}

OrderTimeline *order_timeline_new(ChUuid id, OrderStatus status)
{
    OrderTimeline *timeline = g_new0(OrderTimeline, 1);
    timeline->id = id;
    timeline->status = status;
    timeline->steps = g_array_new(FALSE, FALSE, sizeof(OrderStep));
    g_array_set_clear_func(timeline->steps, clear_step);
    return timeline;
}

void order_timeline_free(OrderTimeline *timeline)
{
    if (timeline == NULL)
        return;
    g_array_unref(timeline->steps);
    g_free(timeline);
}

int64_t order_timeline_newest_us(const OrderTimeline *timeline)
{
    int64_t newest_us = 0;
    for (guint i = 0; i < timeline->steps->len; i++)
        newest_us = MAX(newest_us, g_array_index(timeline->steps, OrderStep, i).at_us);
    return newest_us;
}

OrderNextStep order_next_step(OrderStatus status, OrderHeld held, bool is_watched, int64_t since_us,
                              int64_t now_us)
{
    const Expectation *expected = &expectations[status][held];
    if (expected->what == NULL)
        return (OrderNextStep){ .state = ORDER_PROGRESS_DONE };
    OrderNextStep next = { ORDER_PROGRESS_STUCK, expected->what, expected->of, since_us, 0 };
    if (expected->within_us == NULL)
        return next;
    next.by_us = since_us + *expected->within_us;
    if (status != ORDER_CREATED || !is_watched)
        next.state = now_us <= next.by_us ? ORDER_PROGRESS_WAITING : ORDER_PROGRESS_LATE;
    return next;
}
