/* A line of an import, read. */
#pragma once

#include "chassis/core/violations.h"
#include "chassis/json/json.h"
#include "chassis/messaging/dead_letter_store.h"

/** A ChHttpReadLine: @item is a ChDeadLetter *, which becomes a new letter when nothing is wrong
 * with the line, with all that ch_dead_letter_line_json() writes. Where the whole body is there it
 * is the one that the hash tells of. */
void ch_letter_line_read(ChJsonValue root, void *item, ChViolations *faults);
