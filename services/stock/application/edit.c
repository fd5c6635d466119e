/* Changes by operators. */
#include "stock/application/edit.h"

#include "chassis/core/log.h"
#include "stock/application/levels.h"

static const char *const kind_names[] = {
    [STOCK_CREATE] = "created",
    [STOCK_SET] = "set",
    [STOCK_ADJUST] = "adjusted",
    [STOCK_DELETE] = "deleted",
};

static void add_movement(GArray *movements, const StockEdit *edit, int64_t delta)
{
    StockMovement movement = {
        .product_id = edit->product_id,
        .delta = delta,
        .kind = kind_names[edit->kind],
        .reason = (char *)edit->reason,
        .actor = (char *)edit->actor,
    };
    g_array_append_val(movements, movement);
    ch_log_info("stock changed", CH_ID("product_id", edit->product_id),
                CH_STR("kind", kind_names[edit->kind]), CH_INT("delta", delta),
                CH_TRACE(edit->trace));
}

/* Creates what is to be created, so that no other transaction can do the same meanwhile. */
static bool create(StockStore *store, const StockEdit *edits, size_t n, StockEditOutcome *outcomes,
                   GArray *movements, GError **error)
{
    g_autofree StockItem *items = g_new(StockItem, n);
    g_autofree size_t *places = g_new(size_t, n);
    g_autofree bool *created = g_new0(bool, n);
    size_t n_items = 0;
    for (size_t i = 0; i < n; i++) {
        if (edits[i].kind != STOCK_CREATE)
            continue;
        items[n_items] = (StockItem){ edits[i].product_id, edits[i].value };
        places[n_items++] = i;
    }
    if (n_items == 0)
        return true;
    if (!store->ops->create(store, items, n_items, created, error))
        return false;
    for (size_t i = 0; i < n_items; i++) {
        const StockEdit *edit = &edits[places[i]];
        outcomes[places[i]] = (StockEditOutcome){
            .result = created[i] ? STOCK_EDIT_DONE : STOCK_EDIT_EXISTS,
            .quantity = edit->value,
        };
        if (created[i])
            add_movement(movements, edit, edit->value);
    }
    return true;
}

/* held[i] for each deletion that is not forced: orders hold some of its product. The levels are
 * locked, so no order takes any meanwhile. */
static bool find_held(StockStore *store, const StockEdit *edits, size_t n, bool *held,
                      GError **error)
{
    g_autofree ChUuid *products = g_new(ChUuid, n);
    g_autofree size_t *places = g_new(size_t, n);
    g_autofree bool *answers = g_new0(bool, n);
    size_t asked = 0;
    for (size_t i = 0; i < n; i++) {
        if (edits[i].kind != STOCK_DELETE || edits[i].force)
            continue;
        products[asked] = edits[i].product_id;
        places[asked++] = i;
    }
    if (asked > 0 && !store->ops->held(store, products, asked, answers, error))
        return false;
    for (size_t i = 0; i < asked; i++)
        held[places[i]] = answers[i];
    return true;
}

/* What a change makes of a level; the level is untouched unless it is DONE. */
static StockEditResult apply(const StockEdit *edit, bool held, StockLevel *level)
{
    int64_t after = edit->value;
    if (!level->exists)
        return STOCK_EDIT_UNKNOWN;
    if (!ch_expected_allows(&edit->expected, level->quantity))
        return STOCK_EDIT_STALE;
    if (held)
        return STOCK_EDIT_HELD;
    if (edit->kind == STOCK_ADJUST)
        after = level->quantity + edit->value; /* both are far below the limits of int64_t */
    if (edit->kind == STOCK_DELETE)
        after = 0;
    if (after < 0 || after > STOCK_MAX_QUANTITY)
        return STOCK_EDIT_OUT_OF_RANGE;
    level->quantity = after;
    level->exists = edit->kind != STOCK_DELETE;
    return STOCK_EDIT_DONE;
}

static bool change(StockStore *store, const StockEdit *edits, size_t n, StockEditOutcome *outcomes,
                   GArray *movements, GError **error)
{
    g_auto(StockLevels) levels = { .n = 0 };
    g_autoptr(GArray) products = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    g_autofree bool *held = g_new0(bool, n);
    for (size_t i = 0; i < n; i++) {
        if (edits[i].kind != STOCK_CREATE)
            g_array_append_val(products, edits[i].product_id);
    }
    if (!stock_levels_lock(store, products, &levels, error) ||
        !find_held(store, edits, n, held, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (edits[i].kind == STOCK_CREATE)
            continue;
        StockLevel *level = stock_levels_get(&levels, edits[i].product_id);
        int64_t before = level->quantity;
        outcomes[i].result = apply(&edits[i], held[i], level);
        outcomes[i].quantity = level->quantity;
        outcomes[i].before = before;
        if (outcomes[i].result != STOCK_EDIT_DONE)
            continue;
        stock_levels_touch(&levels, level);
        add_movement(movements, &edits[i], level->quantity - before);
    }
    return stock_levels_save(&levels, store, error);
}

bool stock_edit(StockStore *store, const StockEdit *edits, size_t n, StockEditOutcome *outcomes,
                GError **error)
{
    g_autoptr(GArray) movements = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    if (!create(store, edits, n, outcomes, movements, error) ||
        !change(store, edits, n, outcomes, movements, error))
        return false;
    return movements->len == 0 ||
           store->ops->record(store, (const StockMovement *)(void *)movements->data, movements->len,
                              error);
}
