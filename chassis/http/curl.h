/* libcurl, its cleanups, and the options that every transfer of ours has. */
#pragma once

#include "chassis/core/error.h"

#include <curl/curl.h>
#include <stdint.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)

/** Once a process; any thread. Errors: CH_ERROR_CONFIG. */
CH_MUST_CHECK bool ch_curl_init(GError **error);

/** Sets what protects us: no signals, redirects, proxies, netrc or other protocols than @protocols,
 * and
 * @timeout_ms for connecting and for the whole. */
void ch_curl_protect(CURL *easy, const char *protocols, int64_t timeout_ms);
