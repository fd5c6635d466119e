/* The description of an API that machines read, as the API serves it: GET /openapi.json. */
#pragma once

#include "chassis/http/route.h"

/** An OpenAPI document; made of docs/api/<service>.yaml by the build. */
typedef struct {
    const char *json;
    size_t bytes;
    const char *etag; /* with its quotation marks */
} ChDocument;

/** Inline; its context is the ChDocument. */
extern const ChHttpRouteTable ch_document_routes;
