/* Placing orders, each idempotency key once, at prices that are known. */
#include "order/application/place.h"

#include "chassis/core/fault.h"
#include "chassis/core/log.h"
#include "order/application/open_orders.h"
#include "order/application/pricing.h"

#include <string.h>

enum {
    NO_CLAIM = -1 /* of a request without a key */
};

/* The scope of a key is its customer. */
static bool same_key(const OrderPlacement *a, const OrderPlacement *b)
{
    return ch_uuid_equal(a->customer_id, b->customer_id) &&
           strcmp(a->idempotency_key, b->idempotency_key) == 0;
}

static unsigned key_hash(const void *placement)
{
    const OrderPlacement *p = placement;
    return ch_uuid_hash(&p->customer_id) ^ g_str_hash(p->idempotency_key);
}

static int key_equal(const void *a, const void *b)
{
    return same_key(a, b);
}

static OrderPlaceOutcome outcome_of(const OrderPlacement *placement, const OrderKeyAnswer *answer)
{
    switch (answer->state) {
    case ORDER_KEY_FREE:
        return (OrderPlaceOutcome){ ORDER_PLACED, placement->id, NULL };
    case ORDER_KEY_HELD:
        return (OrderPlaceOutcome){ ORDER_KEY_IN_FLIGHT, placement->id, NULL };
    case ORDER_KEY_USED:
        if (memcmp(answer->request_hash, placement->request_hash, ORDER_HASH_BYTES) == 0)
            return (OrderPlaceOutcome){ ORDER_REPLAYED, answer->order_id, NULL };
        return (OrderPlaceOutcome){ ORDER_KEY_REUSED, placement->id, NULL };
    }
    g_assert_not_reached();
}

/* Claims each key once. claim_of[i]: which of the claims is that of placements[i]. */
static size_t gather_claims(const OrderPlacement *const *placements, size_t n,
                            const OrderPlacement **claims, gssize *claim_of)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(key_hash, key_equal);
    size_t n_claims = 0;
    for (size_t i = 0; i < n; i++) {
        gpointer claim = NULL;
        claim_of[i] = NO_CLAIM;
        if (placements[i]->idempotency_key == NULL)
            continue;
        if (g_hash_table_lookup_extended(seen, placements[i], NULL, &claim)) {
            claim_of[i] = GPOINTER_TO_INT(claim);
            continue;
        }
        g_hash_table_insert(seen, (void *)placements[i], GINT_TO_POINTER((int)n_claims));
        claim_of[i] = (gssize)n_claims;
        claims[n_claims++] = placements[i];
    }
    return n_claims;
}

/* What a batch is decided by. */
typedef struct {
    OrderPriceTable prices;
    OrderOpenTable open;
} Facts;

/* Decides for those with a key; of the others nothing stands in the way. Fills @facts, too. */
static bool look_up(OrderStore *store, const OrderPlacement *const *placements, size_t n,
                    Facts *facts, OrderPlaceOutcome *outcomes, GError **error)
{
    g_autofree const OrderPlacement **claims = g_new(const OrderPlacement *, n);
    g_autofree gssize *claim_of = g_new(gssize, n);
    size_t n_claims = gather_claims(placements, n, claims, claim_of);
    g_autofree OrderKeyAnswer *answers = g_new0(OrderKeyAnswer, n_claims);
    const OrderQuestions questions = {
        .claims = claims,
        .n_claims = n_claims,
        .answers = answers,
        .prices = facts->prices.prices,
        .n_prices = facts->prices.n,
        .open = facts->open.rows,
        .n_open = facts->open.n,
    };
    if (n_claims + facts->prices.n + facts->open.n > 0 &&
        !store->ops->look_up(store, &questions, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        outcomes[i] = (OrderPlaceOutcome){ ORDER_PLACED, placements[i]->id, NULL };
        if (claim_of[i] == NO_CLAIM)
            continue;
        outcomes[i] = outcome_of(placements[i], &answers[claim_of[i]]);
        /* A free key goes to the first that asks for it. */
        if (outcomes[i].result == ORDER_PLACED && claims[claim_of[i]] != placements[i])
            outcomes[i].result = ORDER_KEY_IN_FLIGHT;
    }
    return true;
}

static void clear_facts(Facts *facts)
{
    order_price_table_clear(&facts->prices);
    order_open_table_clear(&facts->open);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Facts, clear_facts)

/* Whether nothing but its key stood in the way of @placement. */
static bool accept(OrderPlacement *placement, Facts *facts, OrderPlaceOutcome *outcome)
{
    outcome->violations = order_pricing_apply(placement, &facts->prices);
    if (outcome->violations != NULL)
        outcome->result = ORDER_UNPRICED;
    else if (!order_open_admit(&facts->open, placement))
        outcome->result = ORDER_TOO_MANY_OPEN;
    return outcome->result == ORDER_PLACED;
}

bool order_place(OrderStore *store, OrderPlacement *const *placements, size_t n,
                 OrderPlaceOutcome *outcomes, GError **error)
{
    const OrderPlacement *const *asked = (const OrderPlacement *const *)placements;
    g_auto(Facts) facts = { .prices = { .n = 0 } };
    g_autofree const OrderPlacement **accepted = g_new(const OrderPlacement *, n);
    size_t n_accepted = 0;
    order_pricing_products(asked, n, &facts.prices);
    order_open_table_init(&facts.open, asked, n);
    if (!look_up(store, asked, n, &facts, outcomes, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (outcomes[i].result == ORDER_PLACED && accept(placements[i], &facts, &outcomes[i]))
            accepted[n_accepted++] = placements[i];
    }
    if (n_accepted > 0 && !store->ops->insert(store, accepted, n_accepted, error)) {
        for (size_t i = 0; i < n; i++)
            g_clear_pointer(&outcomes[i].violations, ch_violations_free);
        return false;
    }
    CH_FAULT_ON("after_insert", "place");
    for (size_t i = 0; i < n_accepted; i++)
        ch_log_info("order accepted", CH_ID("order_id", accepted[i]->id),
                    CH_DEC("total", accepted[i]->total), CH_TRACE(accepted[i]->trace));
    return true;
}
