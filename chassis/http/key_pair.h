/* A certificate with its chain, and its key: what a listener shows of itself in TLS. Read-only, and
 * shared by all whose handshakes show it. */
#pragma once

#include "chassis/core/error.h"

#include <gnutls/abstract.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
    CH_HTTP_MAX_CHAIN = 8, /* certificates from ours to below the root */
};

typedef struct {
    _Atomic int references;
    gnutls_pcert_st chain[CH_HTTP_MAX_CHAIN];
    unsigned chain_n;
    gnutls_privkey_t key;
    int64_t from_s, until_s; /* Unix: when the certificate is good */
} ChHttpKeyPair;

/** Reads both PEM files. Errors: CONFIG, which names the setting of the file that is of no use. */
CH_MUST_CHECK ChHttpKeyPair *ch_http_key_pair_read(const char *certificate_file,
                                                   const char *key_file, GError **error);
ChHttpKeyPair *ch_http_key_pair_ref(ChHttpKeyPair *pair);
void ch_http_key_pair_unref(ChHttpKeyPair *pair); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpKeyPair, ch_http_key_pair_unref)
