/* Answers to those who are not known, and to those who may not. */
#include "chassis/http/access.h"

#include "chassis/http/problem.h"

#include <string.h>

#define AUTHENTICATE "WWW-Authenticate"
#define REALM "Bearer realm=\"cartwheel\""

/* RFC 6750, section 3: who brings no token is told of no error. */
static void respond_no_token(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_unauthorized,
                            "the header Authorization: Bearer <token> is missing");
    ch_http_respond_header(request, AUTHENTICATE, REALM);
}

static void respond_bad_token(ChHttpRequest *request, const char *why)
{
    g_autofree char *challenge =
        g_strdup_printf(REALM ", error=\"invalid_token\", error_description=\"%s\"", why);
    ch_http_respond_problem(request, &ch_http_unauthorized, "%s", why);
    ch_http_respond_header(request, AUTHENTICATE, challenge);
}

static void respond_forbidden(ChHttpRequest *request, const char *scope)
{
    g_autofree char *challenge =
        g_strdup_printf(REALM ", error=\"insufficient_scope\", scope=\"%s\"", scope);
    ch_http_respond_problem(request, &ch_http_forbidden, "the token lacks the scope %s", scope);
    ch_http_respond_header(request, AUTHENTICATE, challenge);
}

/* NULL: there is none. */
static const char *token_of(const ChHttpRequest *request)
{
    static const char scheme[] = "Bearer ";
    const char *given = ch_http_request_header(request, "Authorization");
    if (given == NULL || g_ascii_strncasecmp(given, scheme, sizeof scheme - 1) != 0)
        return NULL;
    return given + sizeof scheme - 1 + strspn(given + sizeof scheme - 1, " ");
}

static bool identify(ChIdentity *identity, ChHttpRequest *request)
{
    const char *why = NULL;
    const char *token = token_of(request);
    if (token == NULL) {
        respond_no_token(request);
        return false;
    }
    switch (ch_identity_ask(identity, token, strlen(token), &request->caller, &why)) {
    case CH_IDENTITY_KNOWN:
        return true;
    case CH_IDENTITY_REFUSED:
        respond_bad_token(request, why);
        return false;
    case CH_IDENTITY_NO_KEYS:
        ch_http_respond_unavailable(request, "The keys of the issuer of tokens are not known yet.");
        return false;
    }
    g_assert_not_reached();
}

bool ch_http_access_check(ChIdentity *identity, ChHttpRequest *request)
{
    int scope = request->match.route->scope;
    if (identity == NULL || scope < 0)
        return true;
    if (request->caller == NULL && !identify(identity, request)) /* else the batch runs again */
        return false;
    if (ch_http_request_may(request, scope))
        return true;
    respond_forbidden(request, request->match.scopes->names[scope]);
    return false;
}
