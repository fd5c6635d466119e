/* A page of a list that is read by keyset: {"items": [...], "nextCursor": "uuid"}. */
#pragma once

#include "chassis/core/uuid.h"

#include <glib.h>
#include <stddef.h>

/** Writes one row as a JSON value of an array; returns its id, from which the next page goes on. */
typedef ChUuid (*ChJsonWriteRow)(GString *json, const void *row);

/** The page of the first @limit (at least 1) of @rows. There is a next one, and a nextCursor, when
 * @rows holds more than that: ask the store for one row more than the client did. New; the caller
 * owns it. */
GString *ch_json_page(const GPtrArray *rows, size_t limit, ChJsonWriteRow write_row);
