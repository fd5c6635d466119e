/* libcurl, its cleanups, and the options that every transfer of ours has. */
#pragma once

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** What we call of libcurl. */
#define CH_LIBCURL_FUNCTIONS(X)                                                                    \
    X(easy_cleanup)                                                                                \
    X(easy_getinfo)                                                                                \
    X(easy_init)                                                                                   \
    X(easy_perform)                                                                                \
    X(easy_reset)                                                                                  \
    X(easy_setopt)                                                                                 \
    X(easy_strerror)                                                                               \
    X(global_init)                                                                                 \
    X(multi_add_handle)                                                                            \
    X(multi_cleanup)                                                                               \
    X(multi_info_read)                                                                             \
    X(multi_init)                                                                                  \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_remove_handle)                                                                         \
    X(slist_append)                                                                                \
    X(slist_free_all)

/** Where it lies, once ch_curl_init() has loaded it: a process that calls nobody is spared what
 * comes with it (docs/decisions/0094). Constant from then on. */
#define CH_LIBCURL_POINTER(name) __typeof__(curl_##name) *name;
typedef struct {
    CH_LIBCURL_FUNCTIONS(CH_LIBCURL_POINTER)
} ChLibcurl;
extern ChLibcurl ch_libcurl;

/* Calls are written as libcurl's manual has them. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#define curl_easy_cleanup ch_libcurl.easy_cleanup
#define curl_easy_getinfo ch_libcurl.easy_getinfo
#define curl_easy_init ch_libcurl.easy_init
#define curl_easy_perform ch_libcurl.easy_perform
#define curl_easy_reset ch_libcurl.easy_reset
#define curl_easy_setopt ch_libcurl.easy_setopt
#define curl_easy_strerror ch_libcurl.easy_strerror
#define curl_global_init ch_libcurl.global_init
#define curl_multi_add_handle ch_libcurl.multi_add_handle
#define curl_multi_cleanup ch_libcurl.multi_cleanup
#define curl_multi_info_read ch_libcurl.multi_info_read
#define curl_multi_init ch_libcurl.multi_init
#define curl_multi_perform ch_libcurl.multi_perform
#define curl_multi_poll ch_libcurl.multi_poll
#define curl_multi_remove_handle ch_libcurl.multi_remove_handle
#define curl_slist_append ch_libcurl.slist_append
#define curl_slist_free_all ch_libcurl.slist_free_all

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)

/** Loads libcurl. Before anything else of it; takes effect once a process. Without the library the
 * process ends, and says which package has it. Any thread. */
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
