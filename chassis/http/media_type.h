/* Media types of bodies and answers. application/json is the first version of every API, for good;
 * a later one would be application/vnd.cartwheel.<n>+json (docs/decisions/0066). */
#pragma once

#include "chassis/http/request.h"

/** Whether @content_type is JSON of a version that is there: application/json or another
 * application/...+json; a charset, when given, is UTF-8. */
bool ch_http_media_type_is_json(const char *content_type);

/** Whether @content_type is application/x-ndjson, of UTF-8. */
bool ch_http_media_type_is_ndjson(const char *content_type);

/** False when the Accept headers of @request ask for versions that are not there, and for nothing
 * that is. Whoever asks for anything else, or for nothing, gets JSON. */
bool ch_http_media_type_is_accepted(const ChHttpRequest *request);
