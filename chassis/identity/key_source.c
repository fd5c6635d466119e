/* When to look for keys. */
#include "chassis/identity/key_source.h"

#include "chassis/core/log.h"
#include "chassis/core/ticker.h"
#include "chassis/identity/issuer.h"
#include "chassis/identity/key_file.h"

struct ChKeySource {
    ChTicker *ticker;
    ChKeyFile *file;  /* NULL: from the issuer */
    ChIssuer *issuer; /* NULL: from the file */
    ChHealthPart *health;
    bool had_keys;
    bool away; /* logged */
};

/* ---- looking ---- */

/* The outage of the issuer is one line, and so is its end. */
static void note(ChKeySource *source, bool got, const char *why)
{
    if (got && !source->had_keys)
        ch_log_info("keys of the issuer read");
    else if (got && source->away)
        ch_log_info("the issuer works again");
    else if (!got && !source->away)
        ch_log_warning("the issuer gives no keys: those that are known stay", CH_STR("why", why));
    source->away = !got;
    source->had_keys = source->had_keys || got;
    if (source->health != NULL)
        ch_health_set(source->health, source->had_keys, source->had_keys ? NULL : why);
}

static void ask_issuer(ChKeySource *source)
{
    g_autofree char *why = NULL;
    bool got = ch_issuer_fetch(source->issuer, &why);
    note(source, got, why);
    ch_ticker_next(source->ticker, (got ? CH_KEYS_SOONEST_S : CH_KEYS_RETRY_S) * G_USEC_PER_SEC,
                   (got ? CH_KEYS_REFRESH_S : CH_KEYS_RETRY_S) * G_USEC_PER_SEC);
}

static bool run(void *context, void *const *items, size_t n, GError **error)
{
    (void)items;
    (void)n;
    (void)error;
    ChKeySource *source = context;
    if (source->file != NULL)
        ch_key_file_look(source->file);
    else
        ask_issuer(source);
    return true;
}

static void ring(void *ticker)
{
    ch_ticker_ring(ticker);
}

/* ---- life ---- */

static bool open_source(ChKeySource *source, const ChKeySourceConfig *config, GError **error)
{
    if (*config->jwks_file != '\0') {
        source->file = ch_key_file_new(config->jwks_file, config->identity, error);
        if (source->file != NULL && config->health != NULL)
            ch_health_set(config->health, true, NULL);
        return source->file != NULL;
    }
    const ChIssuerConfig issuer = { config->issuer, config->ca_file, config->identity };
    source->issuer = ch_issuer_new(&issuer, error);
    return source->issuer != NULL;
}

ChKeySource *ch_key_source_new(const ChKeySourceConfig *config, GError **error)
{
    g_autoptr(ChKeySource) source = g_new0(ChKeySource, 1);
    source->health = config->health;
    source->ticker = ch_ticker_new(CH_KEYS_FILE_PERIOD_MS);
    if (!open_source(source, config, error))
        return NULL;
    if (source->issuer != NULL)
        ch_identity_when_key_unknown(config->identity, ring, source->ticker);
    return g_steal_pointer(&source);
}

void ch_key_source_free(ChKeySource *source)
{
    if (source == NULL)
        return;
    ch_ticker_free(source->ticker);
    ch_key_file_free(source->file);
    ch_issuer_free(source->issuer);
    g_free(source);
}

ChLaneConfig ch_key_source_lane(ChKeySource *source)
{
    return (ChLaneConfig){
        .name = "issuer keys",
        .max_batch = 1,
        .source = ch_ticker_source(source->ticker),
        .work = ch_no_work(),
        .handler = run,
        .context = source,
    };
}
