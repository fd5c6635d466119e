/* Whose word about the client of a request counts: proxies that are named in TRUSTED_PROXIES say it
 * in Forwarded (RFC 7239) or X-Forwarded-For. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/http/address.h"
#include "chassis/http/request.h"

typedef struct ChHttpProxies ChHttpProxies;

/** Of addresses and networks, "10.0.0.0/8, ::1"; "": none. Errors: CH_ERROR_CONFIG. */
CH_MUST_CHECK ChHttpProxies *ch_http_proxies_new(const char *text, GError **error);
void ch_http_proxies_free(ChHttpProxies *proxies); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpProxies, ch_http_proxies_free)

/** Who sent @request, whose headers were read, over a connection from @peer: @peer itself unless it
 * is a trusted proxy; then the last one in the header that is none, or the farthest that can be
 * read. Forwarded goes before X-Forwarded-For. */
ChHttpAddress ch_http_proxies_client(const ChHttpProxies *proxies, const ChHttpRequest *request,
                                     const ChHttpAddress *peer);
