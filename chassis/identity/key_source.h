/* Where the issuer's keys come from, as a lane: a file that is looked at each second, or the issuer
 * itself, each five minutes and when a token names a key that is unknown. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/identity/identity.h"
#include "chassis/telemetry/health.h"

typedef struct ChKeySource ChKeySource;

enum {
    CH_KEYS_FILE_PERIOD_MS = 1000,
    CH_KEYS_REFRESH_S = 300,
    CH_KEYS_SOONEST_S = 5, /* between two calls of the issuer, whatever tokens name */
    CH_KEYS_RETRY_S = 5,   /* after one that failed */
};

/** All borrowed. */
typedef struct {
    const char *issuer;    /* as tokens name it; without a file an https:// URL */
    const char *jwks_file; /* "": from the issuer */
    const char *ca_file;   /* of the issuer's certificate; "": those of the system */
    ChIdentity *identity;
    ChHealthPart *health; /* not ready until there are keys; they stay while the issuer is away.
                           * NULL: that is no matter of readiness */
} ChKeySourceConfig;

/** A file is read at once. Errors: CONFIG. */
CH_MUST_CHECK ChKeySource *ch_key_source_new(const ChKeySourceConfig *config, GError **error);

/** After its lane has ended. NULL is fine. */
void ch_key_source_free(ChKeySource *source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChKeySource, ch_key_source_free)

/** The lane, which belongs to the source. */
ChLaneConfig ch_key_source_lane(ChKeySource *source);
