/* TLS of a process's listeners: its settings, and the certificate that they ask for. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/core/lane_group.h"
#include "chassis/http/certificate.h"

typedef struct {
    char *certificate_file; /* "": plain HTTP */
    char *key_file;
} ChTlsSettings;

#define CH_TLS_CERTIFICATE_KEY "HTTP_TLS_CERT_FILE"

/* clang-format off */
#define CH_TLS_KEYS(type, field)                                                                   \
    CH_CONFIG_KEY(CH_TLS_CERTIFICATE_KEY, CH_CONFIG_TEXT, type, field.certificate_file, "",        \
                  "PEM file of the certificate, with its chain, of every listener of the process; " \
                  "read again when it changes; empty: plain HTTP", NULL),                          \
    CH_CONFIG_KEY("HTTP_TLS_KEY_FILE", CH_CONFIG_TEXT, type, field.key_file, "",                   \
                  "PEM file of its key", NULL)
/* clang-format on */

/** Whether they are both there or none, and of use. Errors: CONFIG. */
CH_MUST_CHECK bool ch_tls_check(const ChTlsSettings *settings, GError **error);

/** The certificate, whose lane is added to @threads; *certificate is NULL where there is none to
 * be. Free it after the lanes and the servers. Errors: CONFIG. */
CH_MUST_CHECK bool ch_tls_open(const ChTlsSettings *settings, ChLaneGroup *threads,
                               ChHttpCertificate **certificate, GError **error);
