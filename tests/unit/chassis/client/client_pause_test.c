/* Retry-After: what a server asks for is kept, and by whom. */
#include "client_fixture.h"

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

int main(int argc, char **argv)
{
    static const ClientTest tests[] = {
        { "/client/pause/is-kept", test_a_pause_is_kept },
        { "/client/pause/not-without-reason", test_no_pause_without_reason },
        { "/client/pause/that-fits-is-waited-for", test_a_pause_that_fits_is_waited_for },
        { "/client/pause/is-shared", test_a_pause_is_shared },
        { "/client/many-servers", test_many_servers },
    };
    return run_client_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
