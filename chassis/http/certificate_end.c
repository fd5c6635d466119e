/* Reading dates. */
#include "chassis/http/certificate_end.h"

#include <gnutls/x509.h>

static bool refuse(const char *why, GError **error)
{
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s", why);
    return false;
}

static int64_t end_of(const gnutls_x509_crt_t *certificates, unsigned n, bool trusted)
{
    int64_t end = gnutls_x509_crt_get_expiration_time(certificates[0]);
    for (unsigned i = 1; i < n; i++) {
        int64_t one = gnutls_x509_crt_get_expiration_time(certificates[i]);
        end = trusted ? MAX(end, one) : MIN(end, one);
    }
    return end;
}

static bool read_ends(const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format, bool trusted,
                      int64_t *until_s, GError **error)
{
    gnutls_x509_crt_t *certificates = NULL;
    unsigned n = 0;
    int fault = gnutls_x509_crt_list_import2(&certificates, &n, data, format, 0);
    if (fault < 0 || n == 0)
        return refuse(fault < 0 ? gnutls_strerror(fault) : "there is no certificate", error);
    *until_s = end_of(certificates, n, trusted);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(certificates[i]);
    gnutls_free(certificates);
    return true;
}

bool ch_http_certificate_end(const char *path, bool trusted, int64_t *until_s, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    gsize bytes = 0;
    if (!g_file_get_contents(path, &text, &bytes, &why))
        return refuse(why->message, error);
    const gnutls_datum_t pem = { (unsigned char *)text, (unsigned)bytes };
    return read_ends(&pem, GNUTLS_X509_FMT_PEM, trusted, until_s, error);
}

bool ch_http_certificate_end_of(const char *base64, int64_t *until_s, GError **error)
{
    gsize bytes = 0;
    g_autofree guchar *der = g_base64_decode(base64, &bytes);
    const gnutls_datum_t data = { der, (unsigned)bytes };
    return read_ends(&data, GNUTLS_X509_FMT_DER, false, until_s, error);
}
