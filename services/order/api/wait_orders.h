/* Waiting for an order: GET /api/orders/{id}?wait=Confirmed,Cancelled&timeout=20s. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/http/waits.h"
#include "order/application/ports.h"

/** What single orders are looked up with; belongs to a lane. Borrowed. */
typedef struct {
    OrderReads *reads;
    ChHttpWaits *waits;
} OrderLookups;

/** Whether the query of @request is valid; else it was answered. What it asks for stays with it. */
bool order_api_read_wish(ChHttpRequest *request);

/** Whether an order in @status is not what @request waits for, but may become that: then it was
 * left to the waits. */
bool order_api_has_to_wait(const OrderLookups *lookups, ChHttpRequest *request, OrderStatus status);

/** Answers those of requests[0..n) whose order has become what they wait for, or whose time is
 * over. The handler of a ChHttpWaits; its context is an OrderReads. */
bool order_api_look_again(void *reads, ChHttpRequest *const *requests, size_t n, GError **error);
