/* UUIDs: version 7 made here, any version read (RFC 9562). */
#pragma once

#include "chassis/core/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_UUID_TEXT_BYTES = 37
}; /* 36 characters and the final zero */

typedef struct {
    uint8_t bytes[16]; /* network order */
} ChUuid;

/** A new version 7 UUID. Within a process ids never go backwards: a 12-bit counter orders those of
 * one millisecond (RFC 9562, section 6.2, method 1). Any thread. */
ChUuid ch_uuid_new(void);

/** The lowest UUID of the millisecond of @unix_us: no version 7 one of it or later is below; the
 * nil UUID for 0. */
ChUuid ch_uuid_at(int64_t unix_us);

/** When a version 7 UUID was made, in microseconds since 1970 UTC, to the millisecond. */
int64_t ch_uuid_time_us(ChUuid uuid);

/** Version 7 UUIDs of what was made in @made lie above *after and below *before. A minute's room on
 * both sides, for clocks that differ: who needs the times exact looks at these too. */
void ch_uuid_range(ChTimeRange made, ChUuid *after, ChUuid *before);

/** Version 5 UUID of @name (@name_bytes long) within @space: the same input gives the same id. */
ChUuid ch_uuid_derive(ChUuid space, const char *name, size_t name_bytes);

/** Reads the 36-character hyphenated form, upper or lower case; exactly @length characters. */
bool ch_uuid_parse(const char *text, size_t length, ChUuid *uuid);

/** Writes the lower-case hyphenated form and a final zero. */
void ch_uuid_format(ChUuid uuid, char text[CH_UUID_TEXT_BYTES]);

bool ch_uuid_equal(ChUuid a, ChUuid b);
int ch_uuid_compare(ChUuid a, ChUuid b);
bool ch_uuid_is_nil(ChUuid uuid);

/** GHashFunc and GEqualFunc over pointers to ChUuid. */
unsigned int ch_uuid_hash(const void *uuid);
int ch_uuid_equal_pointers(const void *a, const void *b);
