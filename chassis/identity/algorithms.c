/* RFC 7518, section 3.1, without "none" and without HMAC: whoever can check that can sign, too. */
#include "chassis/identity/algorithms.h"

#include <glib.h>
#include <string.h>

static const ChAlgorithm algorithms[] = {
    { "RS256", "RSA", NULL },   { "RS384", "RSA", NULL },   { "RS512", "RSA", NULL },
    { "PS256", "RSA", NULL },   { "PS384", "RSA", NULL },   { "PS512", "RSA", NULL },
    { "ES256", "EC", "P-256" }, { "ES384", "EC", "P-384" }, { "ES512", "EC", "P-521" },
};

const ChAlgorithm *ch_algorithm_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    }
    return NULL;
}
