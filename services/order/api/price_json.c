/* Prices as JSON. */
#include "order/api/price_json.h"

#include "chassis/core/currency.h"
#include "chassis/http/change.h"
#include "chassis/http/etag.h"
#include "chassis/http/problem.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"

void order_api_write_price(GString *json, const OrderPrice *price)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "productId", price->product_id);
    if (price->listed) {
        ch_json_add_decimal(json, "unitPrice", price->unit_price);
        ch_json_add_text(json, "currency", price->currency);
    }
    ch_json_add_integer(json, "version", price->version);
    ch_json_add_time(json, "changedAt", price->changed_us);
    ch_json_end_object(json);
}

void order_api_respond_price(ChHttpRequest *request, unsigned status, const OrderPrice *price)
{
    GString *json = g_string_sized_new(192);
    order_api_write_price(json, price);
    ch_http_respond_json(request, status, json);
    ch_http_respond_etag(request, price->version);
}

/* NULL: there is none. */
static GString *record_of(const OrderPrice *price)
{
    if (!price->listed)
        return NULL;
    GString *json = g_string_sized_new(192);
    order_api_write_price(json, price);
    return json;
}

void order_api_note_price(ChHttpRequest *request, const OrderPriceOutcome *outcome)
{
    if (outcome->result != ORDER_PRICE_CREATED && outcome->result != ORDER_PRICE_CHANGED)
        return;
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "price",
                                     .id = outcome->price.product_id,
                                     .before = record_of(&outcome->before),
                                     .after = record_of(&outcome->price),
                                 });
}

void order_api_respond_no_price(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "the product has no price");
}

void order_api_read_currency(ChJsonValue root, char currency[ORDER_CURRENCY_BYTES],
                             ChViolations *violations)
{
    const char *text = "USD";
    ch_json_read_text(root, "currency", CH_JSON_OPTIONAL, 3, 3, &text, violations);
    if (ch_currency_digits(text) >= 0)
        g_strlcpy(currency, text, ORDER_CURRENCY_BYTES);
    else
        ch_json_violation(root, "currency", violations,
                          "must be a currency of ISO 4217 in capital letters, such as USD");
}

void order_api_read_price(ChJsonValue root, OrderPriceEdit *edit, ChViolations *violations)
{
    ch_json_read_decimal(root, "unitPrice", CH_JSON_REQUIRED, 0, ORDER_MAX_UNIT_PRICE,
                         &edit->unit_price, violations);
    order_api_read_currency(root, edit->currency, violations);
}
