/* What all transfers through libcurl share. */
#include "chassis/http/curl.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global = CURLE_FAILED_INIT; /* written by the once, read after it */

static void init_global(void)
{
    global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool ch_curl_init(GError **error)
{
    pthread_once(&once, init_global);
    if (global == CURLE_OK)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "libcurl does not start: %s",
                curl_easy_strerror(global));
    return false;
}

void ch_curl_protect(CURL *easy, const char *protocols, int64_t timeout_ms)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
}
