/* What all transfers through libcurl share. */
#include "chassis/client/curl.h"

#include "chassis/client/public_address.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

enum {
    MAX_HEAD_BYTES = 64 * 1024,
};

#define LIBRARY "libcurl.so.4"

ChLibcurl ch_libcurl;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *function_named(void *library, const char *name)
{
    void *function = dlsym(library, name);
    if (function == NULL)
        g_error("%s has no %s; install a libcurl of 7.85 or later", LIBRARY, name);
    return function;
}

/* POSIX has functions and objects share a form of pointer, which C does not know: hence memcpy. */
static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        g_error("%s is needed to call others; install libcurl4: %s", LIBRARY, dlerror());
#define CH_LIBCURL_LOAD(name)                                                                      \
    memcpy(&ch_libcurl.name, &(void *){ function_named(library, "curl_" #name) }, sizeof(void *));
    CH_LIBCURL_FUNCTIONS(CH_LIBCURL_LOAD)
}

/* It fails for want of memory alone, and that ends the process anywhere. */
static void init_global(void)
{
    load();
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK)
        g_error("libcurl does not start: %s", curl_easy_strerror(code));
}

void ch_curl_init(void)
{
    pthread_once(&once, init_global);
}

CURLM *ch_curl_multi(void)
{
    ch_curl_init();
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        g_error("libcurl gives no multi handle");
    return multi;
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

static curl_socket_t open_public(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    bool *refused = context;
    if (ch_address_is_public(&address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    *refused = true;
    return CURL_SOCKET_BAD;
}

void ch_curl_only_public(CURL *easy, bool *refused)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, refused);
}

static size_t count_head(char *data, size_t one, size_t bytes, void *context)
{
    (void)data;
    (void)one; /* always 1 */
    size_t *left = context;
    *left = bytes > *left ? 0 : *left - bytes;
    return *left == 0 ? 0 : bytes; /* 0 ends the transfer */
}

void ch_curl_limit_head(CURL *easy, size_t *left)
{
    *left = MAX_HEAD_BYTES;
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, left);
}
