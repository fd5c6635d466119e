/* How orders look to clients. */
#pragma once

#include "chassis/http/request.h"
#include "order/application/orders.h"

/** Writes @order as a JSON value. */
void order_api_write_order(GString *json, const Order *order);

/** 200 with @order; 404 when it is NULL. */
void order_api_respond_order(ChHttpRequest *request, const Order *order);

/** 404. */
void order_api_respond_unknown(ChHttpRequest *request);
