/* A price over HTTP, in and out. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/json/json.h"
#include "order/application/price.h"
#include "order/application/price_edit.h"

/** Writes @price as one JSON value; of a deleted one no amount. */
void order_api_write_price(GString *json, const OrderPrice *price);

/** Answers with @price, which is listed, and its ETag. */
void order_api_respond_price(ChHttpRequest *request, unsigned status, const OrderPrice *price);

/** Notes for the record what became of a price, when it was changed. */
void order_api_note_price(ChHttpRequest *request, const OrderPriceOutcome *outcome);

/** Answers 404. */
void order_api_respond_no_price(ChHttpRequest *request);

/** Reads unitPrice and currency into @edit; faults become violations. */
void order_api_read_price(ChJsonValue root, OrderPriceEdit *edit, ChViolations *violations);

/** Reads the currency of @root into @currency: one that is paid with, USD when absent. */
void order_api_read_currency(ChJsonValue root, char currency[ORDER_CURRENCY_BYTES],
                             ChViolations *violations);
