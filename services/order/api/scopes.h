/* What callers of the order API may be allowed, and the owner to whom they are confined. */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/http/request.h"
#include "chassis/identity/scopes.h"

enum {
    ORDER_SCOPE_PLACE = 1,
    ORDER_SCOPE_READ,
    ORDER_SCOPE_CANCEL,
    ORDER_SCOPE_ANY,    /* with the orders of every customer, not only the caller's own */
    ORDER_SCOPE_PRICES, /* name the prices of an order */
    ORDER_SCOPE_READ_PRICES,
    ORDER_SCOPE_WRITE_PRICES,
    ORDER_SCOPE_UNLIMITED, /* not held to the limits of customers */
    ORDER_SCOPE_PRIVACY,   /* erase what is held of a customer */
    ORDER_SCOPE_AUDIT,
    ORDER_SCOPE_DEAD_LETTERS, /* groups of failures */
    ORDER_SCOPE_CONTROLS,     /* pause and resume */
    ORDER_SCOPE_SUPPORT,      /* act on orders that went wrong */
    ORDER_SCOPE_EDIT_LETTERS, /* change dead letters, and bring some in */
};

extern const ChScopes order_scopes;

/** Whose orders there are for the caller of @request: nil for those of every customer, else the
 * customer that the token names. False: it names none, and the request was answered 403. */
bool order_api_owner(ChHttpRequest *request, ChUuid *owner);
