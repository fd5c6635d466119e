/* What a request consists of. */
#include "chassis/client/prepare.h"

static bool has_control(const char *text)
{
    const char *c = text;
    while ((unsigned char)*c >= 0x20 && *c != 0x7F)
        c++;
    return *c != '\0';
}

bool ch_http_call_is_clean(const ChHttpCall *call)
{
    for (size_t i = 0; call->headers != NULL && call->headers[i] != NULL; i++) {
        if (has_control(call->headers[i]))
            return false;
    }
    return !has_control(call->url) && !has_control(call->method);
}

static struct curl_slist *set_headers(const ChHttpCall *call, CURL *easy)
{
    struct curl_slist *headers = NULL;
    for (size_t i = 0; call->headers != NULL && call->headers[i] != NULL; i++)
        headers = curl_slist_append(headers, call->headers[i]);
    headers = curl_slist_append(headers, "Expect:"); /* no waiting for 100 Continue */
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    return headers;
}

struct curl_slist *ch_http_call_prepare(const ChHttpCall *call, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "cartwheel/" CARTWHEEL_VERSION);
    if (call->body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_bytes);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    return set_headers(call, easy);
}
