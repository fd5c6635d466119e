/* One HTTP request, answered exactly once.
 *
 * Handlers read it and put an answer on it; the answer is kept until the work is committed and a
 * later one replaces an earlier one, because a batch may be rolled back and run again. Texts
 * returned here belong to the request. Thread: the one that handles it (a lane's, or the server's
 * for inline routes). */
#pragma once

#include "chassis/core/trace.h"
#include "chassis/http/address.h"
#include "chassis/identity/caller.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ChHttpRequest ChHttpRequest;

const char *ch_http_request_method(const ChHttpRequest *request);

/** The path as the client wrote it, without the query. */
const char *ch_http_request_path(const ChHttpRequest *request);

/** The path parameter @name of the route's pattern, percent-decoded valid UTF-8 without control
 * characters and never empty; NULL when the pattern has none of that name. */
const char *ch_http_request_param(const ChHttpRequest *request, const char *name);

/** The query parameter @name, decoded (may be ""); NULL when absent. Of a repeated one the first
 * (chassis/http/query.h makes a violation of it). */
const char *ch_http_request_query(const ChHttpRequest *request, const char *name);

/** How often the query holds @name. */
size_t ch_http_request_query_count(const ChHttpRequest *request, const char *name);

/** The first header of that name, without regard to case; NULL when absent. */
const char *ch_http_request_header(const ChHttpRequest *request, const char *name);

/** All headers of that name in their order, with commas between (RFC 9110, 5.2); NULL when absent.
 * To be freed. */
char *ch_http_request_headers(const ChHttpRequest *request, const char *name);

/** The whole body, with a zero byte behind it that is not counted; *bytes may be 0. */
const char *ch_http_request_body(const ChHttpRequest *request, size_t *bytes);

/** The client's address, as a number: of IPv6 its network. */
uint64_t ch_http_request_address(const ChHttpRequest *request);

/** The client's address as text. */
void ch_http_request_client(const ChHttpRequest *request, char text[CH_HTTP_ADDRESS_TEXT_BYTES]);

/** Who asks; NULL: nobody is asked who he is (authentication is off, or the route is public). Known
 * to handlers of routes with a lane. */
const ChCaller *ch_http_request_caller(const ChHttpRequest *request);

/** Who acts though no token of the issuer says so, "admin-token": a constant. For the record alone.
 */
void ch_http_request_set_actor(ChHttpRequest *request, const char *actor);

/** The name for the record: the subject of the caller, else the actor, else "anonymous". */
const char *ch_http_request_actor(const ChHttpRequest *request);

/** The operation of its route, "placeOrder". */
const char *ch_http_request_operation(const ChHttpRequest *request);

/** The name of the scope that its route asks for; NULL: none. */
const char *ch_http_request_scope(const ChHttpRequest *request);

/** Whether who asks has @scope, an index into the scopes of the route's table; true for everybody
 * while authentication is off. */
bool ch_http_request_may(const ChHttpRequest *request, int scope);

/** The span of this request: a child of the client's traceparent, or a new root. */
ChTrace ch_http_request_trace(const ChHttpRequest *request);

/** A slot for the handler's own data: decoded once, it survives a rerun of the batch. Freed by
 * @destroy (may be NULL) with the request or when replaced. */
void ch_http_request_set_data(ChHttpRequest *request, void *data, GDestroyNotify destroy);
void *ch_http_request_data(const ChHttpRequest *request);

/** Answers with a JSON value, see chassis/json/json_writer.h. Takes @json. */
void ch_http_respond_json(ChHttpRequest *request, unsigned status, GString *json);

/** Answers without a body. */
void ch_http_respond_empty(ChHttpRequest *request, unsigned status);

/** Answers with @text as it is. @content_type is a constant. Takes @text. */
void ch_http_respond_text(ChHttpRequest *request, unsigned status, const char *content_type,
                          GString *text);

/** Adds a header to the answer; call after one of the above, which forget earlier headers. Copies
 * the value; @name is a constant. A value with control characters or beyond 2,048 bytes is our bug.
 */
void ch_http_respond_header(ChHttpRequest *request, const char *name, const char *value);
