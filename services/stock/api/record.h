/* Changes of stock, for the record. */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/http/request.h"

/** Notes that the quantity of a product went from *before to *after; NULL: it was not there, or is
 * no more. @why may be NULL. */
void stock_api_note_level(ChHttpRequest *request, ChUuid product_id, const int64_t *before,
                          const int64_t *after, const char *why);
