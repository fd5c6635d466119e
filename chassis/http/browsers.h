/* What answers tell browsers: to guess nothing, to show and to keep nothing, and which pages of
 * other origins may read them (CORS, as https://fetch.spec.whatwg.org has it); and which of these
 * pages may change anything. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/http/request_life.h"

/** The origins whose pages may call the API. */
typedef struct ChHttpOrigins ChHttpOrigins;

/** Of CORS_ORIGINS, "https://shop.example, http://localhost:3000"; "": none. Errors:
 * CH_ERROR_CONFIG. */
CH_MUST_CHECK ChHttpOrigins *ch_http_origins_new(const char *text, GError **error);
void ch_http_origins_free(ChHttpOrigins *origins); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpOrigins, ch_http_origins_free)

/** Whether a browser sent @request, which changes something, on behalf of a page of an origin that
 * is neither the API's own nor among @origins (NULL: none): of a form, say, that needs no leave of
 * ours to post. Told by Sec-Fetch-Site, or by Origin and Host where the browser is an old one; no
 * other client sends these. */
bool ch_http_browsers_sent_for_others(const ChHttpOrigins *origins, const ChHttpRequest *request);

/** Writes one header into what @response is. */
typedef void (*ChHttpWriteHeader)(void *response, const char *name, const char *value);

/** Tells of @answer to @request, which came by @tls or not and whose headers were read, what
 * browsers have to know, by @write_header. @origins NULL: none. */
void ch_http_browsers_tell(const ChHttpOrigins *origins, bool tls, const ChHttpRequest *request,
                           const ChHttpAnswer *answer, ChHttpWriteHeader write_header,
                           void *response);
