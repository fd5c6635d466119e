/* What clients wait for, and when they have waited enough. */
#include "order/api/wait_orders.h"

#include "chassis/core/config_values.h"
#include "chassis/core/time.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "order/api/order_json.h"
#include "order/api/scopes.h"

enum {
    DEFAULT_TIMEOUT_MS = 20 * 1000, /* less than gateways wait for an answer */
    MAX_TIMEOUT_MS = 60 * 1000,
    MAX_WAIT_CHARS = 64, /* all three with room to spare */
    MAX_TIMEOUT_CHARS = 16,
    ALL_STATUSES = ORDER_CANCELLED,
};

/* The statuses that a request waits for; the data of the request. */
typedef struct {
    bool wanted[ALL_STATUSES + 1];
    int64_t until_us;
} Wish;

/* ---- reading ---- */

static bool read_statuses(const char *text, Wish *wish)
{
    g_auto(GStrv) names = g_strsplit(text, ",", -1);
    for (size_t i = 0; names[i] != NULL; i++) {
        OrderStatus status;
        if (i == ALL_STATUSES || !order_status_parse(names[i], &status))
            return false;
        wish->wanted[status] = true;
    }
    return true;
}

static void read_timeout(const ChHttpRequest *request, Wish *wish, ChViolations *violations)
{
    const char *text = NULL;
    int64_t timeout_ms = DEFAULT_TIMEOUT_MS;
    if (ch_http_query_text(request, "timeout", MAX_TIMEOUT_CHARS, &text, violations) &&
        (!ch_config_parse_duration(text, &timeout_ms) || timeout_ms > MAX_TIMEOUT_MS))
        ch_violations_add(violations, "timeout", "must be 60s at most, such as 20s or 500ms");
    wish->until_us = ch_time_monotonic_us() + timeout_ms * 1000;
}

bool order_api_read_wish(ChHttpRequest *request)
{
    if (ch_http_request_query(request, "wait") == NULL &&
        ch_http_request_query(request, "timeout") == NULL)
        return true;
    g_autoptr(ChViolations) violations = ch_violations_new();
    Wish wish = { .until_us = 0 };
    const char *text = NULL;
    bool waits = ch_http_query_text(request, "wait", MAX_WAIT_CHARS, &text, violations);
    if (waits && !read_statuses(text, &wish))
        ch_violations_add(violations, "wait",
                          "must be one to three of Created, Confirmed and Cancelled, with commas "
                          "between them");
    read_timeout(request, &wish, violations);
    if (ch_violations_count(violations) > 0) {
        ch_http_respond_violations(request, violations);
        return false;
    }
    if (waits)
        ch_http_request_set_data(request, g_memdup2(&wish, sizeof wish), g_free);
    return true;
}

/* ---- waiting ---- */

/* It is not yet what is waited for, but can still become that. */
static bool is_open(const Wish *wish, OrderStatus status)
{
    if (wish->wanted[status])
        return false;
    for (OrderStatus to = ORDER_CREATED; to <= ORDER_CANCELLED; to++) {
        if (wish->wanted[to] && order_status_may_become(status, to))
            return true;
    }
    return false;
}

bool order_api_has_to_wait(const OrderLookups *lookups, ChHttpRequest *request, OrderStatus status)
{
    const Wish *wish = ch_http_request_data(request);
    if (wish == NULL || !is_open(wish, status))
        return false;
    ch_http_waits_for(lookups->waits, request, wish->until_us);
    return true;
}

/* ---- looking again ---- */

/* An order is never deleted by us; somebody else may have done that. */
static bool is_settled(const ChHttpRequest *request, OrderStatus status)
{
    return status == 0 || !is_open(ch_http_request_data(request), status) ||
           ch_http_waits_is_over(request);
}

static bool answer_all(OrderReads *reads, const OrderAsked *asked, ChHttpRequest *const *requests,
                       size_t n, GError **error)
{
    g_autofree Order **orders = g_new0(Order *, n);
    if (n > 0 && !reads->ops->find(reads, asked, n, orders, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        order_api_respond_order(requests[i], orders[i]);
        order_free(orders[i]);
    }
    return true;
}

bool order_api_look_again(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    OrderReads *reads = context;
    g_autofree OrderAsked *asked = g_new0(OrderAsked, n);
    g_autofree OrderStatus *statuses = g_new0(OrderStatus, n);
    g_autofree ChHttpRequest **settled = g_new(ChHttpRequest *, n);
    size_t settled_n = 0;
    for (size_t i = 0; i < n; i++) {
        bool was_there = ch_http_param_uuid(requests[i], "id", &asked[i].id) &&
                         order_api_owner(requests[i], &asked[i].owner);
        g_assert(was_there); /* at first, and neither changes */
    }
    if (!reads->ops->statuses(reads, asked, n, statuses, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_settled(requests[i], statuses[i]))
            continue;
        asked[settled_n] = asked[i];
        settled[settled_n++] = requests[i];
    }
    return answer_all(reads, asked, settled, settled_n, error);
}
