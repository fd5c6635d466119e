/* One pass over the text, a word at a time. */
#include "chassis/messaging/fingerprint.h"

#include "chassis/core/uuid.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum {
    UUID_CHARS = CH_UUID_TEXT_BYTES - 1,
    MIN_HEX_ID = 8, /* digits and letters a to f: no word is as long */
};

#define ID "#"
#define QUOTED "\"...\""
#define VALUES "(...)"
#define MAIL "@"

/* ---- words ---- */

/* Bytes beyond ASCII are letters. */
static bool is_letter(char c)
{
    return g_ascii_isalpha(c) || (c & 0x80) != 0;
}

static bool is_of_word(char c)
{
    return is_letter(c) || g_ascii_isdigit(c) || c == '_';
}

static size_t word_bytes(const char *text)
{
    size_t n = 0;
    while (is_of_word(text[n]))
        n++;
    return n;
}

/* What mail addresses consist of, besides words. */
static size_t address_bytes(const char *text)
{
    size_t n = 0;
    bool mail = false;
    while (is_of_word(text[n]) || (text[n] != '\0' && strchr(".+-@", text[n]) != NULL))
        mail |= text[n++] == '@';
    return mail ? n : 0;
}

static bool is_hex_id(const char *word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!g_ascii_isxdigit(word[i]))
            return false;
    }
    return n >= MIN_HEX_ID;
}

/* The letters before the first digit; n when there is none. */
static size_t letters_before_digits(const char *word, size_t n)
{
    size_t i = 0;
    while (i < n && !g_ascii_isdigit(word[i]))
        i++;
    return i;
}

static bool all_digits(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!g_ascii_isdigit(text[i]))
            return false;
    }
    return true;
}

/* A word with a number at its end keeps its letters (utf8, order_12); one that mixes them is an id,
 * as one that begins with a digit. */
static void add_word(GString *out, const char *word, size_t n)
{
    size_t letters = letters_before_digits(word, n);
    if (is_hex_id(word, n) || !all_digits(word + letters, n - letters))
        g_string_append(out, ID);
    else if (letters == n)
        g_string_append_len(out, word, (gssize)n);
    else
        g_string_append_printf(out, "%.*s" ID, (int)letters, word);
}

/* ---- what is longer than a word ---- */

static const struct {
    const char *open, *close;
} quotes[] = {
    { "\"", "\"" }, { "'", "'" }, { "`", "`" }, { "„", "“" }, { "“", "”" }, { "«", "»" },
};

/* The bytes of the quoted value that @text begins with, to the end of the text when nothing ends
 * it: a reason may have been cut; 0 when it begins with none. An apostrophe stands in a word. */
static size_t quoted_bytes(const char *text, char before)
{
    for (size_t i = 0; i < G_N_ELEMENTS(quotes); i++) {
        if (!g_str_has_prefix(text, quotes[i].open) || (*text == '\'' && is_of_word(before)))
            continue;
        const char *end = text + strlen(quotes[i].open);
        do {
            end = strstr(end, quotes[i].close);
            if (end == NULL)
                return strlen(text);
            end += strlen(quotes[i].close);
        } while (*text == '\'' && is_of_word(*end));
        return (size_t)(end - text);
    }
    return 0;
}

/* The values of a key, "=(...)", or of a row, "contains (...)", as PostgreSQL writes them. */
static size_t values_bytes(const char *text, const GString *out)
{
    if (*text != '(' ||
        !(g_str_has_suffix(out->str, "=") || g_str_has_suffix(out->str, "contains ")))
        return 0;
    const char *end = strchr(text, ')');
    return end == NULL ? strlen(text) : (size_t)(end + 1 - text);
}

static bool is_uuid(const char *text)
{
    ChUuid id;
    return strnlen(text, UUID_CHARS) == UUID_CHARS && ch_uuid_parse(text, UUID_CHARS, &id) &&
           !is_of_word(text[UUID_CHARS]);
}

/* ---- the pass ---- */

/* Numbers that follow each other, a time or a list, are one. */
static bool joins_numbers(const char *between, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strchr("-:.,+/ ", between[i]) == NULL)
            return false;
    }
    return n > 0 && n <= 2;
}

/* The number just added to @out melts into the one before it, which ended at @last_end. */
static void melt(GString *out, size_t *last_end)
{
    size_t id_at = out->len - strlen(ID);
    if (*last_end > 0 && *last_end <= id_at &&
        joins_numbers(out->str + *last_end, id_at - *last_end))
        g_string_truncate(out, *last_end);
    *last_end = out->len;
}

/* Adds what @text begins with; how many bytes of it that was. */
static size_t add_next(GString *out, const char *text, char before)
{
    size_t n;
    if ((n = quoted_bytes(text, before)) > 0) {
        g_string_append(out, QUOTED);
    } else if ((n = values_bytes(text, out)) > 0) {
        g_string_append(out, VALUES);
    } else if (is_uuid(text)) {
        n = UUID_CHARS;
        g_string_append(out, ID);
    } else if ((n = address_bytes(text)) > 0) {
        g_string_append(out, MAIL);
    } else if ((n = word_bytes(text)) > 0) {
        add_word(out, text, n);
    } else {
        n = 1;
        if (!g_ascii_isspace(*text))
            g_string_append_c(out, *text);
        else if (!g_str_has_suffix(out->str, " "))
            g_string_append_c(out, ' ');
    }
    return n;
}

char *ch_fingerprint(const char *reason)
{
    g_autofree char *valid = g_utf8_make_valid(reason, -1);
    g_autoptr(GString) out = g_string_new(NULL);
    size_t last_end = 0;
    char before = ' ';
    for (const char *text = valid; *text != '\0';) {
        size_t was = out->len;
        size_t n = add_next(out, text, before);
        before = text[n - 1];
        text += n;
        if (out->len > was && g_str_has_suffix(out->str, ID))
            melt(out, &last_end);
    }
    g_strstrip(out->str);
    return g_utf8_substring(out->str, 0,
                            MIN(g_utf8_strlen(out->str, -1), CH_FINGERPRINT_MAX_CHARS));
}
