/* Limits: who is held to which, and what he is told. */
#include "chassis/http/limits.h"

#include "chassis/http/request.h"

#include <string.h>

static const char *const names[] = { NULL, "things:read", "limits:none" };
static const ChScopes scopes = { .names = names, .names_n = G_N_ELEMENTS(names), .unlimited = 2 };
static const ChHttpLimitsConfig config = {
    .reads = { .per_second = 1, .burst = 3 },
    .writes = { .per_second = 2, .burst = 2 },
};

/* Of @caller, or of the address that ends in @host. */
static ChHttpRequest *request_of(const char *method, ChCaller *caller, uint8_t host)
{
    ChHttpRequest *request = ch_http_request_new("/things", 0, 0);
    g_strlcpy(request->method, method, sizeof request->method);
    request->match.scopes = &scopes;
    request->trace = ch_trace_new();
    request->caller = caller == NULL ? NULL : ch_caller_ref(caller);
    request->client = (ChHttpAddress){ .bytes = { [10] = 0xFF, [11] = 0xFF, [15] = host } };
    return request;
}

static const char *header(const ChHttpRequest *request, const char *name)
{
    for (size_t i = 0; i < request->answer.headers_n; i++) {
        if (strcmp(request->answer.headers[i].name, name) == 0)
            return request->answer.headers[i].value;
    }
    return NULL;
}

/* Whether @request, which it takes, may pass. */
static bool passes(ChHttpLimits *limits, ChHttpRequest *request)
{
    bool passed = ch_http_limits_admit(limits, request);
    g_assert_cmpuint(request->answer.status, ==, passed ? 0 : 429);
    ch_http_request_unref(request);
    return passed;
}

static int passing(ChHttpLimits *limits, const char *method, ChCaller *caller, uint8_t host)
{
    int n = 0;
    while (n < 10 && passes(limits, request_of(method, caller, host)))
        n++;
    return n;
}

static void test_each_subject_has_its_own(void)
{
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&config);
    g_autoptr(ChCaller) anna = ch_caller_new("anna", "", 0, 0);
    g_autoptr(ChCaller) again = ch_caller_new("anna", "", CH_SCOPE(1), 0); /* of another token */
    g_autoptr(ChCaller) berta = ch_caller_new("berta", "", 0, 0);
    g_assert_cmpint(passing(limits, "POST", anna, 1), ==, 2);
    g_assert_cmpint(passing(limits, "DELETE", again, 2), ==, 0);
    g_assert_cmpint(passing(limits, "GET", anna, 1), ==, 3);
    g_assert_cmpint(passing(limits, "HEAD", again, 1), ==, 0);
    g_assert_cmpint(passing(limits, "POST", berta, 1), ==, 2);
}

static void test_who_is_trusted_has_none(void)
{
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&config);
    g_autoptr(ChCaller) shop = ch_caller_new("shop", "", CH_SCOPE(2), 0);
    g_assert_cmpint(passing(limits, "POST", shop, 1), ==, 10);
    g_assert_cmpint(passing(NULL, "POST", shop, 1), ==, 10);
}

static void test_zero_is_no_limit(void)
{
    const ChHttpLimitsConfig reads_alone = { .reads = { 1, 1 }, .writes = { 0, 1 } };
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&reads_alone);
    g_autoptr(ChCaller) anna = ch_caller_new("anna", "", 0, 0);
    g_assert_cmpint(passing(limits, "POST", anna, 1), ==, 10);
    g_assert_cmpint(passing(limits, "GET", anna, 1), ==, 1);
}

static void test_addresses_only_when_wanted(void)
{
    ChHttpLimitsConfig by_address = config;
    by_address.by_address = true;
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&by_address);
    g_autoptr(ChHttpLimits) others = ch_http_limits_new(&config);
    g_assert_cmpint(passing(limits, "POST", NULL, 1), ==, 2);
    g_assert_cmpint(passing(limits, "POST", NULL, 2), ==, 2);
    g_assert_cmpint(passing(others, "POST", NULL, 1), ==, 10);
}

/* A batch that runs again asks again. */
static void test_a_request_counts_once(void)
{
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&config);
    g_autoptr(ChCaller) anna = ch_caller_new("anna", "", 0, 0);
    ChHttpRequest *request = request_of("POST", anna, 1);
    for (int run = 0; run < 5; run++)
        g_assert_true(ch_http_limits_admit(limits, request));
    ch_http_request_unref(request);
    g_assert_cmpint(passing(limits, "POST", anna, 1), ==, 1);
}

static void test_what_is_told(void)
{
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&config);
    g_autoptr(ChCaller) anna = ch_caller_new("anna", "", 0, 0);
    ChHttpRequest *first = request_of("GET", anna, 1);
    g_assert_true(ch_http_limits_admit(limits, first));
    ch_http_respond_empty(first, 204);
    ch_http_limits_tell(first);
    g_assert_cmpstr(header(first, "RateLimit-Policy"), ==, "\"reads\";q=3;w=3");
    g_assert_cmpstr(header(first, "RateLimit"), ==, "\"reads\";r=2;t=1");
    g_assert_null(header(first, "Retry-After"));
    ch_http_request_unref(first);

    g_assert_cmpint(passing(limits, "GET", anna, 1), ==, 2);
    ChHttpRequest *refused = request_of("GET", anna, 1);
    g_assert_false(ch_http_limits_admit(limits, refused));
    ch_http_limits_tell(refused);
    g_assert_cmpstr(header(refused, "RateLimit"), ==, "\"reads\";r=0;t=3");
    g_assert_cmpstr(header(refused, "Retry-After"), ==, "1");
    g_assert_nonnull(strstr(refused->answer.body->str, "urn:cartwheel:problem:too-many-requests"));
    ch_http_request_unref(refused);

    ChHttpRequest *free = request_of("GET", NULL, 1);
    g_assert_true(ch_http_limits_admit(limits, free));
    ch_http_respond_empty(free, 204);
    ch_http_limits_tell(free);
    g_assert_cmpuint(free->answer.headers_n, ==, 0);
    ch_http_request_unref(free);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limits/each-subject-has-its-own", test_each_subject_has_its_own);
    g_test_add_func("/limits/who-is-trusted-has-none", test_who_is_trusted_has_none);
    g_test_add_func("/limits/zero-is-no-limit", test_zero_is_no_limit);
    g_test_add_func("/limits/addresses-only-when-wanted", test_addresses_only_when_wanted);
    g_test_add_func("/limits/a-request-counts-once", test_a_request_counts_once);
    g_test_add_func("/limits/what-is-told", test_what_is_told);
    return g_test_run();
}
