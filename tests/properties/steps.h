/* Random sequences of what can happen to orders and stock, and the use cases that they call. */
#pragma once

#include "facts.h"

enum {
    MAX_STEPS = 40,
    MAX_BATCH = 8,
};

typedef enum {
    STEP_PLACE,   /* requests, also repeated ones */
    STEP_CANCEL,  /* by customers */
    STEP_TAKE,    /* OrderCreatedEvents, in any order and again and again */
    STEP_SETTLE,  /* the stock's results, the same */
    STEP_RELEASE, /* OrderCancelledEvents, the same */
    STEP_GIVE_UP, /* an OrderCreatedEvent that cannot be processed */
    STEP_CREATE,  /* by operators, as all below */
    STEP_SET,
    STEP_ADJUST,
    STEP_DELETE,
    STEPS_N,
} StepKind;

typedef struct {
    StepKind kind;
    unsigned n;
    unsigned numbers[MAX_BATCH]; /* orders; of an operator's step: products */
    int64_t value;               /* of an operator's step */
    unsigned fails_at;           /* the n-th call of the store fails; 0: none */
} Step;

typedef struct {
    Step steps[MAX_STEPS];
    unsigned n;
    int64_t wants[ORDERS][PRODUCTS];
} Sequence;

/** What the use case answered, one number an item; untouched where nobody answers. */
typedef struct {
    int64_t outcomes[MAX_BATCH];
} Answers;

typedef struct {
    OrderStore *orders;
    StockStore *stock;
    unsigned run;
} Stores;

/** The same seed makes the same sequence. */
void sequence_make(Sequence *sequence, uint32_t seed);

/** Which events were delivered at least once: [STEP_TAKE, STEP_SETTLE or STEP_RELEASE][order]. */
typedef struct {
    bool events[STEPS_N][ORDERS];
} Delivered;

/** Notes what @step delivered, which was done after @known. */
void step_delivers(const Step *step, const Facts *known, Delivered *delivered);

/** Delivers every event that was not, in an order in which all orders become final. */
void sequence_drain(Sequence *drain, const Sequence *sequence, const Delivered *delivered);

/** "settle 3 3 1". Free with g_free(). */
char *step_text(const Step *step);

/** Whether the step works on the order service's store; else on the stock's. */
bool step_is_of_orders(StepKind kind);

/** Calls the use case for those orders of the step to which it can happen after @known. */
CH_MUST_CHECK bool step_apply(const Stores *stores, const Facts *known, const Sequence *sequence,
                              const Step *step, Answers *answers, GError **error);
