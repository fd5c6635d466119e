/* The story of an order as this service knows it: its steps, and what is to come next, of whom, and
 * until when. */
#pragma once

#include "order/application/orders.h"

#include <glib.h>

/** The first three are the statuses. The numbers are those of the store's rows. */
typedef enum {
    ORDER_STEP_PLACED = ORDER_CREATED,
    ORDER_STEP_CONFIRMED = ORDER_CONFIRMED,
    ORDER_STEP_CANCELLED = ORDER_CANCELLED,
    ORDER_STEP_ANNOUNCED_AGAIN,
    ORDER_STEPS_END, /* one more than the last */
} OrderStepKind;

/** "Placed", "Confirmed", "Cancelled", "AnnouncedAgain". */
const char *order_step_name(OrderStepKind kind);

/** The event by which an order in @status is announced: "OrderCreatedEvent". */
const char *order_event_name(OrderStatus status);

typedef struct {
    OrderStepKind kind;
    int64_t at_us;
    char *cause;    /* owned, as the next two */
    char *trace_id; /* 32 digits; NULL: not known */
    char *actor;    /* who asked for it; NULL: nobody did, or it is not known */
    int64_t times;  /* how often it was announced again, of the watch; else 1 */
} OrderStep;

typedef struct {
    ChUuid id;
    OrderStatus status;
    GArray *steps;   /* of OrderStep, oldest first; owned */
    bool is_watched; /* it was not final within ORDER_STUCK_AFTER, and is not now as far as known */
} OrderTimeline;

OrderTimeline *order_timeline_new(ChUuid id, OrderStatus status);
void order_timeline_free(OrderTimeline *timeline); /* NULL is fine */

/** Where the announcement of an order's status, or the answer to it, is held up. */
typedef enum {
    ORDER_HELD_NOWHERE,
    ORDER_HELD_IN_OUTBOX,   /* the event is not published yet */
    ORDER_HELD_PARKED,      /* it could not be published */
    ORDER_HELD_DEAD_LETTER, /* what came about the order was given up */
    ORDER_HELD_N,
} OrderHeld;

typedef enum {
    ORDER_PROGRESS_DONE,    /* nothing is to come */
    ORDER_PROGRESS_WAITING, /* it comes by itself */
    ORDER_PROGRESS_LATE,    /* it should have come, and still may */
    ORDER_PROGRESS_STUCK,   /* somebody has to look, or the watch is at it */
} OrderProgressState;

/** "Done", "Waiting", "Late", "Stuck". */
const char *order_progress_name(OrderProgressState state);

/** What is to come. Texts are constant. */
typedef struct {
    OrderProgressState state;
    const char *what; /* NULL: nothing, as of DONE */
    const char *of;   /* which process, or "operator" */
    int64_t since_us; /* when it began to be waited for */
    int64_t by_us;    /* when it is late; 0: it does not come by itself */
} OrderNextStep;

/** What is to come for an order in @status whose announcement is @held, last made at @since_us; at
 * @now_us. @is_watched: the watch knows it as stuck. */
OrderNextStep order_next_step(OrderStatus status, OrderHeld held, bool is_watched, int64_t since_us,
                              int64_t now_us);

/** The time of the newest step. */
int64_t order_timeline_newest_us(const OrderTimeline *timeline);
