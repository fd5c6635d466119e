/* Reads PEM by GnuTLS, which libmicrohttpd speaks TLS with. */
#include "chassis/http/key_pair.h"

#include <gnutls/x509.h>
#include <string.h>

#define CERTIFICATE "HTTP_TLS_CERT_FILE"
#define KEY "HTTP_TLS_KEY_FILE"

enum {
    KEY_ID_BYTES = 32, /* SHA-256 */
};

static bool refuse(GError **error, const char *setting, const char *why)
{
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s: %s", setting, why);
    return false;
}

/* ---- reading ---- */

static bool read_file(const char *setting, const char *path, char **text, gnutls_datum_t *datum,
                      GError **error)
{
    gsize bytes = 0;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, text, &bytes, &why))
        return refuse(error, setting, why->message);
    *datum = (gnutls_datum_t){ (unsigned char *)*text, (unsigned)bytes };
    return true;
}

static bool read_dates(ChHttpKeyPair *pair, GError **error)
{
    gnutls_x509_crt_t certificate;
    int fault = gnutls_pcert_export_x509(&pair->chain[0], &certificate);
    if (fault < 0)
        return refuse(error, CERTIFICATE, gnutls_strerror(fault));
    pair->from_s = gnutls_x509_crt_get_activation_time(certificate);
    pair->until_s = gnutls_x509_crt_get_expiration_time(certificate);
    gnutls_x509_crt_deinit(certificate);
    return true;
}

static bool read_chain(ChHttpKeyPair *pair, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gnutls_datum_t pem;
    if (!read_file(CERTIFICATE, path, &text, &pem, error))
        return false;
    unsigned n = CH_HTTP_MAX_CHAIN;
    int fault = gnutls_pcert_list_import_x509_raw(pair->chain, &n, &pem, GNUTLS_X509_FMT_PEM,
                                                  GNUTLS_X509_CRT_LIST_SORT);
    if (fault < 0)
        return refuse(error, CERTIFICATE, gnutls_strerror(fault));
    pair->chain_n = n;
    return read_dates(pair, error);
}

static bool read_key(ChHttpKeyPair *pair, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gnutls_datum_t pem;
    if (!read_file(KEY, path, &text, &pem, error))
        return false;
    gnutls_privkey_init(&pair->key);
    int fault = gnutls_privkey_import_x509_raw(pair->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    explicit_bzero(text, pem.size);
    return fault >= 0 || refuse(error, KEY, gnutls_strerror(fault));
}

static bool is_of(gnutls_pubkey_t certified, gnutls_pubkey_t of_key)
{
    unsigned char left[KEY_ID_BYTES];
    unsigned char right[KEY_ID_BYTES];
    size_t left_bytes = sizeof left;
    size_t right_bytes = sizeof right;
    return gnutls_pubkey_get_key_id(certified, GNUTLS_KEYID_USE_SHA256, left, &left_bytes) == 0 &&
           gnutls_pubkey_get_key_id(of_key, GNUTLS_KEYID_USE_SHA256, right, &right_bytes) == 0 &&
           left_bytes == right_bytes && memcmp(left, right, left_bytes) == 0;
}

static bool fits(const ChHttpKeyPair *pair, GError **error)
{
    gnutls_pubkey_t public_key;
    gnutls_pubkey_init(&public_key);
    int fault = gnutls_pubkey_import_privkey(public_key, pair->key, 0, 0);
    bool same = fault >= 0 && is_of(pair->chain[0].pubkey, public_key);
    gnutls_pubkey_deinit(public_key);
    return same || refuse(error, KEY, "this is not the key of the certificate in " CERTIFICATE);
}

/* ---- life ---- */

ChHttpKeyPair *ch_http_key_pair_read(const char *certificate_file, const char *key_file,
                                     GError **error)
{
    g_autoptr(ChHttpKeyPair) pair = g_new0(ChHttpKeyPair, 1);
    atomic_init(&pair->references, 1);
    if (!read_chain(pair, certificate_file, error) || !read_key(pair, key_file, error) ||
        !fits(pair, error))
        return NULL;
    return g_steal_pointer(&pair);
}

ChHttpKeyPair *ch_http_key_pair_ref(ChHttpKeyPair *pair)
{
    atomic_fetch_add_explicit(&pair->references, 1, memory_order_relaxed);
    return pair;
}

void ch_http_key_pair_unref(ChHttpKeyPair *pair)
{
    if (pair == NULL || atomic_fetch_sub_explicit(&pair->references, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < pair->chain_n; i++)
        gnutls_pcert_deinit(&pair->chain[i]);
    if (pair->key != NULL)
        gnutls_privkey_deinit(pair->key);
    g_free(pair);
}
