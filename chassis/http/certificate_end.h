/* When certificates in a file end. */
#pragma once

#include "chassis/core/error.h"

#include <stdint.h>

/** *until_s (Unix): when those in the PEM file @path end: the first of a chain, or the last of whom
 * we trust (@trusted), of whom one that goes on suffices. Errors: CONFIG: there are none that can
 * be read. */
CH_MUST_CHECK bool ch_http_certificate_end(const char *path, bool trusted, int64_t *until_s,
                                           GError **error);

/** The same of the one in base64 of DER, as keys of an issuer have it (x5c). */
CH_MUST_CHECK bool ch_http_certificate_end_of(const char *base64, int64_t *until_s, GError **error);
