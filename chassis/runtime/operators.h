/* Who may operate a worker through its admin listener: whoever brings its ADMIN_TOKEN, for when all
 * else is broken, and whoever the issuer of access tokens gives the scope `dead-letters`. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/core/lane_group.h"
#include "chassis/http/request.h"
#include "chassis/runtime/issuer_settings.h"
#include "chassis/runtime/wrong_tokens.h"

typedef struct {
    char *admin_token;       /* "": nobody */
    ChIssuerSettings issuer; /* empty: nobody */
} ChOperatorsSettings;

/* clang-format off */
#define CH_OPERATORS_KEYS(type, field)                                                             \
    CH_CONFIG_KEY("ADMIN_TOKEN", CH_CONFIG_SECRET, type, field.admin_token, "",                    \
                  "opens the dead letters on ADMIN_LISTEN; empty: to nobody", NULL),               \
    CH_ISSUER_KEYS(type, field.issuer)
/* clang-format on */

/** Whether the settings go together. Errors: CONFIG. */
CH_MUST_CHECK bool ch_operators_check(const ChOperatorsSettings *settings, GError **error);

typedef struct ChOperators ChOperators;

/** Borrows @settings. The issuer's keys are not known before ch_operators_open(). */
ChOperators *ch_operators_new(const ChOperatorsSettings *settings);

/** After the lanes have ended. NULL is fine. */
void ch_operators_free(ChOperators *operators);

/** Adds the lane that gets the issuer's keys, if there is an issuer. Readiness does not ask for
 * them: messages need none. Errors: CONFIG. */
CH_MUST_CHECK bool ch_operators_open(ChOperators *operators, ChLaneGroup *threads, GError **error);

/** Whether who sent @request may act; else it was answered: 401, 403, 503 while no keys are known,
 * or 429 when its address sent too many wrong tokens, which @wrong_tokens counts. On a lane's
 * thread: signatures take long. */
bool ch_operators_admit(ChOperators *operators, ChHttpRequest *request,
                        ChWrongTokens *wrong_tokens);
