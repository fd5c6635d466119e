/* From a call to the options of its transfer. */
#pragma once

#include "chassis/client/call.h"
#include "chassis/client/curl.h"

#include <stdbool.h>

/** Whether no text of @call holds a control character: libcurl writes them as they are. */
bool ch_http_call_is_clean(const ChHttpCall *call);

/** Sets method, URL, headers and body, which @call keeps until the transfer ends. Free the result
 * then with curl_slist_free_all(). */
struct curl_slist *ch_http_call_prepare(const ChHttpCall *call, CURL *easy);
