/* From the JSON body and the Idempotency-Key header to a placement. */
#include "order/api/placement.h"

#include "chassis/core/time.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "order/api/price_json.h"

#include <string.h>

/* A product that was read before (@seen) is a fault of the later item. */
static void read_product(ChJsonValue value, OrderItem *item, GHashTable *seen,
                         ChViolations *violations)
{
    if (ch_json_read_uuid(value, "productId", CH_JSON_REQUIRED, &item->product_id, violations) &&
        !g_hash_table_add(seen, &item->product_id))
        ch_json_violation(value, "productId", violations, "must not repeat a product");
}

static void read_price(ChJsonValue value, OrderPricing pricing, OrderItem *item,
                       ChViolations *violations)
{
    item->is_priced = ch_json_read_decimal(value, "unitPrice", CH_JSON_OPTIONAL, 0,
                                           ORDER_MAX_UNIT_PRICE, &item->unit_price, violations);
    if (item->is_priced && pricing == ORDER_PRICES_OF_LIST)
        ch_json_violation(value, "unitPrice", violations,
                          "must not be named: the price is that of the list");
}

static void read_item(ChJsonValue value, OrderPricing pricing, OrderItem *item, GHashTable *seen,
                      ChViolations *violations)
{
    if (!ch_json_expect_object(value, violations))
        return;
    read_product(value, item, seen, violations);
    ch_json_read_integer(value, "quantity", CH_JSON_REQUIRED, 1, ORDER_MAX_QUANTITY,
                         &item->quantity, violations);
    read_price(value, pricing, item, violations);
}

static void read_items(ChJsonValue root, OrderPlacement *placement, ChViolations *violations)
{
    ChJsonValue items =
        ch_json_read_array(root, "items", CH_JSON_REQUIRED, 1, ORDER_MAX_ITEMS, violations);
    if (!ch_json_is_set(items))
        return;
    g_autoptr(GHashTable) seen = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    placement->items = g_new0(OrderItem, ch_json_length(items));
    for (ChJsonValue item = ch_json_first(items); ch_json_is_set(item); item = ch_json_next(item))
        read_item(item, placement->pricing, &placement->items[placement->n_items++], seen,
                  violations);
    if (!order_total(placement->items, placement->n_items, &placement->total))
        ch_violations_add(violations, "items", ORDER_TOTAL_VIOLATION);
}

/* A key is the caller's own: nobody gets the answer to somebody else's request. What stands before
 * the last space is the caller, for a key has none. */
static char *scoped_key(const ChHttpRequest *request, const char *key)
{
    const ChCaller *caller = ch_http_request_caller(request);
    return caller == NULL ? g_strdup(key) : g_strconcat(caller->subject, " ", key, NULL);
}

static void read_key(const ChHttpRequest *request, OrderPlacement *placement,
                     ChViolations *violations)
{
    const char *key = ch_http_request_header(request, "Idempotency-Key");
    if (key == NULL)
        return;
    size_t length = strlen(key);
    size_t visible = 0;
    while (key[visible] > ' ' && key[visible] < 0x7f)
        visible++;
    if (length == 0 || length > ORDER_MAX_KEY_CHARS || visible != length) {
        ch_violations_add(violations, "Idempotency-Key", "must be 1 to %d visible ASCII characters",
                          ORDER_MAX_KEY_CHARS);
        return;
    }
    size_t bytes;
    gsize hash_bytes = ORDER_HASH_BYTES;
    const char *body = ch_http_request_body(request, &bytes);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)body, (gssize)bytes);
    g_checksum_get_digest(checksum, placement->request_hash, &hash_bytes);
    placement->idempotency_key = scoped_key(request, key);
}

OrderPlacement *order_api_read_placement(const ChHttpRequest *request, OrderPricing pricing,
                                         ChViolations *violations)
{
    g_autoptr(OrderPlacement) placement = g_new0(OrderPlacement, 1);
    placement->pricing = pricing;
    read_key(request, placement, violations);
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    if (json == NULL)
        return NULL;
    ChJsonValue root = ch_json_root(json);
    ch_json_read_uuid(root, "customerId", CH_JSON_REQUIRED, &placement->customer_id, violations);
    read_items(root, placement, violations);
    order_api_read_currency(root, placement->currency, violations);
    if (ch_violations_count(violations) > 0)
        return NULL;
    placement->id = ch_uuid_new();
    placement->created_us = ch_time_now_us();
    placement->trace = ch_http_request_trace(request);
    return g_steal_pointer(&placement);
}
