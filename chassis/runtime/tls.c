/* From two settings to a certificate. */
#include "chassis/runtime/tls.h"

bool ch_tls_check(const ChTlsSettings *settings, GError **error)
{
    bool certificate = *settings->certificate_file != '\0';
    bool key = *settings->key_file != '\0';
    if (certificate != key) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                    "HTTP_TLS_CERT_FILE and HTTP_TLS_KEY_FILE go together: only %s is set",
                    key ? "HTTP_TLS_KEY_FILE" : "HTTP_TLS_CERT_FILE");
        return false;
    }
    if (!certificate)
        return true;
    ChHttpKeyPair *pair =
        ch_http_key_pair_read(settings->certificate_file, settings->key_file, error);
    ch_http_key_pair_unref(pair);
    return pair != NULL;
}

bool ch_tls_open(const ChTlsSettings *settings, ChLaneGroup *threads,
                 ChHttpCertificate **certificate, GError **error)
{
    *certificate = NULL;
    if (*settings->certificate_file == '\0')
        return true;
    *certificate = ch_http_certificate_new(settings->certificate_file, settings->key_file, error);
    if (*certificate == NULL)
        return false;
    const ChLaneConfig lane = ch_http_certificate_lane(*certificate);
    ch_lane_group_add(threads, &lane);
    return true;
}
