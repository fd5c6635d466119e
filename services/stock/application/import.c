/* Quantities from outside. */
#include "stock/application/import.h"

#include "stock/application/levels.h"

#define REASON "imported" /* in the ledger */

const char *stock_import_result_name(StockImportResult result)
{
    static const char *const names[] = {
        [STOCK_IMPORT_CREATED] = "created",     [STOCK_IMPORT_SET] = "set",
        [STOCK_IMPORT_UNCHANGED] = "unchanged", [STOCK_IMPORT_KEPT] = "kept",
        [STOCK_IMPORT_STALE] = "stale",         [STOCK_IMPORT_UNKNOWN] = "unknown",
    };
    return names[result];
}

/* What the ledger gets. */
typedef struct {
    GArray *movements;
    const char *actor;
} Ledger;

static void add_movement(const Ledger *ledger, const StockImport *line, const char *kind,
                         int64_t delta)
{
    StockMovement movement = {
        .product_id = line->product_id,
        .delta = delta,
        .kind = kind,
        .reason = (char *)REASON,
        .actor = (char *)ledger->actor,
    };
    g_array_append_val(ledger->movements, movement);
}

/* Creates what expects nothing. made[i] tells whether lines[i] was. */
static bool create(StockStore *store, const StockImport *lines, size_t n, bool *made,
                   const Ledger *ledger, GError **error)
{
    g_autofree StockItem *items = g_new(StockItem, n);
    g_autofree size_t *places = g_new(size_t, n);
    g_autofree bool *created = g_new0(bool, n);
    size_t n_items = 0;
    for (size_t i = 0; i < n; i++) {
        if (lines[i].expected.n > 0)
            continue;
        items[n_items] = (StockItem){ lines[i].product_id, lines[i].quantity };
        places[n_items++] = i;
    }
    if (n_items > 0 && !store->ops->create(store, items, n_items, created, error))
        return false;
    for (size_t i = 0; i < n_items; i++) {
        made[places[i]] = created[i];
        if (created[i])
            add_movement(ledger, &lines[places[i]], "created", items[i].quantity);
    }
    return true;
}

/* What a line makes of a level, which is untouched unless it is SET. */
static StockImportResult apply(const StockImport *line, bool set_existing, StockLevel *level)
{
    if (!level->exists) /* also one that was deleted since it could not be created */
        return STOCK_IMPORT_UNKNOWN;
    if (level->quantity == line->quantity)
        return STOCK_IMPORT_UNCHANGED;
    if (!ch_expected_allows(&line->expected, level->quantity))
        return STOCK_IMPORT_STALE;
    if (line->expected.n == 0 && !set_existing)
        return STOCK_IMPORT_KEPT;
    level->quantity = line->quantity;
    return STOCK_IMPORT_SET;
}

static bool change(StockStore *store, const StockImport *lines, size_t n, bool set_existing,
                   const bool *made, StockImportOutcome *outcomes, const Ledger *ledger,
                   GError **error)
{
    g_auto(StockLevels) levels = { .n = 0 };
    g_autoptr(GArray) products = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    for (size_t i = 0; i < n; i++) {
        if (!made[i])
            g_array_append_val(products, lines[i].product_id);
    }
    if (!stock_levels_lock(store, products, &levels, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        outcomes[i] =
            (StockImportOutcome){ .result = STOCK_IMPORT_CREATED, .quantity = lines[i].quantity };
        if (made[i])
            continue;
        StockLevel *level = stock_levels_get(&levels, lines[i].product_id);
        int64_t before = level->quantity;
        outcomes[i].before = before;
        outcomes[i].result = apply(&lines[i], set_existing, level);
        outcomes[i].quantity = level->exists ? level->quantity : 0;
        if (outcomes[i].result != STOCK_IMPORT_SET)
            continue;
        stock_levels_touch(&levels, level);
        add_movement(ledger, &lines[i], "set", level->quantity - before);
    }
    return stock_levels_save(&levels, store, error);
}

bool stock_import(StockStore *store, const StockImport *lines, size_t n, bool set_existing,
                  const char *actor, StockImportOutcome *outcomes, GError **error)
{
    g_autoptr(GArray) movements = g_array_new(FALSE, FALSE, sizeof(StockMovement));
    const Ledger ledger = { movements, actor };
    g_autofree bool *made = g_new0(bool, n);
    if (!create(store, lines, n, made, &ledger, error) ||
        !change(store, lines, n, set_existing, made, outcomes, &ledger, error))
        return false;
    return movements->len == 0 ||
           store->ops->record(store, (const StockMovement *)(void *)movements->data, movements->len,
                              error);
}
