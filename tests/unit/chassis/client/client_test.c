/* The client against our own server, and against servers that misbehave. */
#include "client_fixture.h"

#include "chassis/telemetry/metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    static const ClientTest tests[] = {
        { "/client/ok", test_ok },
        { "/client/retries", test_retries },
        { "/client/refused-is-final", test_refused_is_final },
        { "/client/breaker", test_breaker },
        { "/client/public-only", test_public_only },
        { "/client/many-at-once", test_many_at_once },
        { "/client/impossible-calls", test_impossible_calls },
        { "/client/long-answer", test_long_answer },
        { "/client/silence-and-refusal", test_silence_and_refusal },
        { "/client/budget-and-cancel", test_budget_and_cancel },
    };
    return run_client_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
