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
#undef ADD
    return g_test_run();
}
