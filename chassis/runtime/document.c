/* Serving an API's description. */
#include "chassis/runtime/document.h"

#include "chassis/http/etag.h"

#define CACHE_CONTROL "public, max-age=300"

static bool answer_document(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    (void)error;
    const ChDocument *document = context;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_if_none_match(requests[i], document->etag))
            ch_http_respond_empty(requests[i], 304);
        else
            ch_http_respond_json(requests[i], 200,
                                 g_string_new_len(document->json, (gssize)document->bytes));
        ch_http_respond_header(requests[i], "ETag", document->etag);
        ch_http_respond_header(requests[i], "Cache-Control", CACHE_CONTROL);
    }
    return true;
}

static const ChHttpRoute routes[] = {
    { "GET", "/openapi.json", "getDocument", CH_HTTP_INLINE, 0, answer_document, "",
      CH_HTTP_PUBLIC },
};

const ChHttpRouteTable ch_document_routes = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
};
