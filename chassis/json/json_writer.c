/* JSON out: a comma is due unless the text ends with what opens a value. */
#include "chassis/json/json_writer.h"

#include "chassis/core/time.h"

#include <string.h>

enum {
    INTEGER_BYTES = 24
}; /* sign, 19 digits, zero; rounded up */

static void begin_value(GString *json, const char *key)
{
    char last = json->len == 0 ? '[' : json->str[json->len - 1];
    if (last != '[' && last != '{' && last != ':')
        g_string_append_c(json, ',');
    if (key == NULL)
        return;
    g_string_append_c(json, '"');
    g_string_append(json, key);
    g_string_append_len(json, "\":", 2);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static void append_escape(GString *json, unsigned char c)
{
    static const char short_forms[][2] = {
        { '"', '"' }, { '\\', '\\' }, { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' }
    };
    for (size_t i = 0; i < G_N_ELEMENTS(short_forms); i++) {
        if (c == (unsigned char)short_forms[i][0]) {
            char escape[2] = { '\\', short_forms[i][1] };
            g_string_append_len(json, escape, sizeof(escape));
            return;
        }
    }
    g_string_append_printf(json, "\\u%04x", c);
}

/* @text is valid UTF-8 but for zero bytes. */
static void append_escaped(GString *json, const char *text, size_t bytes)
{
    size_t start = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (is_plain((unsigned char)text[i]))
            continue;
        g_string_append_len(json, text + start, (gssize)(i - start));
        append_escape(json, (unsigned char)text[i]);
        start = i + 1;
    }
    g_string_append_len(json, text + start, (gssize)(bytes - start));
}

static void append_quoted(GString *json, const char *text, size_t bytes)
{
    g_string_append_c(json, '"');
    if (g_utf8_validate_len(text, bytes, NULL)) {
        append_escaped(json, text, bytes);
    } else {
        g_autofree char *valid = g_utf8_make_valid(text, (gssize)bytes);
        append_escaped(json, valid, strlen(valid));
    }
    g_string_append_c(json, '"');
}

void ch_json_begin_object(GString *json, const char *key)
{
    begin_value(json, key);
    g_string_append_c(json, '{');
}

void ch_json_end_object(GString *json)
{
    g_string_append_c(json, '}');
}

void ch_json_begin_array(GString *json, const char *key)
{
    begin_value(json, key);
    g_string_append_c(json, '[');
}

void ch_json_end_array(GString *json)
{
    g_string_append_c(json, ']');
}

void ch_json_add_text_n(GString *json, const char *key, const char *text, size_t bytes)
{
    begin_value(json, key);
    append_quoted(json, text, bytes);
}

void ch_json_add_text(GString *json, const char *key, const char *text)
{
    if (text == NULL)
        ch_json_add_null(json, key);
    else
        ch_json_add_text_n(json, key, text, strlen(text));
}

void ch_json_add_integer(GString *json, const char *key, int64_t value)
{
    begin_value(json, key);
    char digits[INTEGER_BYTES];
    char *first = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--first = '-';
    g_string_append_len(json, first, digits + sizeof(digits) - first);
}

void ch_json_add_decimal(GString *json, const char *key, ChDecimal value)
{
    begin_value(json, key);
    char text[CH_DECIMAL_TEXT_BYTES];
    ch_decimal_format(value, text);
    g_string_append(json, text);
}

void ch_json_add_uuid(GString *json, const char *key, ChUuid value)
{
    begin_value(json, key);
    char text[CH_UUID_TEXT_BYTES + 2];
    ch_uuid_format(value, text + 1);
    text[0] = '"';
    text[CH_UUID_TEXT_BYTES] = '"';
    g_string_append_len(json, text, CH_UUID_TEXT_BYTES + 1);
}

void ch_json_add_time(GString *json, const char *key, int64_t unix_us)
{
    begin_value(json, key);
    char text[CH_TIME_TEXT_BYTES];
    ch_time_format(unix_us, text);
    g_string_append_c(json, '"');
    g_string_append(json, text);
    g_string_append_c(json, '"');
}

void ch_json_add_bool(GString *json, const char *key, bool value)
{
    ch_json_add_raw(json, key, value ? "true" : "false");
}

void ch_json_add_null(GString *json, const char *key)
{
    ch_json_add_raw(json, key, "null");
}

void ch_json_add_raw(GString *json, const char *key, const char *value)
{
    begin_value(json, key);
    g_string_append(json, value);
}

void ch_json_add_name(GString *json, const char *name)
{
    begin_value(json, NULL);
    append_quoted(json, name, strlen(name));
    g_string_append_c(json, ':');
}
