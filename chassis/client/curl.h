/* libcurl, its cleanups, and the options that every transfer of ours has. */
#pragma once

#include <curl/curl.h>
#include <glib.h>
#include <stdint.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)

/** Before anything else of libcurl; takes effect once a process. Any thread. */
void ch_curl_init(void);

/** Sets what protects us: no signals, redirects, proxies, netrc or other protocols than @protocols,
 * and
 * @timeout_ms for connecting and for the whole. */
void ch_curl_protect(CURL *easy, const char *protocols, int64_t timeout_ms);
