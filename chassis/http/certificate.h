/* The certificate of a process's listeners, read again when its files change. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/http/key_pair.h"

typedef struct ChHttpCertificate ChHttpCertificate;

/** Reads both files. One that has expired is a warning. Errors: CONFIG, when they are of no use. */
CH_MUST_CHECK ChHttpCertificate *ch_http_certificate_new(const char *certificate_file,
                                                         const char *key_file, GError **error);

/** After the lane and the servers that show it have ended. NULL is fine. */
void ch_http_certificate_free(ChHttpCertificate *certificate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpCertificate, ch_http_certificate_free)

/** What is to be shown now; a reference. Any thread. */
ChHttpKeyPair *ch_http_certificate_show(ChHttpCertificate *certificate);

/** The lane that looks at the files each second, which belongs to the certificate. Files that are
 * of no use change nothing, which is logged once. */
ChLaneConfig ch_http_certificate_lane(ChHttpCertificate *certificate);
