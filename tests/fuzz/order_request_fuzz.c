/* The reader of POST /api/orders. Input: the Idempotency-Key header, a zero byte, the body. */
#include "fuzz.h"
#include "json_tree.h"

#include "chassis/http/problem.h"
#include "chassis/http/request_life.h"
#include "chassis/json/json_writer.h"
#include "order/api/placement.h"

#include <string.h>

static ChHttpRequest *make_request(const char *key, const void *body, size_t bytes)
{
    ChHttpRequest *request = ch_http_request_new("/api/orders", 0, 0);
    request->trace = ch_trace_new();
    if (*key != '\0')
        ch_http_request_add_header(request, "idempotency-key", 15, key, strlen(key));
    request->body = g_string_new_len(body, (gssize)bytes);
    return request;
}

static void check_items(const OrderPlacement *placement)
{
    __int128 total = 0;
    g_assert_true(placement->n_items >= 1 && placement->n_items <= ORDER_MAX_ITEMS);
    for (size_t i = 0; i < placement->n_items; i++) {
        const OrderItem *item = &placement->items[i];
        g_assert_true(item->quantity >= 1 && item->quantity <= ORDER_MAX_QUANTITY);
        g_assert_true(item->unit_price >= 0 && item->unit_price <= ORDER_MAX_UNIT_PRICE);
        total += (__int128)item->quantity * item->unit_price;
        for (size_t k = 0; k < i; k++)
            g_assert_false(ch_uuid_equal(item->product_id, placement->items[k].product_id));
    }
    g_assert_true(total == placement->total && placement->total <= ORDER_MAX_TOTAL);
}

static void check_key(const OrderPlacement *placement, const char *key, const uint8_t *body,
                      size_t bytes)
{
    if (*key == '\0') {
        g_assert_null(placement->idempotency_key);
        return;
    }
    g_assert_cmpstr(placement->idempotency_key, ==, key);
    g_assert_cmpuint(strlen(key), <=, ORDER_MAX_KEY_CHARS);
    for (const char *c = key; *c != '\0'; c++)
        g_assert_true(*c > ' ' && *c < 0x7f);
    g_autofree char *theirs = g_compute_checksum_for_data(G_CHECKSUM_SHA256, body, bytes);
    for (size_t i = 0; i < ORDER_HASH_BYTES; i++) {
        char digits[3];
        g_snprintf(digits, sizeof digits, "%02x", placement->request_hash[i]);
        g_assert_cmpmem(digits, 2, theirs + 2 * i, 2);
    }
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static GString *placement_json(const OrderPlacement *placement)
{
    GString *json = g_string_new(NULL);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "customerId", placement->customer_id);
    ch_json_add_text(json, "currency", placement->currency);
    ch_json_begin_array(json, "items");
    for (size_t i = 0; i < placement->n_items; i++) {
        ch_json_begin_object(json, NULL);
        ch_json_add_uuid(json, "productId", placement->items[i].product_id);
        ch_json_add_integer(json, "quantity", placement->items[i].quantity);
        if (placement->items[i].is_priced)
            ch_json_add_decimal(json, "unitPrice", placement->items[i].unit_price);
        ch_json_end_object(json);
    }
    ch_json_end_array(json);
    ch_json_end_object(json);
    return json;
}

/* What was read, written as a request and read again, is the same order under another id. */
static void check_rewriting(const OrderPlacement *placement)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    GString *json = placement_json(placement);
    ChHttpRequest *request = make_request("", json->str, json->len);
    g_autoptr(OrderPlacement) again =
        order_api_read_placement(request, ORDER_PRICES_NAMED, violations);
    g_assert_nonnull(again);
    g_assert_true(ch_uuid_equal(placement->customer_id, again->customer_id));
    g_assert_false(ch_uuid_equal(placement->id, again->id));
    g_assert_cmpstr(placement->currency, ==, again->currency);
    g_assert_cmpint(placement->total, ==, again->total);
    g_assert_cmpuint(placement->n_items, ==, again->n_items);
    for (size_t i = 0; i < placement->n_items; i++) {
        g_assert_true(ch_uuid_equal(placement->items[i].product_id, again->items[i].product_id));
        g_assert_cmpint(placement->items[i].quantity, ==, again->items[i].quantity);
        g_assert_cmpint(placement->items[i].unit_price, ==, again->items[i].unit_price);
        g_assert_cmpint(placement->items[i].is_priced, ==, again->items[i].is_priced);
    }
    ch_http_request_unref(request);
    g_string_free(json, TRUE);
}

/* A customer is taken the same order, unless it names a price. */
static void check_customer(const OrderPlacement *placement, const ChHttpRequest *request)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(OrderPlacement) theirs =
        order_api_read_placement(request, ORDER_PRICES_OF_LIST, violations);
    bool names_prices = false;
    for (size_t i = 0; i < placement->n_items; i++)
        names_prices |= placement->items[i].is_priced;
    g_assert_true((theirs == NULL) == names_prices);
}

static void check_problem(ChHttpRequest *request, const ChViolations *violations)
{
    ch_http_respond_violations(request, violations);
    const GString *body = request->answer.body;
    g_assert_cmpuint(request->answer.status, ==, 400);
    json_t *theirs = json_loadb(body->str, body->len, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(theirs);
    g_assert_cmpuint(json_object_size(json_object_get(theirs, "errors")), >, 0);
    json_decref(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    g_autofree char *key = fuzz_text(&input);
    g_autofree uint8_t *body = fuzz_rest(&input, &n);
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChHttpRequest *request = make_request(key, body, n);
    g_autoptr(OrderPlacement) placement =
        order_api_read_placement(request, ORDER_PRICES_NAMED, violations);
    g_assert_true((placement == NULL) == (ch_violations_count(violations) > 0));
    if (placement == NULL) {
        check_problem(request, violations);
    } else {
        const char *currency = placement->currency;
        check_items(placement);
        check_key(placement, key, body, n);
        g_assert_cmpuint(strlen(currency), ==, 3);
        g_assert_true(is_capital(currency[0]) && is_capital(currency[1]) &&
                      is_capital(currency[2]));
        g_assert_cmpint(placement->id.bytes[6] >> 4, ==, 7);
        check_rewriting(placement);
        check_customer(placement, request);
    }
    ch_http_request_unref(request);
    return 0;
}
