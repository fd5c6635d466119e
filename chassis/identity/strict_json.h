/* The JSON of tokens and keys: names count to the letter, and none may be there twice. Where one
 * reader takes the first of two members and another one the last, they believe different things
 * (RFC 8725, section 2.6; RFC 7515, section 4). */
#pragma once

#include "chassis/json/json.h"

/** True when @value is an object of at most @max_members, no two of which have the same name, in
 * whatever case. */
bool ch_strict_is_object(ChJsonValue value, size_t max_members);

/** The member of exactly this name; absent when there is none. */
ChJsonValue ch_strict_member(ChJsonValue object, const char *name);

/** The text of that member; NULL when it is none. */
const char *ch_strict_text(ChJsonValue object, const char *name);
