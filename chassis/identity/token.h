/* The rules for access tokens: JWTs (RFC 9068) as RFC 8725 wants them, beside the signature itself,
 * which is chassis/identity/jwk.h's. */
#pragma once

#include "chassis/identity/caller.h"
#include "chassis/identity/key_set.h"
#include "chassis/identity/scopes.h"

enum {
    CH_TOKEN_MAX_BYTES = 8 * 1024,
    CH_TOKEN_MAX_HEADER_BYTES = 1024, /* is read before the signature is known to be good */
    CH_TOKEN_SKEW_S = 30,             /* between our clock and the issuer's */
};

/** What a token has to say; all borrowed. */
typedef struct {
    const char *issuer;
    const char *audience;
    const char *type;        /* of the header: "at+jwt" */
    const char *owner_claim; /* what names the owner of the caller's things: "sub" */
    const ChScopes *scopes;
} ChTokenRules;

typedef enum {
    CH_TOKEN_GOOD,
    CH_TOKEN_BAD,
    CH_TOKEN_UNKNOWN_KEY, /* bad, unless the issuer has a key that we do not know yet */
} ChTokenVerdict;

/** Whether @token is good at @now_s (Unix). *caller, one reference, is set when it is; else *why, a
 * constant sentence that the bearer may see. Any thread. */
ChTokenVerdict ch_token_check(const ChTokenRules *rules, const ChKeySet *keys, const char *token,
                              size_t bytes, int64_t now_s, ChCaller **caller, const char **why);
