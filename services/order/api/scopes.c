/* Roles and their scopes: the part of the order service in docs/security.md. */
#include "order/api/scopes.h"

#include "chassis/http/problem.h"

#include <string.h>

static const char *const names[] = {
    [ORDER_SCOPE_PLACE] = "orders:place",        [ORDER_SCOPE_READ] = "orders:read",
    [ORDER_SCOPE_CANCEL] = "orders:cancel",      [ORDER_SCOPE_ANY] = "orders:any",
    [ORDER_SCOPE_PRICES] = "orders:prices",      [ORDER_SCOPE_READ_PRICES] = "prices:read",
    [ORDER_SCOPE_WRITE_PRICES] = "prices:write", [ORDER_SCOPE_UNLIMITED] = "limits:none",
    [ORDER_SCOPE_PRIVACY] = "privacy",           [ORDER_SCOPE_AUDIT] = "audit",
    [ORDER_SCOPE_DEAD_LETTERS] = "dead-letters", [ORDER_SCOPE_CONTROLS] = "controls",
    [ORDER_SCOPE_SUPPORT] = "support",           [ORDER_SCOPE_EDIT_LETTERS] = "dead-letters:edit",
};

#define OWN                                                                                        \
    (CH_SCOPE(ORDER_SCOPE_PLACE) | CH_SCOPE(ORDER_SCOPE_READ) | CH_SCOPE(ORDER_SCOPE_CANCEL))
#define SHOP                                                                                       \
    (OWN | CH_SCOPE(ORDER_SCOPE_ANY) | CH_SCOPE(ORDER_SCOPE_PRICES) |                              \
     CH_SCOPE(ORDER_SCOPE_READ_PRICES) | CH_SCOPE(ORDER_SCOPE_UNLIMITED))

static const ChRole roles[] = {
    { "customer", OWN },
    { "shop", SHOP },
    { "support", CH_SCOPE(ORDER_SCOPE_READ) | CH_SCOPE(ORDER_SCOPE_CANCEL) |
                     CH_SCOPE(ORDER_SCOPE_ANY) | CH_SCOPE(ORDER_SCOPE_READ_PRICES) |
                     CH_SCOPE(ORDER_SCOPE_SUPPORT) },
    { "operator", CH_SCOPE(ORDER_SCOPE_READ) | CH_SCOPE(ORDER_SCOPE_ANY) |
                      CH_SCOPE(ORDER_SCOPE_DEAD_LETTERS) | CH_SCOPE(ORDER_SCOPE_CONTROLS) },
    { "merchandiser", CH_SCOPE(ORDER_SCOPE_READ_PRICES) | CH_SCOPE(ORDER_SCOPE_WRITE_PRICES) |
                          CH_SCOPE(ORDER_SCOPE_UNLIMITED) },
    { "auditor", CH_SCOPE(ORDER_SCOPE_AUDIT) },
    { "admin", SHOP | CH_SCOPE(ORDER_SCOPE_WRITE_PRICES) | CH_SCOPE(ORDER_SCOPE_PRIVACY) |
                   CH_SCOPE(ORDER_SCOPE_AUDIT) | CH_SCOPE(ORDER_SCOPE_DEAD_LETTERS) |
                   CH_SCOPE(ORDER_SCOPE_CONTROLS) | CH_SCOPE(ORDER_SCOPE_SUPPORT) |
                   CH_SCOPE(ORDER_SCOPE_EDIT_LETTERS) },
};

const ChScopes order_scopes = {
    .names = names,
    .names_n = G_N_ELEMENTS(names),
    .roles = roles,
    .roles_n = G_N_ELEMENTS(roles),
    .unlimited = ORDER_SCOPE_UNLIMITED,
};

bool order_api_owner(ChHttpRequest *request, ChUuid *owner)
{
    static const ChUuid nil;
    *owner = nil;
    if (ch_http_request_may(request, ORDER_SCOPE_ANY))
        return true;
    const char *text = ch_http_request_caller(request)->owner;
    if (ch_uuid_parse(text, strlen(text), owner) && !ch_uuid_equal(*owner, nil))
        return true;
    ch_http_respond_problem(request, &ch_http_forbidden,
                            "the token names no customer: a UUID is needed");
    return false;
}
