/* From numbers to commands. */
#include "steps.h"

#include "order/application/place.h"
#include "order/application/settle.h"
#include "stock/application/edit.h"
#include "stock/application/release.h"
#include "stock/application/take.h"

#include <string.h>

enum {
    FEWEST_STEPS = 12,
    MAX_RANDOM_BATCH = 5,
    MOST_WANTED = 3, /* of one product, by one order */
    MOST_STOCKED = 9,
    FAILING_PERCENT = 12,
    MOST_CALLS = 6, /* of a store, in one use case */
};

static const struct {
    const char *name;
    int weight; /* how often it comes */
} kinds[STEPS_N] = {
    [STEP_PLACE] = { "place", 20 },     [STEP_CANCEL] = { "cancel", 12 },
    [STEP_TAKE] = { "take", 22 },       [STEP_SETTLE] = { "settle", 20 },
    [STEP_RELEASE] = { "release", 14 }, [STEP_GIVE_UP] = { "give up", 2 },
    [STEP_CREATE] = { "create", 3 },    [STEP_SET] = { "set", 2 },
    [STEP_ADJUST] = { "adjust", 4 },    [STEP_DELETE] = { "delete", 1 },
};

/* ---- making ---- */

static unsigned below(GRand *random, unsigned limit)
{
    return (unsigned)g_rand_int_range(random, 0, (gint32)limit);
}

static StepKind any_kind(GRand *random)
{
    int dice = g_rand_int_range(random, 0, 100);
    StepKind kind = STEP_PLACE;
    while (dice >= kinds[kind].weight)
        dice -= kinds[kind++].weight;
    return kind;
}

static Step any_step(GRand *random)
{
    Step step = { .kind = any_kind(random) };
    bool by_operator = step.kind >= STEP_CREATE;
    step.n = step.kind == STEP_GIVE_UP ? 1 : 1 + below(random, MAX_RANDOM_BATCH);
    for (unsigned i = 0; i < step.n; i++)
        step.numbers[i] = below(random, by_operator ? PRODUCTS : ORDERS);
    step.value =
        g_rand_int_range(random, step.kind == STEP_ADJUST ? -MOST_STOCKED : 0, MOST_STOCKED + 1);
    if (below(random, 100) < FAILING_PERCENT)
        step.fails_at = 1 + below(random, MOST_CALLS);
    return step;
}

void sequence_make(Sequence *sequence, uint32_t seed)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    memset(sequence, 0, sizeof *sequence);
    for (unsigned order = 0; order < ORDERS; order++) {
        for (unsigned product = 0; product < PRODUCTS; product++) {
            if (below(random, 2) == 0)
                sequence->wants[order][product] = 1 + below(random, MOST_WANTED);
        }
        sequence->wants[order][0] = MAX(sequence->wants[order][0], 1);
    }
    /* Two products are there from the start; the third is for operators to make. */
    sequence->steps[0] = (Step){ .kind = STEP_CREATE, .n = 2, .numbers = { 0, 1 } };
    sequence->steps[0].value = below(random, MOST_STOCKED + 1);
    sequence->n = FEWEST_STEPS + below(random, MAX_STEPS - FEWEST_STEPS + 1);
    for (unsigned i = 1; i < sequence->n; i++)
        sequence->steps[i] = any_step(random);
}

/* Whether @kind delivers an event of the order, and there is one. */
static bool has_event(StepKind kind, const Facts *known, unsigned order)
{
    if (kind == STEP_TAKE)
        return known->orders[order].created > 0;
    if (kind == STEP_SETTLE)
        return known->stock[order].taken > 0 || known->stock[order].refused > 0;
    return kind == STEP_RELEASE && known->orders[order].cancelled > 0;
}

void step_delivers(const Step *step, const Facts *known, Delivered *delivered)
{
    for (unsigned i = 0; i < step->n; i++) {
        if (step->kind < STEP_CREATE && has_event(step->kind, known, step->numbers[i]))
            delivered->events[step->kind][step->numbers[i]] = true;
    }
}

void sequence_drain(Sequence *drain, const Sequence *sequence, const Delivered *delivered)
{
    static const StepKind kinds_in_order[] = { STEP_TAKE, STEP_SETTLE, STEP_RELEASE };
    *drain = *sequence;
    drain->n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds_in_order); i++) {
        Step step = { .kind = kinds_in_order[i] };
        for (unsigned order = 0; order < ORDERS; order++) {
            if (!delivered->events[step.kind][order])
                step.numbers[step.n++] = order;
        }
        drain->steps[drain->n++] = step;
    }
}

char *step_text(const Step *step)
{
    g_autoptr(GString) text = g_string_new(kinds[step->kind].name);
    for (unsigned i = 0; i < step->n; i++)
        g_string_append_printf(text, " %u", step->numbers[i]);
    if (step->kind >= STEP_CREATE)
        g_string_append_printf(text, " value %" G_GINT64_FORMAT, step->value);
    if (step->fails_at > 0)
        g_string_append_printf(text, " (call %u of the store fails)", step->fails_at);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

bool step_is_of_orders(StepKind kind)
{
    return kind == STEP_PLACE || kind == STEP_CANCEL || kind == STEP_SETTLE;
}

/* ---- applying: orders ---- */

static bool place(const Stores *stores, const Facts *known, const Sequence *sequence,
                  const Step *step, Answers *answers, GError **error)
{
    OrderPlacement placements[MAX_BATCH];
    OrderPlacement *pointers[MAX_BATCH];
    OrderItem items[MAX_BATCH][PRODUCTS];
    OrderPlaceOutcome outcomes[MAX_BATCH];
    bool asked[ORDERS] = { false };
    for (unsigned i = 0; i < step->n; i++) {
        unsigned number = step->numbers[i];
        bool again = known->orders[number].status != 0 || asked[number];
        placements[i] = (OrderPlacement){
            .id = order_id(stores->run, number, again),
            .customer_id = customer_id(stores->run, number),
            .items = items[i],
            .total = CH_DECIMAL_ONE,
            .currency = "EUR",
            .created_us = 1,
            .idempotency_key = (char *)"once",
        };
        for (unsigned product = 0; product < PRODUCTS; product++) {
            if (sequence->wants[number][product] > 0)
                items[i][placements[i].n_items++] =
                    (OrderItem){ product_id(stores->run, product), sequence->wants[number][product],
                                 CH_DECIMAL_ONE, product == 0 };
        }
        pointers[i] = &placements[i];
        asked[number] = true;
    }
    if (!order_place(stores->orders, pointers, step->n, outcomes, error))
        return false;
    for (unsigned i = 0; i < step->n; i++)
        answers->outcomes[i] = outcomes[i].result;
    return true;
}

static bool cancel(const Stores *stores, const Step *step, Answers *answers, GError **error)
{
    OrderCancellation cancellations[MAX_BATCH];
    OrderCancelOutcome outcomes[MAX_BATCH];
    for (unsigned i = 0; i < step->n; i++)
        cancellations[i] = (OrderCancellation){
            .order.id = order_id(stores->run, step->numbers[i], false),
            .reason = "changed my mind",
        };
    if (!order_cancel(stores->orders, cancellations, step->n, outcomes, error))
        return false;
    for (unsigned i = 0; i < step->n; i++)
        answers->outcomes[i] = outcomes[i].result;
    return true;
}

static bool settle(const Stores *stores, const Facts *known, const Step *step, GError **error)
{
    OrderStockResult results[2 * MAX_BATCH];
    const OrderStockResult *pointers[2 * MAX_BATCH];
    unsigned n = 0;
    for (unsigned i = 0; i < step->n; i++) {
        unsigned number = step->numbers[i];
        ChUuid id = order_id(stores->run, number, false);
        if (known->stock[number].taken > 0)
            results[n++] = (OrderStockResult){ .order_id = id, .taken = true };
        if (known->stock[number].refused > 0)
            results[n++] =
                (OrderStockResult){ .order_id = id, .reason = (char *)"InsufficientStock" };
    }
    for (unsigned i = 0; i < n; i++)
        pointers[i] = &results[i];
    return n == 0 || order_settle_stock(stores->orders, pointers, n, error);
}

/* ---- applying: stock ---- */

static void make_order(const Stores *stores, const Sequence *sequence, unsigned number,
                       StockOrder *order, StockItem *items)
{
    *order = (StockOrder){ .order_id = order_id(stores->run, number, false), .items = items };
    for (unsigned product = 0; product < PRODUCTS; product++) {
        if (sequence->wants[number][product] > 0)
            items[order->n_items++] =
                (StockItem){ product_id(stores->run, product), sequence->wants[number][product] };
    }
}

static bool take(const Stores *stores, const Facts *known, const Sequence *sequence,
                 const Step *step, Answers *answers, GError **error)
{
    StockOrder orders[MAX_BATCH];
    StockItem items[MAX_BATCH][PRODUCTS];
    const StockOrder *pointers[MAX_BATCH];
    StockOutcome outcomes[MAX_BATCH];
    unsigned n = 0;
    for (unsigned i = 0; i < step->n; i++) {
        if (known->orders[step->numbers[i]].created == 0)
            continue;
        make_order(stores, sequence, step->numbers[i], &orders[n], items[n]);
        pointers[n] = &orders[n];
        n++;
    }
    if (n == 0)
        return true;
    if (!stock_take(stores->stock, pointers, n, outcomes, error))
        return false;
    for (unsigned i = 0; i < n; i++)
        answers->outcomes[i] = outcomes[i];
    return true;
}

static bool release(const Stores *stores, const Facts *known, const Step *step, GError **error)
{
    StockCancellation cancellations[MAX_BATCH];
    const StockCancellation *pointers[MAX_BATCH];
    unsigned n = 0;
    for (unsigned i = 0; i < step->n; i++) {
        if (known->orders[step->numbers[i]].cancelled == 0)
            continue;
        cancellations[n] = (StockCancellation){
            .order_id = order_id(stores->run, step->numbers[i], false),
        };
        pointers[n] = &cancellations[n];
        n++;
    }
    return n == 0 || stock_release(stores->stock, pointers, n, error);
}

static bool give_up(const Stores *stores, const Facts *known, const Sequence *sequence,
                    const Step *step, Answers *answers, GError **error)
{
    StockOrder order;
    StockItem items[PRODUCTS];
    bool announced = false;
    if (known->orders[step->numbers[0]].created == 0)
        return true;
    make_order(stores, sequence, step->numbers[0], &order, items);
    if (!stock_give_up(stores->stock, &order, &announced, error))
        return false;
    answers->outcomes[0] = announced;
    return true;
}

static bool edit(const Stores *stores, const Step *step, Answers *answers, GError **error)
{
    static const StockEditKind edits_of[STEPS_N] = {
        [STEP_CREATE] = STOCK_CREATE,
        [STEP_SET] = STOCK_SET,
        [STEP_ADJUST] = STOCK_ADJUST,
        [STEP_DELETE] = STOCK_DELETE,
    };
    StockEdit edits[MAX_BATCH];
    StockEditOutcome outcomes[MAX_BATCH];
    for (unsigned i = 0; i < step->n; i++)
        edits[i] = (StockEdit){
            .kind = edits_of[step->kind],
            .product_id = product_id(stores->run, step->numbers[i]),
            .value = step->value,
            .force = step->value % 2 == 0,
        };
    memset(outcomes, 0, sizeof outcomes);
    if (!stock_edit(stores->stock, edits, step->n, outcomes, error))
        return false;
    for (unsigned i = 0; i < step->n; i++)
        answers->outcomes[i] = outcomes[i].result * 1000 + outcomes[i].quantity;
    return true;
}

bool step_apply(const Stores *stores, const Facts *known, const Sequence *sequence,
                const Step *step, Answers *answers, GError **error)
{
    memset(answers, 0, sizeof *answers);
    switch (step->kind) {
    case STEP_PLACE:
        return place(stores, known, sequence, step, answers, error);
    case STEP_CANCEL:
        return cancel(stores, step, answers, error);
    case STEP_TAKE:
        return take(stores, known, sequence, step, answers, error);
    case STEP_SETTLE:
        return settle(stores, known, step, error);
    case STEP_RELEASE:
        return release(stores, known, step, error);
    case STEP_GIVE_UP:
        return give_up(stores, known, sequence, step, answers, error);
    case STEP_CREATE:
    case STEP_SET:
    case STEP_ADJUST:
    case STEP_DELETE:
        return edit(stores, step, answers, error);
    case STEPS_N:
        break;
    }
    g_assert_not_reached();
}
