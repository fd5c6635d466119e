/* What the tests of the client begin with. */
#include "client_fixture.h"

#include "chassis/core/log.h"
#include "chassis/http/request.h"

#include <stdlib.h>

static void add_retry_after(Fixture *f, ChHttpRequest *request)
{
    const char *retry_after = atomic_load(&f->retry_after);
    if (retry_after != NULL)
        ch_http_respond_header(request, "Retry-After", retry_after);
}

static bool answer(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)error;
    g_assert_cmpuint(n, ==, 1);
    Fixture *f = context;
    atomic_fetch_add(&f->requests, 1);
    if (atomic_fetch_sub(&f->failures, 1) > 0) {
        ch_http_respond_empty(requests[0], 503);
        add_retry_after(f, requests[0]);
        return true;
    }
    unsigned status = (unsigned)strtoul(ch_http_request_param(requests[0], "status"), NULL, 10);
    size_t bytes = 0;
    const char *body = ch_http_request_body(requests[0], &bytes);
    const char *header = ch_http_request_header(requests[0], "X-Test");
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s|%s", body, header ? header : "-");
    ch_http_respond_text(requests[0], status, "text/plain", text);
    add_retry_after(f, requests[0]);
    if (status == 302)
        ch_http_respond_header(requests[0], "Location", "/status/200");
    return true;
}

static const ChHttpRoute routes[] = {
    { "GET", "/status/{status}", "getStatus", CH_HTTP_INLINE, 0, answer, "", CH_HTTP_PUBLIC },
    { "POST", "/status/{status}", "postStatus", CH_HTTP_INLINE, 0, answer, "", CH_HTTP_PUBLIC },
};

static const ChHttpRouteTable table = { .routes = routes, .routes_n = G_N_ELEMENTS(routes) };

void setup(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    *f = (Fixture){ 0 };
    const ChHttpBinding binding = { .table = &table, .inline_context = f };
    ChHttpServerConfig config = { .listen = { "127.0.0.1", 0 },
                                  .bindings = &binding,
                                  .bindings_n = 1 };
    f->server = ch_http_server_new(&config, &error);
    g_assert_no_error(error);
    g_assert_true(ch_http_server_start(f->server, &error));
    f->base = g_strdup_printf("http://127.0.0.1:%u", ch_http_server_port(f->server));
}

void teardown(Fixture *f, gconstpointer unused)
{
    (void)unused;
    ch_http_server_free(f->server);
    g_free(f->base);
}

ChHttpClient *must_make(ChHttpClientConfig config)
{
    if (config.name == NULL)
        config.name = "test";
    return ch_http_client_new(&config);
}

ChHttpCall get(const char *url)
{
    return (ChHttpCall){ .method = "GET", .url = url };
}

int run_client_tests(int argc, char **argv, const ClientTest *tests, size_t n)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("client-test", CH_LOG_ERROR);
    for (size_t i = 0; i < n; i++)
        g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].test, teardown);
    return g_test_run();
}
