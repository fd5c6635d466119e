/* The issuer's keys in a file (AUTH_JWKS_FILE), read again when it changes. */
#pragma once

#include "chassis/identity/identity.h"

typedef struct ChKeyFile ChKeyFile;

/** Reads @path and gives its keys to @identity, which is borrowed. Errors: CONFIG, when the file is
 * not there or holds no key that is of use. */
CH_MUST_CHECK ChKeyFile *ch_key_file_new(const char *path, ChIdentity *identity, GError **error);
void ch_key_file_free(ChKeyFile *file); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChKeyFile, ch_key_file_free)

/** Looks whether the file is another one, and gives its keys to the identity. When it cannot be
 * used, the keys stay as they are, which is logged once. One thread at a time. */
void ch_key_file_look(ChKeyFile *file);
