/* Who may ask, and what the others are answered. */
#include "chassis/http/access.h"

#include "chassis/core/time.h"
#include "chassis/http/request.h"
#include "../identity/signer.h"

#include <string.h>

static const char *const names[] = { NULL, "things:read", "things:write" };
static const ChScopes scopes = { .names = names, .names_n = G_N_ELEMENTS(names) };
static const ChTokenRules rules = {
    .issuer = "i", .audience = "a", .type = "at+jwt", .owner_claim = "sub", .scopes = &scopes
};
static const ChHttpRoute reading = { .operation_id = "readThing", .query = "", .scope = 1 };
static const ChHttpRoute open_to_all = { .operation_id = "getOpen",
                                         .query = "",
                                         .scope = CH_HTTP_PUBLIC };

typedef struct {
    Signer *signer;
    ChIdentity *identity;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->signer = signer_new_ec("P-256");
    f->identity = ch_identity_new(&rules);
    g_autofree char *jwk = signer_jwk(f->signer, "k", "");
    g_autofree char *json = g_strdup_printf("{\"keys\":[%s]}", jwk);
    ChKeySet *keys = ch_key_set_parse(json, strlen(json), NULL);
    g_assert_nonnull(keys);
    ch_identity_set_keys(f->identity, keys);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_identity_free(f->identity);
    signer_free(f->signer);
}

static char *bearer(const Fixture *f, const char *scope)
{
    g_autofree char *claims = g_strdup_printf(
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"anna\",\"scope\":\"%s\",\"exp\":%" G_GINT64_FORMAT
        "}",
        scope, ch_time_now_us() / G_USEC_PER_SEC + 60);
    g_autofree char *token = signer_sign(
        f->signer, "ES256", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k\"}", claims);
    return g_strconcat("Bearer ", token, NULL);
}

static ChHttpRequest *request_for(const ChHttpRoute *route, const char *authorization)
{
    ChHttpRequest *request = ch_http_request_new("/things", 0, 0);
    request->match.route = route;
    request->match.scopes = &scopes;
    request->trace = ch_trace_new();
    if (authorization != NULL)
        ch_http_request_add_header(request, "authorization", 13, authorization,
                                   strlen(authorization));
    return request;
}

/* Takes @request: it must be refused. */
static void assert_refused(ChIdentity *identity, ChHttpRequest *request, unsigned status,
                           const char *challenge)
{
    g_assert_false(ch_http_access_check(identity, NULL, request));
    g_assert_cmpuint(request->answer.status, ==, status);
    g_assert_cmpuint(request->answer.headers_n, ==, 1);
    g_assert_cmpstr(request->answer.headers[0].name, ==, "WWW-Authenticate");
    g_assert_cmpstr(request->answer.headers[0].value, ==, challenge);
    ch_http_request_unref(request);
}

static void test_lets_in(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *header = bearer(f, "things:read other");
    ChHttpRequest *request = request_for(&reading, header);
    for (int run = 0; run < 2; run++) { /* a batch may run again */
        g_assert_true(ch_http_access_check(f->identity, NULL, request));
        g_assert_cmpuint(request->answer.status, ==, 0);
        g_assert_cmpstr(ch_http_request_caller(request)->subject, ==, "anna");
        g_assert_true(ch_http_request_may(request, 1));
        g_assert_false(ch_http_request_may(request, 2));
    }
    ch_http_request_unref(request);
}

static void test_scheme_in_any_case(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *header = bearer(f, "things:read");
    memcpy(header, "bEARER", 6);
    ChHttpRequest *request = request_for(&reading, header);
    g_assert_true(ch_http_access_check(f->identity, NULL, request));
    ch_http_request_unref(request);
}

static void test_no_token(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const headers[] = { NULL, "", "Bearer", "Basic YTpi", "Bearer\tx" };
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
        assert_refused(f->identity, request_for(&reading, headers[i]), 401,
                       "Bearer realm=\"cartwheel\"");
}

static void test_bad_token(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    assert_refused(f->identity, request_for(&reading, "Bearer a.b.c"), 401,
                   "Bearer realm=\"cartwheel\", error=\"invalid_token\", "
                   "error_description=\"the header is malformed\"");
    assert_refused(f->identity, request_for(&reading, "Bearer a.b.c, Bearer d"), 401,
                   "Bearer realm=\"cartwheel\", error=\"invalid_token\", "
                   "error_description=\"the header is malformed\"");
}

static void test_another_scope(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *header = bearer(f, "things:write");
    assert_refused(f->identity, request_for(&reading, header), 403,
                   "Bearer realm=\"cartwheel\", error=\"insufficient_scope\", "
                   "scope=\"things:read\"");
}

static void test_nobody_is_asked(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ChHttpRequest *open_request = request_for(&open_to_all, "Bearer nonsense");
    ChHttpRequest *unasked = request_for(&reading, NULL);
    g_assert_true(ch_http_access_check(f->identity, NULL, open_request));
    g_assert_true(ch_http_access_check(NULL, NULL, unasked)); /* authentication is off */
    g_assert_null(ch_http_request_caller(unasked));
    g_assert_true(ch_http_request_may(unasked, 2));
    ch_http_request_unref(open_request);
    ch_http_request_unref(unasked);
}

/* Of an address that brings nothing but tokens that are none, those alone are heard that are known.
 */
static void test_wrong_tokens_run_out(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChHttpLimitsConfig no_rates = { .by_address = false };
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&no_rates);
    g_autofree char *known = bearer(f, "things:read");
    g_autofree char *new = bearer(f, "things:read other");
    const unsigned first_statuses[] = { 0, 401 };
    for (size_t i = 0; i < CH_HTTP_WRONG_TOKENS_BURST + 1; i++) {
        ChHttpRequest *request = request_for(&reading, i == 0 ? known : "Bearer a.b.c");
        ch_http_access_check(f->identity, limits, request);
        g_assert_cmpuint(request->answer.status, ==, first_statuses[MIN(i, 1)]);
        ch_http_request_unref(request);
    }
    ChHttpRequest *again = request_for(&reading, known);
    ChHttpRequest *unheard = request_for(&reading, new);
    ChHttpRequest *elsewhere = request_for(&reading, new);
    elsewhere->client.bytes[0] = 0x20;
    g_assert_true(ch_http_access_check(f->identity, limits, again));
    g_assert_true(ch_http_access_check(f->identity, limits, elsewhere));
    ch_http_request_unref(elsewhere);
    ch_http_request_unref(again);
    g_assert_true(ch_http_access_check(f->identity, limits, unheard)); /* it is known by now */
    ch_http_request_unref(unheard);
    ChHttpRequest *wrong = request_for(&reading, "Bearer d.e.f");
    g_assert_false(ch_http_access_check(f->identity, limits, wrong));
    g_assert_cmpuint(wrong->answer.status, ==, 429);
    g_assert_cmpstr(wrong->answer.headers[0].name, ==, "Retry-After");
    g_assert_cmpstr(wrong->answer.headers[0].value, ==, "1");
    ch_http_request_unref(wrong);
}

/* Brings a token that is none from address number @host; the status of the answer. */
static unsigned bring_wrong(Fixture *f, ChHttpLimits *limits, uint32_t host)
{
    ChHttpRequest *request = request_for(&reading, "Bearer a.b.c");
    memcpy(request->client.bytes, &host, sizeof host);
    g_assert_false(ch_http_access_check(f->identity, limits, request));
    unsigned status = request->answer.status;
    ch_http_request_unref(request);
    return status;
}

/* However many addresses they come from, the sum is bounded: then known tokens alone are heard, and
 * others again when the storm is over. */
static void test_wrong_tokens_of_all_run_out(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const ChHttpLimitsConfig no_rates = { .by_address = false };
    g_autoptr(ChHttpLimits) limits = ch_http_limits_new(&no_rates);
    g_autofree char *known = bearer(f, "things:read");
    g_autofree char *new = bearer(f, "things:read other");
    ChHttpRequest *first = request_for(&reading, known);
    g_assert_true(ch_http_access_check(f->identity, limits, first));
    ch_http_request_unref(first);

    uint32_t host = 1;
    int64_t started_us = ch_time_monotonic_us();
    while (host < 100 * CH_HTTP_ALL_WRONG_TOKENS_PER_SECOND && bring_wrong(f, limits, host) == 401)
        host++;
    int64_t filled = (ch_time_monotonic_us() - started_us) * CH_HTTP_ALL_WRONG_TOKENS_PER_SECOND /
                     G_USEC_PER_SEC;
    g_assert_cmpint(host - 1, >=, CH_HTTP_ALL_WRONG_TOKENS_PER_SECOND);
    g_assert_cmpint(host - 1, <=, CH_HTTP_ALL_WRONG_TOKENS_PER_SECOND + filled + 1);
    ChHttpRequest *again = request_for(&reading, known);
    g_assert_true(ch_http_access_check(f->identity, limits, again));
    ch_http_request_unref(again);

    bool heard = false;
    for (int64_t until_us = ch_time_monotonic_us() + 10 * G_USEC_PER_SEC;
         !heard && ch_time_monotonic_us() < until_us;) {
        ChHttpRequest *newcomer = request_for(&reading, new);
        heard = ch_http_access_check(f->identity, limits, newcomer);
        if (!heard) {
            g_assert_cmpuint(newcomer->answer.status, ==, 429);
            g_assert_cmpstr(newcomer->answer.headers[0].name, ==, "Retry-After");
            g_assert_cmpstr(newcomer->answer.headers[0].value, ==, "1");
            g_assert_nonnull(strstr(newcomer->answer.body->str, "from everywhere"));
        }
        ch_http_request_unref(newcomer);
    }
    g_assert_true(heard);
}

static void test_without_keys_later(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(ChIdentity) identity = ch_identity_new(&rules);
    g_autofree char *header = bearer(f, "things:read");
    ChHttpRequest *request = request_for(&reading, header);
    g_assert_false(ch_http_access_check(identity, NULL, request));
    g_assert_cmpuint(request->answer.status, ==, 503);
    ch_http_request_unref(request);
}

static void add(const char *name, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(name, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/access/lets-in", test_lets_in);
    add("/access/scheme-in-any-case", test_scheme_in_any_case);
    add("/access/no-token", test_no_token);
    add("/access/bad-token", test_bad_token);
    add("/access/another-scope", test_another_scope);
    add("/access/nobody-is-asked", test_nobody_is_asked);
    add("/access/wrong-tokens-run-out", test_wrong_tokens_run_out);
    add("/access/wrong-tokens-of-all-run-out", test_wrong_tokens_of_all_run_out);
    add("/access/without-keys-later", test_without_keys_later);
    return g_test_run();
}
