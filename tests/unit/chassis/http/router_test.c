/* The route table, walked whole: every method and path against what it must give. */
#include "chassis/http/router.h"

#include <string.h>

static bool handler(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)context;
    (void)requests;
    (void)n;
    (void)error;
    return true;
}

static const ChHttpRoute routes[] = {
    { "GET", "/api/orders", handler, NULL, NULL, false },
    { "POST", "/api/orders", handler, NULL, NULL, false },
    { "GET", "/api/orders/{id}", handler, NULL, NULL, false },
    { "DELETE", "/api/orders/{id}", handler, NULL, NULL, false },
    { "GET", "/api/orders/{id}/history", handler, NULL, NULL, false },
    { "POST", "/api/orders/all/close", handler, NULL, NULL, false },
    { "POST", "/api/orders/{id}/{verb}", handler, NULL, NULL, false },
    { "GET", "/", handler, NULL, NULL, false },
};

static void test_table(void)
{
    static const struct {
        const char *method;
        const char *path;
        ChHttpMatchKind kind;
        const char *pattern;
        const char *params; /* values, each followed by a semicolon */
    } rows[] = {
        { "GET", "/api/orders", CH_HTTP_FOUND, "/api/orders", "" },
        { "HEAD", "/api/orders", CH_HTTP_FOUND, "/api/orders", "" },
        { "POST", "/api/orders", CH_HTTP_FOUND, "/api/orders", "" },
        { "PUT", "/api/orders", CH_HTTP_METHOD_NOT_ALLOWED, NULL, NULL },
        { "get", "/api/orders", CH_HTTP_METHOD_NOT_ALLOWED, NULL, NULL },
        { "GET", "/api/orders/7", CH_HTTP_FOUND, "/api/orders/{id}", "7;" },
        { "DELETE", "/api/orders/7", CH_HTTP_FOUND, "/api/orders/{id}", "7;" },
        { "POST", "/api/orders/7", CH_HTTP_METHOD_NOT_ALLOWED, NULL, NULL },
        { "GET", "/api/orders/a%2Fb%20c", CH_HTTP_FOUND, "/api/orders/{id}", "a/b c;" },
        { "GET", "/api/%6Frders/7", CH_HTTP_FOUND, "/api/orders/{id}", "7;" },
        { "GET", "/api/orders/7/history", CH_HTTP_FOUND, "/api/orders/{id}/history", "7;" },
        { "POST", "/api/orders/all/close", CH_HTTP_FOUND, "/api/orders/all/close", "" },
        { "POST", "/api/orders/7/close", CH_HTTP_FOUND, "/api/orders/{id}/{verb}", "7;close;" },
        { "POST", "/api/orders/7/history", CH_HTTP_METHOD_NOT_ALLOWED, NULL, NULL },
        { "GET", "/", CH_HTTP_FOUND, "/", "" },
        { "GET", "/api/orders/", CH_HTTP_UNKNOWN_PATH, NULL, NULL },
        { "GET", "/API/orders", CH_HTTP_UNKNOWN_PATH, NULL, NULL },
        { "GET", "/api//orders", CH_HTTP_UNKNOWN_PATH, NULL, NULL },
        { "GET", "/api/orders/7/history/x", CH_HTTP_UNKNOWN_PATH, NULL, NULL },
        { "GET", "/1/2/3/4/5/6/7/8/9", CH_HTTP_UNKNOWN_PATH, NULL, NULL },
        { "GET", "/api/orders/..", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/orders/%2e%2E", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/./orders", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/orders/%00", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/orders/a%0Ab", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/orders/%7f", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/orders/%", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/orders/%f", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "/api/orders/%c3%28", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "api", CH_HTTP_BAD_PATH, NULL, NULL },
        { "OPTIONS", "*", CH_HTTP_BAD_PATH, NULL, NULL },
        { "GET", "", CH_HTTP_BAD_PATH, NULL, NULL },
    };
    g_autoptr(ChHttpRouter) router = ch_http_router_new(routes, G_N_ELEMENTS(routes));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *decoded = g_malloc(strlen(rows[i].path) + 1);
        ChHttpMatch match = { 0 };
        g_test_message("%s %s", rows[i].method, rows[i].path);
        g_assert_cmpint(ch_http_router_match(router, rows[i].method, rows[i].path, decoded, &match),
                        ==, rows[i].kind);
        if (rows[i].kind != CH_HTTP_FOUND)
            continue;
        g_assert_cmpstr(match.route->pattern, ==, rows[i].pattern);
        g_autoptr(GString) params = g_string_new(NULL);
        for (size_t k = 0; k < match.params_n; k++)
            g_string_append_printf(params, "%s;", match.params[k].value);
        g_assert_cmpstr(params->str, ==, rows[i].params);
    }
}

static void test_allow(void)
{
    g_autoptr(ChHttpRouter) router = ch_http_router_new(routes, G_N_ELEMENTS(routes));
    g_autofree char *orders = ch_http_router_allow(router, "/api/orders");
    g_autofree char *order = ch_http_router_allow(router, "/api/orders/1");
    g_autofree char *none = ch_http_router_allow(router, "/nothing");
    g_assert_cmpstr(orders, ==, "GET, HEAD, POST");
    g_assert_cmpstr(order, ==, "GET, HEAD, DELETE");
    g_assert_cmpstr(none, ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/router/table", test_table);
    g_test_add_func("/router/allow", test_allow);
    return g_test_run();
}
