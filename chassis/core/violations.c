/* Violations: collected in order, grouped by path when written. */
#include "chassis/core/violations.h"

#include "chassis/json/json_writer.h"

#include <string.h>

typedef struct {
    char *path;
    char *message;
    bool written; /* during ch_violations_write() only */
} Violation;

struct ChViolations {
    GArray *kept; /* of Violation, CH_VIOLATIONS_MAX at most; made with the first */
    size_t count;
};

static void clear_violation(void *element)
{
    Violation *violation = element;
    g_free(violation->path);
    g_free(violation->message);
}

ChViolations *ch_violations_new(void)
{
    return g_new0(ChViolations, 1);
}

void ch_violations_free(ChViolations *violations)
{
    if (violations == NULL)
        return;
    if (violations->kept != NULL)
        g_array_unref(violations->kept);
    g_free(violations);
}

void ch_violations_add(ChViolations *violations, const char *path, const char *format, ...)
{
    violations->count++;
    if (violations->count > CH_VIOLATIONS_MAX)
        return;
    if (violations->kept == NULL) {
        violations->kept = g_array_new(FALSE, FALSE, sizeof(Violation));
        g_array_set_clear_func(violations->kept, clear_violation);
    }
    char message[CH_VIOLATION_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    g_vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    Violation violation = { g_strdup(path), g_utf8_make_valid(message, -1), false };
    g_array_append_val(violations->kept, violation);
}

size_t ch_violations_count(const ChViolations *violations)
{
    return violations->count;
}

/* All messages of one path, from the first violation that has it. */
static void write_path(const GArray *kept, unsigned first, GString *json)
{
    const char *path = g_array_index(kept, Violation, first).path;
    ch_json_add_name(json, path);
    ch_json_begin_array(json, NULL);
    for (unsigned i = first; i < kept->len; i++) {
        Violation *violation = &g_array_index(kept, Violation, i);
        if (violation->written || strcmp(violation->path, path) != 0)
            continue;
        ch_json_add_text(json, NULL, violation->message);
        violation->written = true;
    }
    ch_json_end_array(json);
}

void ch_violations_write(const ChViolations *violations, GString *json, const char *key)
{
    const GArray *kept = violations->kept;
    unsigned n = kept == NULL ? 0 : kept->len;
    ch_json_begin_object(json, key);
    for (unsigned i = 0; i < n; i++)
        g_array_index(kept, Violation, i).written = false;
    for (unsigned i = 0; i < n; i++) {
        if (!g_array_index(kept, Violation, i).written)
            write_path(kept, i, json);
    }
    ch_json_end_object(json);
}

char *ch_violations_text(const ChViolations *violations)
{
    GString *text = g_string_new(NULL);
    unsigned n = violations->kept == NULL ? 0 : violations->kept->len;
    for (unsigned i = 0; i < n; i++) {
        const Violation *violation = &g_array_index(violations->kept, Violation, i);
        g_string_append_printf(text, "%s%s %s", i == 0 ? "" : "; ",
                               *violation->path == '\0' ? "the input" : violation->path,
                               violation->message);
    }
    if (violations->count > n)
        g_string_append_printf(text, "; and %zu more", violations->count - n);
    return g_string_free(text, FALSE);
}
