/* The route table, walked whole: every method and path against what it must give. */
#include "chassis/http/router.h"

#include "chassis/http/lane.h"

#include <string.h>

static bool handler(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)context;
    (void)requests;
    (void)n;
    (void)error;
    return true;
}

enum {
    LANE,
};

static const ChHttpLaneKind lanes[] = { [LANE] = { "lane", "" } };

static const ChHttpRoute routes[] = {
    { "GET", "/api/orders", "list", LANE, 0, handler, "", CH_HTTP_PUBLIC },
    { "POST", "/api/orders", "place", LANE, 0, handler, "", CH_HTTP_PUBLIC },
    { "GET", "/api/orders/{id}", "get", LANE, 0, handler, "", CH_HTTP_PUBLIC },
    { "DELETE", "/api/orders/{id}", "delete", LANE, 0, handler, "", CH_HTTP_PUBLIC },
    { "GET", "/api/orders/{id}/history", "history", LANE, 0, handler, "", CH_HTTP_PUBLIC },
    { "POST", "/api/orders/all/close", "closeAll", LANE, 0, handler, "", CH_HTTP_PUBLIC },
    { "POST", "/api/orders/{id}/{verb}", "act", LANE, 0, handler, "", CH_HTTP_PUBLIC },
    { "GET", "/", "root", CH_HTTP_INLINE, 0, handler, "", CH_HTTP_PUBLIC },
};

static const ChHttpRouteTable table = { routes, G_N_ELEMENTS(routes), lanes, G_N_ELEMENTS(lanes),
                                        NULL };

/* ---- a router with the table on a lane ---- */

typedef struct {
    ChHttpLane *lane;
    ChHttpRouter *router;
    char context;
} Fixture;

static void setup(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->lane = ch_http_lane_new("lane", 1, NULL);
    const ChHttpBinding binding = { &table, &f->lane, &f->context };
    f->router = ch_http_router_new(&binding, 1);
}

static void teardown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_http_router_free(f->router);
    ch_http_lane_free(f->lane);
}

/* ---- tests ---- */

static void test_table(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
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
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *decoded = g_malloc(strlen(rows[i].path) + 1);
        ChHttpMatch match = { 0 };
        g_test_message("%s %s", rows[i].method, rows[i].path);
        g_assert_cmpint(
            ch_http_router_match(f->router, rows[i].method, rows[i].path, decoded, &match), ==,
            rows[i].kind);
        if (rows[i].kind != CH_HTTP_FOUND)
            continue;
        g_assert_cmpstr(match.route->pattern, ==, rows[i].pattern);
        g_autoptr(GString) params = g_string_new(NULL);
        for (size_t k = 0; k < match.params_n; k++)
            g_string_append_printf(params, "%s;", match.params[k].value);
        g_assert_cmpstr(params->str, ==, rows[i].params);
    }
}

static void test_allow(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *orders = ch_http_router_allow(f->router, "/api/orders");
    g_autofree char *order = ch_http_router_allow(f->router, "/api/orders/1");
    g_autofree char *none = ch_http_router_allow(f->router, "/nothing");
    g_assert_cmpstr(orders, ==, "GET, HEAD, POST, OPTIONS");
    g_assert_cmpstr(order, ==, "GET, HEAD, DELETE, OPTIONS");
    g_assert_cmpstr(none, ==, "");
}

static void test_lane(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    char decoded[sizeof "/api/orders"];
    ChHttpMatch match = { 0 };
    ch_http_router_match(f->router, "GET", "/api/orders", decoded, &match);
    g_assert_true(match.lane == f->lane);
    ch_http_router_match(f->router, "GET", "/", decoded, &match);
    g_assert_true(match.lane == NULL && match.inline_context == &f->context);
}

/* Runs the test again in a process of its own, which must not survive. */
static void assert_dies(void)
{
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
}

static void test_unbound(void)
{
    if (!g_test_subprocess()) {
        assert_dies();
        return;
    }
    ChHttpLane *none = NULL;
    const ChHttpBinding binding = { &table, &none, NULL };
    ch_http_router_new(&binding, 1);
}

static void test_operation_twice(void)
{
    static const ChHttpRoute row = { "GET", "/b",    "same", CH_HTTP_INLINE,
                                     0,     handler, "",     CH_HTTP_PUBLIC };
    static const ChHttpRoute other = { "GET", "/a",    "same", CH_HTTP_INLINE,
                                       0,     handler, "",     CH_HTTP_PUBLIC };
    static const ChHttpRouteTable tables[] = { { &row, 1, NULL, 0, NULL },
                                               { &other, 1, NULL, 0, NULL } };
    if (!g_test_subprocess()) {
        assert_dies();
        return;
    }
    const ChHttpBinding bindings[] = { { .table = &tables[0] }, { .table = &tables[1] } };
    ch_http_router_new(bindings, G_N_ELEMENTS(bindings));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/router/table", Fixture, NULL, setup, test_table, teardown);
    g_test_add("/router/allow", Fixture, NULL, setup, test_allow, teardown);
    g_test_add("/router/gives-the-lane", Fixture, NULL, setup, test_lane, teardown);
    g_test_add_func("/router/refuses/unbound-lane", test_unbound);
    g_test_add_func("/router/refuses/operation-twice", test_operation_twice);
    return g_test_run();
}
