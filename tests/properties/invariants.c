/* The checks, one a property. */
#include "invariants.h"

/* I2: which moves there are. */
static bool may_move(StepKind kind, int64_t from, int64_t to)
{
    if (from == to)
        return true;
    if (from == 0)
        return kind == STEP_PLACE && to == ORDER_CREATED;
    if (from == ORDER_CREATED)
        return to == ORDER_CANCELLED || (kind == STEP_SETTLE && to == ORDER_CONFIRMED);
    return kind == STEP_CANCEL && from == ORDER_CONFIRMED && to == ORDER_CANCELLED;
}

static char *broken_order(const Step *step, const Facts *before, const Facts *after, unsigned order)
{
    int64_t status = after->orders[order].status;
    int64_t confirmed = after->orders[order].entered[ORDER_CONFIRMED];
    int64_t cancelled = after->orders[order].entered[ORDER_CANCELLED];
    if (!may_move(step->kind, before->orders[order].status, status))
        return g_strdup_printf("I2: order %u went from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                               order, before->orders[order].status, status);
    if (confirmed > 1 || cancelled != (status == ORDER_CANCELLED) ||
        (status == ORDER_CONFIRMED && confirmed == 0) || (status < ORDER_CONFIRMED && confirmed))
        return g_strdup_printf("I2: order %u and its history disagree", order);
    if (after->orders[order].created != (status != 0) ||
        after->orders[order].confirmed != confirmed || after->orders[order].cancelled != cancelled)
        return g_strdup_printf("I6: order %u and its events disagree", order);
    if (after->stock[order].taken > 0 && after->stock[order].refused > 0)
        return g_strdup_printf("I2: the stock of order %u was taken and refused", order);
    return NULL;
}

/* I3: what one order took of one product, and gave back. */
static bool is_sound(const Sequence *sequence, const Facts *facts, unsigned order, unsigned product)
{
    const Lines *took = &facts->stock[order].took[product];
    const Lines *gave = &facts->stock[order].gave[product];
    return took->lines <= 1 && gave->lines <= took->lines && gave->quantity <= took->quantity &&
           (took->lines == 0 || took->quantity == sequence->wants[order][product]);
}

static char *broken_product(const Sequence *sequence, const Facts *facts, unsigned product)
{
    int64_t held = 0;
    for (unsigned order = 0; order < ORDERS; order++) {
        if (!is_sound(sequence, facts, order, product))
            return g_strdup_printf("I3: order %u took product %u twice, or gave back too much",
                                   order, product);
        held +=
            facts->stock[order].took[product].quantity - facts->stock[order].gave[product].quantity;
    }
    int64_t quantity = facts->products[product].quantity;
    if (quantity < 0)
        return g_strdup_printf("I3: product %u is below zero", product);
    if (facts->products[product].edited != quantity + held)
        return g_strdup_printf("I3: of product %u there are %" G_GINT64_FORMAT
                               " and orders hold %" G_GINT64_FORMAT
                               ", but operators brought %" G_GINT64_FORMAT,
                               product, quantity, held, facts->products[product].edited);
    return NULL;
}

char *invariants_broken(const Sequence *sequence, const Step *step, const Facts *before,
                        const Facts *after)
{
    if (after->strays > 0)
        return g_strdup("I1: a repeated request placed another order");
    for (unsigned order = 0; order < ORDERS; order++) {
        char *broken = broken_order(step, before, after, order);
        if (broken != NULL)
            return broken;
    }
    for (unsigned product = 0; product < PRODUCTS; product++) {
        char *broken = broken_product(sequence, after, product);
        if (broken != NULL)
            return broken;
    }
    return NULL;
}

/* I4: a cancelled order holds nothing, a confirmed one all that it asked for. */
static bool is_kept(const Sequence *sequence, const Facts *facts, unsigned order)
{
    for (unsigned product = 0; product < PRODUCTS; product++) {
        int64_t held =
            facts->stock[order].took[product].quantity - facts->stock[order].gave[product].quantity;
        bool confirmed = facts->orders[order].status == ORDER_CONFIRMED;
        if (held != (confirmed ? sequence->wants[order][product] : 0))
            return false;
    }
    return true;
}

char *invariants_broken_at_end(const Sequence *sequence, const Facts *facts)
{
    for (unsigned order = 0; order < ORDERS; order++) {
        if (facts->orders[order].status == ORDER_CREATED)
            return g_strdup_printf("I2: order %u never becomes final", order);
        if (!is_kept(sequence, facts, order))
            return g_strdup_printf("I4: order %u does not hold what its status says", order);
    }
    return NULL;
}
