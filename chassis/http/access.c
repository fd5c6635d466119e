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

static bool identify(ChIdentity *identity, ChHttpLimits *limits, ChHttpRequest *request)
{
    const char *why = NULL;
    const char *token = token_of(request);
    ChCaller **caller = &request->caller;
    if (token == NULL) {
        respond_no_token(request);
        return false;
    }
    size_t bytes = strlen(token);
    ChIdentityAnswer answer = ch_identity_ask(identity, token, bytes, false, caller, &why);
    if (answer == CH_IDENTITY_NEW && ch_http_limits_hears(limits, request))
        answer = ch_identity_ask(identity, token, bytes, true, caller, &why);
    switch (answer) {
    case CH_IDENTITY_KNOWN:
        return true;
    case CH_IDENTITY_REFUSED:
        ch_http_limits_wrong_token(limits, request);
        respond_bad_token(request, why);
        return false;
    case CH_IDENTITY_NEW:
        ch_http_limits_respond_unheard(limits, request);
        return false;
    case CH_IDENTITY_NO_KEYS:
        ch_http_respond_unavailable(request, "The keys of the issuer of tokens are not known yet.");
        return false;
    }
    g_assert_not_reached();
}

static bool is_public(const ChHttpRoute *route)
{
    return route->scope < 0;
}

bool ch_http_access_check(ChIdentity *identity, ChHttpLimits *limits, ChHttpRequest *request)
{
    const ChHttpRoute *route = request->match.route;
    if (identity == NULL || is_public(route))
        return ch_http_limits_admit(limits, request);
    if (request->caller == NULL && /* else the batch runs again */
        !identify(identity, limits, request))
        return false;
    if (!ch_http_limits_admit(limits, request))
        return false;
    if (ch_http_request_may(request, route->scope))
        return true;
    respond_forbidden(request, request->match.scopes->names[route->scope]);
    return false;
}
