/* One scanner for checking and for filling in, so that what was accepted can be rendered. */
#include "notification/application/template_text.h"

#include <string.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

typedef struct {
    enum {
        END,
        LITERAL,
        PLACEHOLDER,
        FAULT
    } kind;
    const char *text; /* of a literal, or a placeholder's name */
    size_t bytes;
    const char *fault; /* why; a constant */
} Piece;

/* Behind the group of a malformed placeholder, so that its closing brace is no second fault. */
static const char *skip_group(const char *inside)
{
    const char *end = inside + strcspn(inside, "{}");
    return *end == '}' ? end + 1 : end;
}

/* @cursor is at an opening brace that is not doubled. */
static Piece read_placeholder(const char **cursor)
{
    const char *name = *cursor + 1;
    size_t bytes = strspn(name, NAME_CHARACTERS);
    if (bytes > 0 && name[bytes] == '}') {
        *cursor = name + bytes + 1;
        return (Piece){ PLACEHOLDER, name, bytes, NULL };
    }
    *cursor = skip_group(name);
    if ((*cursor)[-1] != '}')
        return (Piece){ FAULT, NULL, 0, "this brace is never closed; a literal one is {{" };
    if (name[0] == '}')
        return (Piece){ FAULT, NULL, 0, "the placeholder has no name; a literal brace is {{" };
    return (Piece){ FAULT, NULL, 0, "a placeholder's name has letters, digits and _ only" };
}

static Piece next_piece(const char **cursor)
{
    const char *start = *cursor;
    size_t literal = strcspn(start, "{}");
    if (literal > 0) {
        *cursor += literal;
        return (Piece){ LITERAL, start, literal, NULL };
    }
    if (*start == '\0')
        return (Piece){ END, NULL, 0, NULL };
    if (start[1] == start[0]) { /* a doubled brace */
        *cursor += 2;
        return (Piece){ LITERAL, start, 1, NULL };
    }
    if (*start == '{')
        return read_placeholder(cursor);
    *cursor += 1;
    return (Piece){ FAULT, NULL, 0, "there is nothing to close here; a literal brace is }}" };
}

/* Index of the placeholder among those of @code, or -1. */
static int find_placeholder(NotificationCode code, const Piece *piece)
{
    const char *const *names = notification_code_info(code)->placeholders;
    for (int i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        if (strlen(names[i]) == piece->bytes && memcmp(names[i], piece->text, piece->bytes) == 0)
            return i;
    }
    return -1;
}

/* "line 1, column 7"; free with g_free(). */
static char *place_of(const char *text, const char *at)
{
    int line = 1;
    const char *line_start = text;
    for (const char *c = text; c < at; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    return g_strdup_printf("line %d, column %ld", line,
                           g_utf8_strlen(line_start, at - line_start) + 1);
}

/* What is wrong with @piece, which starts at @at; NULL when nothing is. Free with g_free(). */
static char *fault_of(const char *text, const char *at, NotificationCode code, const Piece *piece)
{
    bool unknown = piece->kind == PLACEHOLDER && code != NOTIFICATION_CODES_N &&
                   find_placeholder(code, piece) < 0;
    if (piece->kind != FAULT && !unknown)
        return NULL;
    g_autofree char *place = place_of(text, at);
    if (!unknown)
        return g_strdup_printf("%s: %s", place, piece->fault);
    const NotificationCodeInfo *info = notification_code_info(code);
    GString *fault = g_string_new(NULL);
    g_string_append_printf(fault, "%s: %s has no placeholder {%.*s}; it has", place, info->name,
                           (int)MIN(piece->bytes, 64), piece->text);
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && info->placeholders[i] != NULL; i++)
        g_string_append_printf(fault, "%s {%s}", i == 0 ? "" : ",", info->placeholders[i]);
    return g_string_free(fault, FALSE);
}

void notification_text_check(const char *text, NotificationCode code, const char *path,
                             ChViolations *violations)
{
    const char *cursor = text;
    for (;;) {
        const char *at = cursor;
        Piece piece = next_piece(&cursor);
        if (piece.kind == END)
            return;
        g_autofree char *fault = fault_of(text, at, code, &piece);
        if (fault != NULL)
            ch_violations_add(violations, path, "%s", fault);
    }
}

void notification_text_missing(const char *text, NotificationCode code,
                               const NotificationValues *values,
                               bool missing[NOTIFICATION_MAX_PLACEHOLDERS])
{
    const char *cursor = text;
    for (;;) {
        Piece piece = next_piece(&cursor);
        int place = piece.kind == PLACEHOLDER ? find_placeholder(code, &piece) : -1;
        if (piece.kind == END)
            return;
        if (place >= 0 && values->text[place] == NULL)
            missing[place] = true;
    }
}

static void append_piece(GString *rendered, const Piece *piece, NotificationCode code,
                         const NotificationValues *values)
{
    int place = piece->kind == PLACEHOLDER ? find_placeholder(code, piece) : -1;
    if (piece->kind == LITERAL)
        g_string_append_len(rendered, piece->text, (gssize)piece->bytes);
    else if (place >= 0 && values->text[place] != NULL)
        g_string_append(rendered, values->text[place]);
    else
        g_string_append_printf(rendered, "{%.*s}", (int)piece->bytes, piece->text);
}

char *notification_text_render(const char *text, NotificationCode code,
                               const NotificationValues *values, GError **error)
{
    g_autoptr(GString) rendered = g_string_new(NULL);
    const char *cursor = text;
    for (;;) {
        const char *at = cursor;
        Piece piece = next_piece(&cursor);
        if (piece.kind == END)
            return g_string_free(g_steal_pointer(&rendered), FALSE);
        g_autofree char *fault = fault_of(text, at, code, &piece);
        if (fault != NULL) {
            g_set_error_literal(error, CH_ERROR, CH_ERROR_FAILED, fault);
            return NULL;
        }
        append_piece(rendered, &piece, code, values);
        if (rendered->len > NOTIFICATION_MAX_RENDERED_BYTES) {
            g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the filled in text exceeds %d bytes",
                        NOTIFICATION_MAX_RENDERED_BYTES);
            return NULL;
        }
    }
}
