/* Reads the request that places an order. */
#pragma once

#include "chassis/core/violations.h"
#include "chassis/http/request.h"
#include "order/application/orders.h"

/** The order that @request wants placed, with a new id; NULL when it is not valid, with every fault
 * in @violations. @pricing: who says what its items cost. */
OrderPlacement *order_api_read_placement(const ChHttpRequest *request, OrderPricing pricing,
                                         ChViolations *violations);
