/* Two kinds of tokens. */
#include "chassis/runtime/operators.h"

#include "chassis/core/time.h"
#include "chassis/http/problem.h"
#include "chassis/http/request_life.h"

#include <string.h>

#define AUTHENTICATE "WWW-Authenticate"

enum {
    ADMIN_TOKEN_MIN_CHARS = 16,
    DEAD_LETTERS = 1, /* the scope */
};

static const char *const scope_names[] = { NULL, [DEAD_LETTERS] = "dead-letters" };

static const ChRole roles[] = {
    { "operator", CH_SCOPE(DEAD_LETTERS) },
    { "admin", CH_SCOPE(DEAD_LETTERS) },
};

static const ChScopes scopes = {
    .names = scope_names,
    .names_n = G_N_ELEMENTS(scope_names),
    .roles = roles,
    .roles_n = G_N_ELEMENTS(roles),
};

struct ChOperators {
    const ChOperatorsSettings *settings;
    ChIdentity *identity; /* NULL: there is no issuer */
    ChKeySource *keys;    /* from open on */
};

/* ---- the settings ---- */

/* It travels in a header, and must not be guessed. */
static bool is_fit(const char *token)
{
    size_t n = strlen(token);
    bool visible = true;
    for (size_t i = 0; i < n; i++)
        visible = visible && g_ascii_isgraph(token[i]);
    return n == 0 || (visible && n >= ADMIN_TOKEN_MIN_CHARS);
}

bool ch_operators_check(const ChOperatorsSettings *settings, GError **error)
{
    const ChIssuerSettings *issuer = &settings->issuer;
    bool has_more = *issuer->jwks_file != '\0' || *issuer->ca_file != '\0';
    const char *fault = NULL;
    if (!is_fit(settings->admin_token))
        fault = "ADMIN_TOKEN: expected 16 or more visible ASCII characters";
    else if (*issuer->issuer == '\0' && has_more)
        fault = "AUTH_JWKS_FILE and AUTH_CA_FILE are of an issuer: set AUTH_ISSUER";
    if (fault == NULL)
        return ch_issuer_check(issuer, error);
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s", fault);
    return false;
}

/* ---- life ---- */

ChOperators *ch_operators_new(const ChOperatorsSettings *settings)
{
    ChOperators *operators = g_new0(ChOperators, 1);
    operators->settings = settings;
    if (*settings->issuer.issuer != '\0')
        operators->identity = ch_issuer_identity(&settings->issuer, "sub", &scopes);
    return operators;
}

void ch_operators_free(ChOperators *operators)
{
    if (operators == NULL)
        return;
    ch_key_source_free(operators->keys);
    ch_identity_free(operators->identity);
    g_free(operators);
}

bool ch_operators_open(ChOperators *operators, ChLaneGroup *threads, GError **error)
{
    if (operators->identity == NULL)
        return true;
    operators->keys =
        ch_issuer_open(&operators->settings->issuer, operators->identity, NULL, threads, error);
    return operators->keys != NULL;
}

/* ---- admitting ---- */

static void respond_too_often(ChHttpRequest *request, unsigned wait_s)
{
    char seconds[16];
    g_snprintf(seconds, sizeof seconds, "%u", wait_s);
    ch_http_respond_problem(request, &ch_http_too_many_requests,
                            "too many wrong tokens came from this address: try again later");
    ch_http_respond_header(request, "Retry-After", seconds);
}

/* @header: RFC 6750, section 3. */
static bool refuse(ChHttpRequest *request, const ChHttpProblem *problem, const char *why,
                   const char *header)
{
    ch_http_respond_problem(request, problem, "%s", why);
    ch_http_respond_header(request, AUTHENTICATE, header);
    return false;
}

/* Takes as long whichever character is the first wrong one; the length is no secret. */
static bool is_same(const char *given, const char *secret)
{
    size_t n = strlen(secret);
    volatile unsigned char difference = 0;
    if (n == 0 || strlen(given) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        difference = (unsigned char)(difference | (given[i] ^ secret[i]));
    return difference == 0;
}

/* NULL: there is none. */
static const char *token_of(const ChHttpRequest *request)
{
    static const char scheme[] = "Bearer ";
    const char *given = ch_http_request_header(request, "Authorization");
    if (given == NULL || g_ascii_strncasecmp(given, scheme, sizeof scheme - 1) != 0)
        return NULL;
    return given + sizeof scheme - 1;
}

static bool refuse_wrong(ChHttpRequest *request, ChWrongTokens *wrong_tokens, const char *why)
{
    ch_wrong_tokens_count(wrong_tokens, ch_http_request_address(request), false,
                          ch_time_monotonic_us());
    return refuse(request, &ch_http_unauthorized, why, "Bearer");
}

/* It may have been meant as either. */
static bool refuse_both(ChHttpRequest *request, ChWrongTokens *wrong_tokens, const char *why)
{
    g_autofree char *both = g_strconcat("this is not the ADMIN_TOKEN of this process, and as an "
                                        "access token: ",
                                        why, NULL);
    return refuse_wrong(request, wrong_tokens, both);
}

/* By a token of the issuer. */
static bool admit_known(ChOperators *operators, ChHttpRequest *request, const char *token,
                        ChWrongTokens *wrong_tokens)
{
    const char *why = NULL;
    ChCaller *caller = NULL;
    switch (ch_identity_ask(operators->identity, token, strlen(token), true, &caller, &why)) {
    case CH_IDENTITY_KNOWN:
        break;
    case CH_IDENTITY_NEW: /* not where new ones are heard */
    case CH_IDENTITY_REFUSED:
        return refuse_both(request, wrong_tokens, why);
    case CH_IDENTITY_NO_KEYS:
        ch_http_respond_unavailable(request, "The keys of the issuer of tokens are not known yet.");
        return false;
    }
    ch_caller_unref(request->caller); /* of a batch that runs again */
    request->caller = caller;
    if ((caller->scopes & CH_SCOPE(DEAD_LETTERS)) != 0)
        return true;
    return refuse(request, &ch_http_forbidden, "the token lacks the scope dead-letters",
                  "Bearer error=\"insufficient_scope\", scope=\"dead-letters\"");
}

bool ch_operators_admit(ChOperators *operators, ChHttpRequest *request, ChWrongTokens *wrong_tokens)
{
    const char *admin_token = operators->settings->admin_token;
    if (*admin_token == '\0' && operators->identity == NULL) {
        ch_http_respond_problem(request, &ch_http_forbidden,
                                "this process has no ADMIN_TOKEN and no AUTH_ISSUER, so nobody may "
                                "administer it");
        return false;
    }
    int64_t now_us = ch_time_monotonic_us();
    unsigned wait_s =
        ch_wrong_tokens_wait_s(wrong_tokens, ch_http_request_address(request), now_us);
    if (wait_s > 0) {
        respond_too_often(request, wait_s);
        return false;
    }
    if (ch_http_request_header(request, "Authorization") == NULL)
        return refuse(request, &ch_http_unauthorized,
                      "the header Authorization: Bearer <token> is missing", "Bearer");
    const char *token = token_of(request);
    if (token != NULL && is_same(token, admin_token)) {
        ch_wrong_tokens_count(wrong_tokens, ch_http_request_address(request), true, now_us);
        ch_http_request_set_actor(request, "admin-token");
        return true;
    }
    if (token != NULL && operators->identity != NULL)
        return admit_known(operators, request, token, wrong_tokens);
    return refuse_wrong(request, wrong_tokens, "this is not the ADMIN_TOKEN of this process");
}
