/* Quantities from outside, many at once: n lines in, n outcomes out; "no" is an outcome. The caller
 * owns all arrays. Errors: the store's, for all lines as a whole. Thread: the lane that owns
 * @store, inside its open transaction. */
#pragma once

#include "stock/application/ports.h"

/** What is to be on hand of a product. */
typedef struct {
    ChUuid product_id;
    int64_t quantity;
    ChExpected expected; /* what may be there; any: it is created where it is not there */
} StockImport;

typedef enum {
    STOCK_IMPORT_CREATED,
    STOCK_IMPORT_SET,
    STOCK_IMPORT_UNCHANGED, /* the quantity is there already */
    STOCK_IMPORT_KEPT,      /* there is another one, and it stays */
    STOCK_IMPORT_STALE,     /* there is another one than was expected */
    STOCK_IMPORT_UNKNOWN,   /* one was expected, and the product is not there */
} StockImportResult;

typedef struct {
    StockImportResult result;
    int64_t quantity; /* what is there now; UNKNOWN: 0 */
    int64_t before;   /* of SET */
} StockImportOutcome;

/** "created"; of any result. */
const char *stock_import_result_name(StockImportResult result);

/** Creates the products that are not there; of the others it sets those whose line expects what is
 * there, and with @set_existing all that expect nothing. Creations first, then the others in the
 * order given. A line whose quantity is there already changes nothing, so that lines may be given
 * again. @actor: who brings them, for the ledger. outcomes[i] answers lines[i]. */
CH_MUST_CHECK bool stock_import(StockStore *store, const StockImport *lines, size_t n,
                                bool set_existing, const char *actor, StockImportOutcome *outcomes,
                                GError **error);
