/* What answers tell browsers. */
#include "chassis/http/browsers.h"

#include "chassis/http/problem.h"
#include "chassis/http/request.h"

#include <string.h>

#define SHOP "https://shop.example"

static void write_header(void *told, const char *name, const char *value)
{
    g_string_append_printf(told, "%s: %s\n", name, value);
}

/* What is told of an answer to @method, whose handler set the header @name, to a page of @origin.
 */
static char *tell(const ChHttpOrigins *origins, const char *method, const char *origin,
                  const char *name, const char *value)
{
    ChHttpRequest *request = ch_http_request_new("/api/orders", 0, 0);
    GString *told = g_string_new(NULL);
    g_strlcpy(request->method, method, sizeof request->method);
    if (origin != NULL)
        ch_http_request_add_header(request, "origin", 6, origin, strlen(origin));
    if (strcmp(method, "OPTIONS") == 0)
        ch_http_request_add_header(request, "Access-Control-Request-Method", 29, "PUT", 3);
    ch_http_respond_empty(request, 204);
    if (name != NULL)
        ch_http_respond_header(request, name, value);
    ch_http_browsers_tell(origins, false, request, &request->answer, write_header, told);
    ch_http_request_unref(request);
    return g_string_free(told, FALSE);
}

static ChHttpOrigins *must_read(const char *text)
{
    g_autoptr(GError) error = NULL;
    ChHttpOrigins *origins = ch_http_origins_new(text, &error);
    g_assert_no_error(error);
    return origins;
}

static void test_what_is_read_is_kept_by_nobody(void)
{
    g_autofree char *plain = tell(NULL, "GET", SHOP, NULL, NULL);
    g_autofree char *tagged = tell(NULL, "HEAD", NULL, "ETag", "\"1\"");
    g_autofree char *own = tell(NULL, "GET", NULL, "Cache-Control", "no-cache");
    g_assert_cmpstr(plain, ==,
                    "X-Content-Type-Options: nosniff\n"
                    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\n"
                    "Cache-Control: no-store\n");
    g_assert_nonnull(strstr(tagged, "Cache-Control: private, no-cache\n"));
    g_assert_null(strstr(own, "Cache-Control"));
}

static void test_a_post_is_told_nothing_more(void)
{
    g_autofree char *told = tell(NULL, "POST", SHOP, NULL, NULL);
    g_autoptr(ChHttpOrigins) none = must_read("");
    g_autofree char *without = tell(none, "POST", SHOP, NULL, NULL);
    g_assert_cmpstr(told, ==, "X-Content-Type-Options: nosniff\n");
    g_assert_cmpstr(without, ==, told);
}

static void test_a_named_origin_may_read(void)
{
    g_autoptr(ChHttpOrigins) origins = must_read(SHOP ", http://localhost:3000 ,http://[::1]:80");
    g_autofree char *told = tell(origins, "POST", "http://localhost:3000", NULL, NULL);
    g_assert_nonnull(strstr(told, "Vary: Origin\n"));
    g_assert_nonnull(strstr(told, "Access-Control-Allow-Origin: http://localhost:3000\n"));
    g_assert_nonnull(strstr(told, "Access-Control-Expose-Headers: Allow, ETag"));
    g_assert_null(strstr(told, "Credentials"));
}

static void test_no_other_origin_may(void)
{
    static const char *const others[] = { "https://shop.example.evil.example",
                                          "http://shop.example",
                                          "https://shop.example:8443",
                                          "https://SHOP.example",
                                          "null",
                                          "",
                                          NULL };
    g_autoptr(ChHttpOrigins) origins = must_read(SHOP);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *told = tell(origins, "POST", others[i], NULL, NULL);
        g_autofree char *preflight = tell(origins, "OPTIONS", others[i], "Allow", "GET");
        g_assert_cmpstr(told, ==, "X-Content-Type-Options: nosniff\nVary: Origin\n");
        g_assert_cmpstr(preflight, ==, told);
    }
}

static void test_a_preflight_is_told_what_may_be_sent(void)
{
    g_autoptr(ChHttpOrigins) origins = must_read(SHOP);
    g_autofree char *told = tell(origins, "OPTIONS", SHOP, "Allow", "GET, PUT");
    g_assert_nonnull(strstr(told, "Access-Control-Allow-Origin: " SHOP "\n"));
    g_assert_nonnull(strstr(told, "Access-Control-Allow-Methods: GET, PUT\n"));
    g_assert_nonnull(strstr(told, "Authorization, Content-Type, Idempotency-Key, If-Match"));
    g_assert_nonnull(strstr(told, "Access-Control-Max-Age: 600\n"));
}

static void test_what_is_no_origin_is_refused(void)
{
    static const char *const wrong[] = {
        "*",       SHOP "/",          "shop.example", "https://", "https://Shop.example",
        SHOP ",,", "ftp://a.example", "https://a b",  "null",     "https://u@a.example",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(ch_http_origins_new(wrong[i], &error));
        g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
        g_assert_nonnull(strstr(error->message, "CORS_ORIGINS"));
    }
    g_autoptr(GString) many = g_string_new(SHOP);
    for (int i = 0; i < 32; i++)
        g_string_append(many, "," SHOP);
    g_autoptr(GError) error = NULL;
    g_assert_null(ch_http_origins_new(many->str, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
}

/* NULL: without the header. */
static bool sent_for_others(const ChHttpOrigins *origins, const char *method, const char *site,
                            const char *origin)
{
    static const char host[] = "api.example:5001";
    ChHttpRequest *request = ch_http_request_new("/api/orders", 0, 0);
    g_strlcpy(request->method, method, sizeof request->method);
    ch_http_request_add_header(request, "Host", 4, host, strlen(host));
    if (site != NULL)
        ch_http_request_add_header(request, "Sec-Fetch-Site", 14, site, strlen(site));
    if (origin != NULL)
        ch_http_request_add_header(request, "Origin", 6, origin, strlen(origin));
    bool sent = ch_http_browsers_sent_for_others(origins, request);
    ch_http_request_unref(request);
    return sent;
}

static void test_a_page_of_another_origin_changes_nothing(void)
{
    static const struct {
        const char *site, *origin;
        bool refused;
    } rows[] = {
        { NULL, NULL, false }, /* no browser */
        { "same-origin", "https://api.example:5001", false },
        { "none", NULL, false },
        { "cross-site", "https://evil.example", true },
        { "cross-site", NULL, true }, /* it hides where it comes from */
        { "cross-site", "null", true },
        { "same-site", "https://other.example", true },
        { "same-site", "https://api.example:5001", true }, /* what it says of itself is not asked */
        { "", "https://evil.example", true },
        { "cross-site", SHOP, false },
        { NULL, SHOP, false },
        { NULL, "https://api.example:5001", false }, /* an old browser, and our own page */
        { NULL, "http://API.example:5001", false },
        { NULL, "https://api.example", true },
        { NULL, "https://evil.example", true },
        { NULL, "null", true },
        { NULL, "api.example:5001", true },
    };
    g_autoptr(ChHttpOrigins) origins = must_read(SHOP);
    static const char *const changing[] = { "POST", "PUT", "DELETE", "PATCH" };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("%s, %s", rows[i].site, rows[i].origin);
        for (size_t m = 0; m < G_N_ELEMENTS(changing); m++)
            g_assert_cmpint(sent_for_others(origins, changing[m], rows[i].site, rows[i].origin), ==,
                            rows[i].refused);
    }
    g_assert_true(sent_for_others(NULL, "POST", NULL, SHOP));
}

static void test_whoever_asks_may_read(void)
{
    static const char *const safe[] = { "GET", "HEAD", "OPTIONS" };
    for (size_t i = 0; i < G_N_ELEMENTS(safe); i++)
        g_assert_false(sent_for_others(NULL, safe[i], "cross-site", "https://evil.example"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add_func("/http/browsers/" name, test)
    ADD("what-is-read-is-kept-by-nobody", test_what_is_read_is_kept_by_nobody);
    ADD("a-post-is-told-nothing-more", test_a_post_is_told_nothing_more);
    ADD("a-named-origin-may-read", test_a_named_origin_may_read);
    ADD("no-other-origin-may", test_no_other_origin_may);
    ADD("a-preflight-is-told-what-may-be-sent", test_a_preflight_is_told_what_may_be_sent);
    ADD("what-is-no-origin-is-refused", test_what_is_no_origin_is_refused);
    ADD("a-page-of-another-origin-changes-nothing", test_a_page_of_another_origin_changes_nothing);
    ADD("whoever-asks-may-read", test_whoever_asks_may_read);
#undef ADD
    return g_test_run();
}
