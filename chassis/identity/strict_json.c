/* Objects without doubt. */
#include "chassis/identity/strict_json.h"

#include <string.h>

bool ch_strict_is_object(ChJsonValue value, size_t max_members)
{
    if (ch_json_kind(value) != CH_JSON_OBJECT || ch_json_length(value) > max_members)
        return false;
    for (ChJsonValue member = ch_json_first(value); ch_json_is_set(member);
         member = ch_json_next(member)) {
        ChJsonValue first;
        if (ch_json_find(value, ch_json_name(member), &first) != 1)
            return false;
    }
    return true;
}

ChJsonValue ch_strict_member(ChJsonValue object, const char *name)
{
    ChJsonValue found = ch_json_member(object, name);
    if (ch_json_is_set(found) && strcmp(ch_json_name(found), name) != 0)
        return (ChJsonValue){ NULL, 0 };
    return found;
}

const char *ch_strict_text(ChJsonValue object, const char *name)
{
    return ch_json_text(ch_strict_member(object, name), NULL);
}
