/* Dead letters as JSON. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/messaging/dead_letter_store.h"

/** The page that @request asks for of @letters (ChDeadLetter *), which hold one more than @limit
 * when there is a next one: {items, nextCursor?}. Free with g_string_free(). */
GString *ch_dead_letter_page_json(const ChHttpRequest *request, const GPtrArray *letters,
                                  size_t limit);

/** One letter with its body, and whether a replay would be done: @blocker says why not, NULL: it
 * would. The same. */
GString *ch_dead_letter_json(const ChDeadLetter *letter, const char *blocker);

/** Appends one letter with all of its body that is kept, and that of an edited one: a line of an
 * export. A body takes a third more than it has at most. */
void ch_dead_letter_line_json(GString *json, const ChDeadLetter *letter);
