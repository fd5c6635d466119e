/* Entity tags (RFC 9110, 8.8.3) of what has a number that changes with it: a version, a quantity.
 */
#pragma once

#include "chassis/core/expected.h"
#include "chassis/http/request.h"

/** What the If-Match of @request expects: any version without that header, and for "*" (of what is
 * not there the answer is 404 anyway); none when it holds no tag of ours. */
ChExpected ch_http_if_match(const ChHttpRequest *request);

/** Whether If-None-Match of @request names @etag (with its quotation marks): the client has it. */
bool ch_http_if_none_match(const ChHttpRequest *request, const char *etag);

/** Adds ETag: "<version>" to the answer; call after ch_http_respond_*(). A GET whose client has
 * that version is answered 304 instead. */
void ch_http_respond_etag(ChHttpRequest *request, int64_t version);
