/* Violations: collected in order. */
#include "chassis/core/violations.h"

typedef struct {
    char *path;
    char *message;
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
    Violation violation = { g_strdup(path), g_utf8_make_valid(message, -1) };
    g_array_append_val(violations->kept, violation);
}

size_t ch_violations_count(const ChViolations *violations)
{
    return violations->count;
}

size_t ch_violations_kept(const ChViolations *violations)
{
    return violations->kept == NULL ? 0 : violations->kept->len;
}

static const Violation *at(const ChViolations *violations, size_t index)
{
    g_assert(index < ch_violations_kept(violations));
    return &g_array_index(violations->kept, Violation, index);
}

const char *ch_violations_path(const ChViolations *violations, size_t index)
{
    return at(violations, index)->path;
}

const char *ch_violations_message(const ChViolations *violations, size_t index)
{
    return at(violations, index)->message;
}

char *ch_violations_text(const ChViolations *violations)
{
    GString *text = g_string_new(NULL);
    size_t n = ch_violations_kept(violations);
    for (size_t i = 0; i < n; i++) {
        const Violation *violation = at(violations, i);
        g_string_append_printf(text, "%s%s %s", i == 0 ? "" : "; ",
                               *violation->path == '\0' ? "the input" : violation->path,
                               violation->message);
    }
    if (violations->count > n)
        g_string_append_printf(text, "; and %zu more", violations->count - n);
    return g_string_free(text, FALSE);
}
