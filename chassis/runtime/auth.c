/* On: somebody who knows the callers, and a lane that gets the issuer's keys. */
#include "chassis/runtime/auth.h"

#include "chassis/core/log.h"
#include "chassis/telemetry/metrics.h"

struct ChAuth {
    ChIdentity *identity;
    ChKeySource *keys;
};

static const char OFF[] = "authentication is off: whoever reaches this API may do anything";

CH_GAUGE(off_gauge, "cartwheel_auth_off", "1 while anybody may do anything.", NULL);

bool ch_auth_check(const ChAuthSettings *settings, const ChListen *listen, GError **error)
{
    const ChIssuerSettings *issuer = &settings->issuer;
    bool has_issuer = *issuer->issuer != '\0';
    bool has_more = *issuer->jwks_file != '\0' || *issuer->ca_file != '\0';
    const char *fault = NULL;
    if (settings->mode == CH_AUTH_ON && !has_issuer)
        fault =
            "nobody says who may ask: set AUTH_ISSUER (and AUTH_JWKS_FILE, where it is not asked "
            "for its keys), or AUTH=off to let whoever reaches this API do anything";
    else if (settings->mode != CH_AUTH_ON && (has_issuer || has_more))
        fault =
            "AUTH_ISSUER, AUTH_JWKS_FILE and AUTH_CA_FILE say who may ask, but AUTH is off: set "
            "AUTH=on";
    else if (settings->mode == CH_AUTH_OFF && !ch_config_is_loopback(listen))
        fault = "AUTH is off, and HTTP_LISTEN is not for this machine alone: set AUTH_ISSUER, or "
                "AUTH=off-for-all-networks to let whoever reaches this API do anything";
    if (fault == NULL)
        return ch_issuer_check(issuer, error);
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s", fault);
    return false;
}

static void remind(void)
{
    ch_log_warning(OFF);
}

static bool turn_on(ChAuth *auth, const ChAuthSettings *settings, const ChScopes *scopes,
                    ChHealth *health, ChLaneGroup *threads, GError **error)
{
    auth->identity = ch_issuer_identity(&settings->issuer, settings->customer_claim, scopes);
    auth->keys = ch_issuer_open(&settings->issuer, auth->identity, ch_health_part(health, "issuer"),
                                threads, error);
    return auth->keys != NULL;
}

ChAuth *ch_auth_new(const ChAuthSettings *settings, const ChScopes *scopes, ChHealth *health,
                    ChLaneGroup *threads, GError **error)
{
    g_autoptr(ChAuth) auth = g_new0(ChAuth, 1);
    bool on = settings->mode == CH_AUTH_ON;
    ch_metric_set(ch_metric(&off_gauge, NULL), !on);
    if (!on)
        ch_health_warn(health, OFF);
    else if (!turn_on(auth, settings, scopes, health, threads, error))
        return NULL;
    return g_steal_pointer(&auth);
}

void ch_auth_free(ChAuth *auth)
{
    if (auth == NULL)
        return;
    ch_key_source_free(auth->keys);
    ch_identity_free(auth->identity);
    g_free(auth);
}

ChIdentity *ch_auth_identity(const ChAuth *auth)
{
    return auth->identity;
}

ChReminder ch_auth_reminder(const ChAuth *auth)
{
    return auth->identity == NULL ? remind : NULL;
}
