/* Dead letters in pieces over HTTP, the same in every service: NDJSON out and in
 * (docs/contract.md, 2.7). Handlers of a lane whose context is a ChDeadLetterAdmin. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/messaging/dead_letter_transfer.h"

/** GET /api/dead-letters */
bool ch_letter_api_export(void *admin, ChHttpRequest *const *requests, size_t n, GError **error);
#define CH_LETTER_EXPORT_QUERY "cursor, limit, queue, since, state, subject, type"

/** POST /api/dead-letters/import */
bool ch_letter_api_import(void *admin, ChHttpRequest *const *requests, size_t n, GError **error);
