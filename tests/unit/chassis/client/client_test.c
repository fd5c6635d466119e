/* The client against our own server, and against servers that misbehave. */
#include "chassis/client/client.h"
#include "chassis/core/log.h"
#include "chassis/http/request.h"
#include "chassis/http/server.h"
#include "chassis/telemetry/metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    ChHttpServer *server;
    _Atomic int failures; /* how many of the next requests get a 503 */
    _Atomic int requests;
    char *base;
    const char *_Atomic retry_after; /* the header of every answer; NULL: none */
} Fixture;

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

static void setup(Fixture *f, gconstpointer unused)
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

static void teardown(Fixture *f, gconstpointer unused)
{
    (void)unused;
    ch_http_server_free(f->server);
    g_free(f->base);
}

static ChHttpClient *must_make(ChHttpClientConfig config)
{
    g_autoptr(GError) error = NULL;
    if (config.name == NULL)
        config.name = "test";
    ChHttpClient *client = ch_http_client_new(&config, &error);
    g_assert_no_error(error);
    return client;
}

static ChHttpCall get(const char *url)
{
    return (ChHttpCall){ .method = "GET", .url = url };
}

static void test_ok(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){ 0 });
    g_autofree char *url = g_strconcat(f->base, "/status/201", NULL);
    static const char *const headers[] = { "Content-Type: application/json", "X-Test: yes", NULL };
    ChHttpCall calls[2] = {
        { .method = "POST", .url = url, .headers = headers, .body = "{\"a\":1}", .body_bytes = 7 },
        { .method = "GET", .url = url }
    };
    ch_http_client_fetch(client, calls, 2);
    g_assert_cmpint(calls[0].outcome, ==, CH_HTTP_OK);
    g_assert_cmpuint(calls[0].status, ==, 201);
    g_assert_cmpstr(calls[0].answer->str, ==, "{\"a\":1}|yes");
    g_assert_null(calls[0].fault);
    g_assert_cmpstr(calls[1].answer->str, ==, "|-");
    ch_http_call_clear(&calls[0]);
    ch_http_call_clear(&calls[1]);
}

static void test_retries(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client = must_make(
        (ChHttpClientConfig){ .retries = 3, .retry_step_ms = 1, .breaker_failures = 100 });
    g_autofree char *url = g_strconcat(f->base, "/status/200", NULL);
    ChHttpCall call = get(url);
    atomic_store(&f->failures, 3);
    ch_http_client_fetch(client, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_OK);
    g_assert_cmpint(call.tries, ==, 4);
    ch_http_call_clear(&call);
    atomic_store(&f->failures, 100);
    call = get(url);
    ch_http_client_fetch(client, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpuint(call.status, ==, 503);
    g_assert_cmpint(call.tries, ==, 4);
    g_assert_cmpstr(call.fault, ==, "status 503");
    ch_http_call_clear(&call);
}

static void test_refused_is_final(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client =
        must_make((ChHttpClientConfig){ .retries = 3, .retry_step_ms = 1 });
    static const char *const paths[] = { "/status/404", "/status/302", "/status/400" };
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *url = g_strconcat(f->base, paths[i], NULL);
        ChHttpCall call = get(url);
        ch_http_client_fetch(client, &call, 1);
        g_assert_cmpint(call.outcome, ==, CH_HTTP_REFUSED);
        g_assert_cmpint(call.tries, ==, 1);
        ch_http_call_clear(&call);
    }
    g_assert_cmpint(atomic_load(&f->requests), ==, 3); /* the redirect was not followed */
}

static void assert_breaker_metric(const char *value)
{
    g_autofree char *line =
        g_strdup_printf("\ncartwheel_http_client_breaker_state{server=\"breaking\"} %s\n", value);
    GString *text = ch_metrics_render();
    g_assert_nonnull(strstr(text->str, line));
    g_string_free(text, TRUE);
}

static bool probe_succeeds(ChHttpClient *client, const char *url)
{
    ChHttpCall call = get(url);
    ch_http_client_fetch(client, &call, 1);
    bool ok = call.outcome == CH_HTTP_OK;
    g_assert_true(ok || call.outcome == CH_HTTP_BREAKER_OPEN);
    ch_http_call_clear(&call);
    return ok;
}

static void test_breaker(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){
        .name = "breaking", .retry_step_ms = 1, .breaker_failures = 3, .breaker_open_ms = 100 });
    g_autofree char *url = g_strconcat(f->base, "/status/200", NULL);
    atomic_store(&f->failures, 3);
    for (int i = 0; i < 3; i++) {
        ChHttpCall call = get(url);
        ch_http_client_fetch(client, &call, 1);
        g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
        ch_http_call_clear(&call);
    }
    assert_breaker_metric("2");
    int before = atomic_load(&f->requests);
    ChHttpCall call = get(url);
    ch_http_client_fetch(client, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_BREAKER_OPEN);
    g_assert_cmpint(call.tries, ==, 0);
    g_assert_cmpint(atomic_load(&f->requests), ==, before);
    ch_http_call_clear(&call);
    int64_t deadline_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    while (!probe_succeeds(client, url))
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
    assert_breaker_metric("0");
}

/* ---- Retry-After ---- */

/* One call without retries, at a server that answers @status and Retry-After: @retry_after. */
static ChHttpCall ask(Fixture *f, ChHttpClient *client, unsigned status, const char *retry_after)
{
    g_autofree char *url = g_strdup_printf("%s/status/%u", f->base, status);
    ChHttpCall call = get(url);
    atomic_store(&f->retry_after, retry_after);
    ch_http_client_fetch(client, &call, 1);
    call.url = NULL;
    return call;
}

static void assert_pause(Fixture *f, unsigned status, const char *retry_after, int64_t min_ms,
                         int64_t max_ms)
{
    g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){ .retries = 3 });
    ChHttpCall first = ask(f, client, status, retry_after);
    g_test_message("%u, Retry-After: %s", status, retry_after);
    g_assert_cmpint(first.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpint(first.tries, ==, 1);
    g_assert_cmpint(first.retry_after_ms, >=, min_ms);
    g_assert_cmpint(first.retry_after_ms, <=, max_ms);
    int before = atomic_load(&f->requests);
    ChHttpCall second = ask(f, client, status, retry_after);
    g_assert_cmpint(second.outcome, ==, CH_HTTP_PAUSED);
    g_assert_cmpint(second.tries, ==, 0);
    g_assert_cmpint(second.retry_after_ms, >, min_ms - 5000);
    g_assert_cmpint(second.retry_after_ms, <=, max_ms);
    g_assert_cmpint(atomic_load(&f->requests), ==, before);
    ch_http_call_clear(&first);
    ch_http_call_clear(&second);
}

static void test_a_pause_is_kept(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autoptr(GDateTime) then = g_date_time_add_seconds(now, 60);
    g_autofree char *date = g_date_time_format(then, "%a, %d %b %Y %H:%M:%S GMT");
    assert_pause(f, 503, "60", 60000, 60000);
    assert_pause(f, 429, "60", 60000, 60000);
    assert_pause(f, 503, date, 50000, 60000);
    assert_pause(f, 429, "99999999", 600000, 600000); /* within a cap */
}

static void test_no_pause_without_reason(Fixture *f, gconstpointer unused)
{
    (void)unused;
    static const struct {
        unsigned status;
        const char *retry_after;
    } cases[] = { { 200, "60" },
                  { 404, "60" },
                  { 500, "60" },
                  { 503, NULL },
                  { 503, "0" },
                  { 503, "soon" },
                  { 429, "Wed, 21 Oct 2015 07:28:00 GMT" } };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){ 0 });
        for (int try = 1; try <= 2; try++) {
            ChHttpCall call = ask(f, client, cases[i].status, cases[i].retry_after);
            g_test_message("%u", cases[i].status);
            g_assert_cmpint(call.tries, ==, 1);
            g_assert_cmpint(call.retry_after_ms, ==, 0);
            ch_http_call_clear(&call);
        }
    }
}

static void test_a_pause_that_fits_is_waited_for(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client =
        must_make((ChHttpClientConfig){ .retries = 3, .retry_step_ms = 1 });
    atomic_store(&f->failures, 1);
    int64_t start_us = g_get_monotonic_time();
    ChHttpCall call = ask(f, client, 200, "1");
    g_assert_cmpint(call.outcome, ==, CH_HTTP_OK);
    g_assert_cmpint(call.tries, ==, 2);
    g_assert_cmpint(call.retry_after_ms, ==, 0);
    g_assert_cmpint(g_get_monotonic_time() - start_us, >=, G_USEC_PER_SEC);
    ch_http_call_clear(&call);
}

static void test_a_pause_is_shared(Fixture *f, gconstpointer unused)
{
    (void)unused;
    ChPause pause = { 0 };
    g_autoptr(ChHttpClient) one = must_make((ChHttpClientConfig){ .pause = &pause });
    g_autoptr(ChHttpClient) other = must_make((ChHttpClientConfig){ .pause = &pause });
    ChHttpCall first = ask(f, one, 503, "60");
    ChHttpCall second = ask(f, other, 503, "60");
    g_assert_cmpint(first.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpint(second.outcome, ==, CH_HTTP_PAUSED);
    g_assert_cmpint(atomic_load(&f->requests), ==, 1);
    ch_http_call_clear(&first);
    ch_http_call_clear(&second);
}

/* One that fails and asks for a pause stops nobody else. */
static void test_many_servers(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client =
        must_make((ChHttpClientConfig){ .many_servers = true, .breaker_failures = 1 });
    ChHttpCall first = ask(f, client, 503, "60");
    g_assert_cmpint(first.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpint(first.retry_after_ms, ==, 60000);
    ChHttpCall second = ask(f, client, 200, NULL);
    g_assert_cmpint(second.outcome, ==, CH_HTTP_OK);
    ch_http_call_clear(&first);
    ch_http_call_clear(&second);
}

static void test_public_only(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){ .public_only = true });
    g_autofree char *by_name =
        g_strdup_printf("http://localhost:%u/status/200", ch_http_server_port(f->server));
    g_autofree char *by_number = g_strconcat(f->base, "/status/200", NULL);
    const char *const urls[] = { by_name, by_number };
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        ChHttpCall call = get(urls[i]);
        ch_http_client_fetch(client, &call, 1);
        g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
        g_assert_cmpstr(call.fault, ==, "its address is not a public one");
        ch_http_call_clear(&call);
    }
    g_assert_cmpint(atomic_load(&f->requests), ==, 0);
}

static void test_many_at_once(Fixture *f, gconstpointer unused)
{
    (void)unused;
    enum {
        CALLS = 64
    };
    g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){ .max_concurrent = 4 });
    g_autofree char *url = g_strconcat(f->base, "/status/200", NULL);
    ChHttpCall calls[CALLS];
    for (size_t i = 0; i < CALLS; i++)
        calls[i] = get(url);
    ch_http_client_fetch(client, calls, CALLS);
    for (size_t i = 0; i < CALLS; i++) {
        g_assert_cmpint(calls[i].outcome, ==, CH_HTTP_OK);
        ch_http_call_clear(&calls[i]);
    }
    g_assert_cmpint(atomic_load(&f->requests), ==, CALLS);
}

static void test_impossible_calls(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){ .retries = 2 });
    g_autofree char *url = g_strconcat(f->base, "/status/200", NULL);
    static const char *const headers[] = { "X-Test: a\r\nX-Other: b", NULL };
    ChHttpCall calls[] = {
        get("file:///etc/passwd"),
        get("gopher://127.0.0.1/"),
        get("http://127.0.0.1:port/"),
        get("http://127.0.0.1/\r\nX: y"),
        { .method = "GET", .url = url, .headers = headers },
    };
    ch_http_client_fetch(client, calls, G_N_ELEMENTS(calls));
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_assert_cmpint(calls[i].outcome, ==, CH_HTTP_REFUSED);
        g_assert_nonnull(calls[i].fault);
        ch_http_call_clear(&calls[i]);
    }
    g_assert_cmpint(atomic_load(&f->requests), ==, 0);
}

static void test_long_answer(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(ChHttpClient) client = must_make((ChHttpClientConfig){ .max_answer_bytes = 16 });
    g_autofree char *url = g_strconcat(f->base, "/status/200", NULL);
    ChHttpCall call = {
        .method = "POST", .url = url, .body = "1234567890123456", .body_bytes = 16
    };
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    call.headers = headers;
    ch_http_client_fetch(client, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpstr(call.fault, ==, "the answer is longer than 16 bytes");
    ch_http_call_clear(&call);
}

/* A socket that listens and never answers; its port. */
static int must_listen(uint16_t *port)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr any;
    } address = { .v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } } };
    socklen_t bytes = sizeof(address.v4);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fd, &address.any, bytes), ==, 0);
    g_assert_cmpint(listen(fd, 16), ==, 0);
    g_assert_cmpint(getsockname(fd, &address.any, &bytes), ==, 0);
    *port = ntohs(address.v4.sin_port);
    return fd;
}

static void test_silence_and_refusal(Fixture *f, gconstpointer unused)
{
    (void)f;
    (void)unused;
    uint16_t port = 0;
    int fd = must_listen(&port);
    g_autoptr(ChHttpClient) client =
        must_make((ChHttpClientConfig){ .timeout_ms = 50, .retries = 1, .retry_step_ms = 1 });
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", port);
    ChHttpCall call = get(url);
    ch_http_client_fetch(client, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpint(call.tries, ==, 2);
    ch_http_call_clear(&call);
    close(fd);
    call = get(url);
    ch_http_client_fetch(client, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpuint(call.status, ==, 0);
    ch_http_call_clear(&call);
}

static bool soon(void *context)
{
    int *asked = context;
    return ++*asked > 1;
}

static void test_budget_and_cancel(Fixture *f, gconstpointer unused)
{
    (void)f;
    (void)unused;
    uint16_t port = 0;
    int fd = must_listen(&port);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", port);
    g_autoptr(ChHttpClient) hasty =
        must_make((ChHttpClientConfig){ .timeout_ms = 60000, .total_budget_ms = 50 });
    ChHttpCall call = get(url);
    ch_http_client_fetch(hasty, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
    ch_http_call_clear(&call);
    int asked = 0;
    g_autoptr(ChHttpClient) cancelled = must_make((ChHttpClientConfig){
        .timeout_ms = 60000, .total_budget_ms = 60000, .cancelled = soon, .context = &asked });
    call = get(url);
    ch_http_client_fetch(cancelled, &call, 1);
    g_assert_cmpint(call.outcome, ==, CH_HTTP_UNAVAILABLE);
    g_assert_cmpstr(call.fault, ==, "cancelled");
    ch_http_call_clear(&call);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("client-test", CH_LOG_ERROR);
    static const struct {
        const char *name;
        void (*test)(Fixture *, gconstpointer);
    } tests[] = {
        { "/client/ok", test_ok },
        { "/client/retries", test_retries },
        { "/client/refused-is-final", test_refused_is_final },
        { "/client/breaker", test_breaker },
        { "/client/pause/is-kept", test_a_pause_is_kept },
        { "/client/pause/not-without-reason", test_no_pause_without_reason },
        { "/client/pause/that-fits-is-waited-for", test_a_pause_that_fits_is_waited_for },
        { "/client/pause/is-shared", test_a_pause_is_shared },
        { "/client/many-servers", test_many_servers },
        { "/client/public-only", test_public_only },
        { "/client/many-at-once", test_many_at_once },
        { "/client/impossible-calls", test_impossible_calls },
        { "/client/long-answer", test_long_answer },
        { "/client/silence-and-refusal", test_silence_and_refusal },
        { "/client/budget-and-cancel", test_budget_and_cancel },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].test, teardown);
    return g_test_run();
}
