/* Violations, grouped by path. */
#include "chassis/json/json_violations.h"

#include "chassis/json/json_writer.h"

#include <string.h>

/* All messages of one path, from the first violation that has it; notes them in @written. */
static void write_path(GString *json, const ChViolations *violations, size_t first, bool *written)
{
    const char *path = ch_violations_path(violations, first);
    ch_json_add_name(json, path);
    ch_json_begin_array(json, NULL);
    for (size_t i = first; i < ch_violations_kept(violations); i++) {
        if (written[i] || strcmp(ch_violations_path(violations, i), path) != 0)
            continue;
        ch_json_add_text(json, NULL, ch_violations_message(violations, i));
        written[i] = true;
    }
    ch_json_end_array(json);
}

void ch_json_add_violations(GString *json, const char *key, const ChViolations *violations)
{
    bool written[CH_VIOLATIONS_MAX] = { false };
    ch_json_begin_object(json, key);
    for (size_t i = 0; i < ch_violations_kept(violations); i++) {
        if (!written[i])
            write_path(json, violations, i, written);
    }
    ch_json_end_object(json);
}
