/* The admin API that announces final orders again (docs/contract.md, 2.8). */
#pragma once

#include "chassis/http/route.h"
#include "chassis/runtime/operators.h"
#include "order/application/ports.h"

/** The context of its handlers, on one lane; all borrowed. */
typedef struct {
    OrderReads *reads;
    OrderStore *store;
    ChOperators *operators; /* who may call */
    ChWrongTokens wrong_tokens;
} OrderAnnounceApi;

/** POST /orders/{id}/announce */
extern const ChHttpRouteTable order_announce_routes;
