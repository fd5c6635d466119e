/* The same digest is made of what there is here; the difference of both names the orders. */
#include "order/application/compare.h"

/* A digest is dropped after that: the next lap brings another. */
static const int64_t LATE_US = INT64_C(600) * G_USEC_PER_SEC;

/* Nor is one looked at that is from later than that, whose clock is wrong. */
static const int64_t AHEAD_US = INT64_C(60) * G_USEC_PER_SEC;

/* What has not come in that time is not on its way. */
static const int64_t MISSING_AFTER_US = INT64_C(86400) * G_USEC_PER_SEC;

void order_digest_free(OrderDigest *digest)
{
    if (digest == NULL)
        return;
    if (digest->open != NULL)
        g_array_unref(digest->open);
    g_free(digest);
}

/* ---- what is open ---- */

static bool is_listed(const OrderDigest *digest, ChUuid id)
{
    for (guint i = 0; i < digest->open->len; i++) {
        if (ch_uuid_equal(g_array_index(digest->open, ChUuid, i), id))
            return true;
    }
    return digest->has_more_open;
}

/* What orders like @outcome became before then is over there. */
static int64_t through_us(const OrderDigest *digest, const OrderOutcome *outcome)
{
    int64_t through = MIN(digest->settled_us, digest->taken_us);
    bool was_confirmed =
        outcome->status == ORDER_CONFIRMED || (digest->teller == ORDER_TOLD_BY_NOTIFICATION &&
                                               outcome->value % ORDER_TOLD_CANCELLED != 0);
    if (was_confirmed && digest->confirmed_through_us > 0)
        through = MIN(through, digest->confirmed_through_us);
    if (outcome->status == ORDER_CANCELLED && digest->cancelled_through_us > 0)
        through = MIN(through, digest->cancelled_through_us);
    return MAX(through, digest->taken_us - MISSING_AFTER_US);
}

static bool is_open(const OrderDigest *digest, const OrderOutcome *outcome)
{
    return outcome->status == ORDER_CREATED || outcome->changed_us >= through_us(digest, outcome) ||
           is_listed(digest, outcome->id);
}

/* ---- what differs ---- */

static char *fault_of_stock(const OrderOutcome *outcome, int64_t told)
{
    if (outcome == NULL)
        return g_strdup_printf("%" G_GINT64_FORMAT " units are held for it, and there is no such"
                               " order",
                               told);
    if (outcome->status == ORDER_CANCELLED)
        return g_strdup_printf("it is cancelled, and %" G_GINT64_FORMAT " units are held for it",
                               told);
    if (told == 0)
        return g_strdup("it is confirmed, and no stock is held for it");
    return g_strdup_printf("it has %" G_GINT64_FORMAT " units, and %" G_GINT64_FORMAT
                           " are held for it",
                           outcome->value, told);
}

static char *fault_of_notification(const OrderOutcome *outcome, int64_t told)
{
    int64_t was = outcome == NULL ? 0 : outcome->value;
    static const char *const kinds[] = { "confirmed", "cancelled" };
    int64_t is[] = { was % ORDER_TOLD_CANCELLED, was / ORDER_TOLD_CANCELLED };
    int64_t there[] = { told % ORDER_TOLD_CANCELLED, told / ORDER_TOLD_CANCELLED };
    if (outcome == NULL)
        return g_strdup("there are notifications of it, and there is no such order");
    GString *fault = g_string_new(NULL);
    for (size_t kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
        if (is[kind] != there[kind])
            g_string_append_printf(
                fault, "%sit was %s %s, and there are %" G_GINT64_FORMAT " notifications of that",
                fault->len > 0 ? "; " : "", kinds[kind], is[kind] > 0 ? "once" : "never",
                there[kind]);
    }
    return g_string_free(fault, FALSE);
}

static char *(*const fault_of[])(const OrderOutcome *, int64_t) = {
    [ORDER_TOLD_BY_STOCK] = fault_of_stock,
    [ORDER_TOLD_BY_NOTIFICATION] = fault_of_notification,
};
G_STATIC_ASSERT(G_N_ELEMENTS(fault_of) == ORDER_TOLD_N);

static void clear_difference(void *difference)
{
    g_free(((OrderDifference *)difference)->fault);
}

/* The outcome with that id; NULL: none. */
static const OrderOutcome *find(const GArray *outcomes, ChUuid id)
{
    guint from = 0;
    guint before = outcomes->len;
    while (from < before) {
        guint middle = from + (before - from) / 2;
        const OrderOutcome *outcome = &g_array_index(outcomes, OrderOutcome, middle);
        int order = ch_uuid_compare(outcome->id, id);
        if (order == 0)
            return outcome;
        if (order < 0)
            from = middle + 1;
        else
            before = middle;
    }
    return NULL;
}

/* What the other service has of @id, as the items of the difference say; 0: nothing. */
static int64_t told_of(const ChDigestItem *items, size_t n, ChUuid id)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].is_other && ch_uuid_equal(items[i].id, id))
            return items[i].value;
    }
    return 0;
}

/* An order is among @items once or twice: as it should be, and as it is there. */
static bool is_second(const ChDigestItem *items, size_t i)
{
    for (size_t before = 0; before < i; before++) {
        if (ch_uuid_equal(items[before].id, items[i].id))
            return true;
    }
    return false;
}

/* How many of those that are added are not open. */
static size_t add_differences(const OrderDigest *digest, const GArray *outcomes,
                              const ChDigestItem *items, size_t n, GArray *differences)
{
    size_t faults = 0;
    for (size_t i = 0; i < n; i++) {
        const OrderOutcome *outcome = find(outcomes, items[i].id);
        OrderDifference difference = { items[i].id, NULL };
        if (is_second(items, i))
            continue;
        if (outcome == NULL ? !is_listed(digest, items[i].id) : !is_open(digest, outcome))
            difference.fault = fault_of[digest->teller](outcome, told_of(items, n, items[i].id));
        faults += difference.fault != NULL;
        g_array_append_val(differences, difference);
    }
    return faults;
}

/* More differ than can be told apart: unless orders that are open explain it, the range is what is
 * found. One is in the difference twice at most. */
static bool add_range(const OrderDigest *digest, const GArray *outcomes,
                      const ChDigest *difference_left, GArray *differences)
{
    size_t open = 0;
    for (guint i = 0; i < outcomes->len; i++)
        open += is_open(digest, &g_array_index(outcomes, OrderOutcome, i));
    if (ch_digest_cells_used(difference_left) <= 2 * CH_DIGEST_COPIES * open)
        return false;
    OrderDifference difference = {
        digest->up_to,
        g_strdup("more of the orders up to this one differ than can be named"),
    };
    g_array_append_val(differences, difference);
    return true;
}

/* ---- the use case ---- */

/* What is expected there, less what is told. */
static ChDigest subtracted(const OrderDigest *digest, const GArray *outcomes)
{
    ChDigest difference = { .seed = digest->digest.seed };
    for (guint i = 0; i < outcomes->len; i++) {
        const OrderOutcome *outcome = &g_array_index(outcomes, OrderOutcome, i);
        if (outcome->value != 0)
            ch_digest_add(&difference, outcome->id, outcome->value);
    }
    ch_digest_subtract(&difference, &digest->digest);
    return difference;
}

bool order_compare(OrderCompareStore *store, const OrderDigest *digest, int64_t now_us,
                   OrderCompared *compared, GError **error)
{
    g_autoptr(GArray) outcomes = NULL;
    g_autoptr(GArray) differences = g_array_new(FALSE, FALSE, sizeof(OrderDifference));
    ChDigestItem items[CH_DIGEST_CELLS];
    size_t n = 0;
    size_t faults = 1;
    g_array_set_clear_func(differences, clear_difference);
    *compared = ORDER_COMPARED_LATE;
    if (digest->taken_us < now_us - LATE_US || digest->taken_us > now_us + AHEAD_US)
        return true;
    if (!store->ops->outcomes(store, digest, &outcomes, error))
        return false;
    ChDigest difference = subtracted(digest, outcomes);
    *compared = ORDER_COMPARED_OPEN;
    bool is_whole = outcomes->len < ORDER_COMPARE_ROWS;
    if (is_whole && ch_digest_read(&difference, items, &n))
        faults = add_differences(digest, outcomes, items, n, differences);
    else if (!add_range(digest, outcomes, &difference, differences))
        return true;
    *compared = faults > 0 ? ORDER_COMPARED_DIFFERENT : ORDER_COMPARED_EQUAL;
    return store->ops->note(store, digest, (const OrderDifference *)(void *)differences->data,
                            differences->len, error);
}
