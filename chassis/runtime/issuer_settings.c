/* The same issuer, whoever asks for its tokens. */
#include "chassis/runtime/issuer_settings.h"

#include "chassis/core/error.h"

#include <string.h>

bool ch_issuer_check(const ChIssuerSettings *settings, GError **error)
{
    const char *fault = NULL;
    if (strstr(settings->issuer, "://") != NULL && strchr(settings->issuer, '@') != NULL)
        fault = "AUTH_ISSUER must be without a user and a password: it is no secret, every token "
                "names it";
    else if (*settings->jwks_file != '\0' && *settings->ca_file != '\0')
        fault = "AUTH_CA_FILE must be empty where AUTH_JWKS_FILE is set: nothing is fetched";
    if (fault == NULL)
        return true;
    g_set_error_literal(error, CH_ERROR, CH_ERROR_CONFIG, fault);
    return false;
}

ChIdentity *ch_issuer_identity(const ChIssuerSettings *settings, const char *owner_claim,
                               const ChScopes *scopes)
{
    const ChTokenRules rules = {
        .issuer = settings->issuer,
        .audience = settings->audience,
        .type = settings->token_type,
        .owner_claim = owner_claim,
        .scopes = scopes,
    };
    return ch_identity_new(&rules);
}

ChKeySource *ch_issuer_open(const ChIssuerSettings *settings, ChIdentity *identity,
                            ChHealthPart *health, ChLaneGroup *threads, GError **error)
{
    const ChKeySourceConfig config = {
        .issuer = settings->issuer,
        .jwks_file = settings->jwks_file,
        .ca_file = settings->ca_file,
        .identity = identity,
        .health = health,
    };
    ChKeySource *keys = ch_key_source_new(&config, error);
    if (keys == NULL)
        return NULL;
    const ChLaneConfig lane = ch_key_source_lane(keys);
    ch_lane_group_add(threads, &lane);
    return keys;
}
