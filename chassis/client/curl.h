/* libcurl, its cleanups, and the options that every transfer of ours has. */
#pragma once

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)

/** Before anything else of libcurl; takes effect once a process. Any thread. */
void ch_curl_init(void);

/** A new multi handle. libcurl costs a process half a mebibyte as soon as it is touched, so this is
 * for whoever has a call to make. It fails for want of memory alone, and that ends the process. */
CURLM *ch_curl_multi(void);

/** Sets what protects us: no signals, redirects, proxies, netrc or other protocols than @protocols,
 * and
 * @timeout_ms for connecting and for the whole. */
void ch_curl_protect(CURL *easy, const char *protocols, int64_t timeout_ms);

/** Has it connect to public addresses alone (public_address.h); *refused, which outlives the
 * transfer, becomes true when another one was asked for. A name may lead anywhere, and elsewhere at
 * each look: what counts is where a socket would go. */
void ch_curl_only_public(CURL *easy, bool *refused);

/** Ends a transfer whose answer's head, of which some versions of libcurl keep all, has more than
 * 64 KiB. *left, which outlives the transfer, is 0 then. */
void ch_curl_limit_head(CURL *easy, size_t *left);
