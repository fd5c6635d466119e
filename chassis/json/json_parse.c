/* The JSON grammar: text to tokens, once, strictly. */
#include "chassis/json/json_parse.h"

#include "chassis/json/json_tokens.h"

#include <string.h>

enum {
    FIRST_TOKENS = 8
};
G_STATIC_ASSERT(CH_JSON_NAME == CH_JSON_OBJECT + 1);

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* what some editors put before UTF-8 */

static const char too_deep[] = "nested too deeply";

typedef struct {
    ChJson *json;
    uint32_t at;  /* the next byte to read */
    uint32_t end; /* number of bytes; text[end] is zero */
    uint32_t depth;
    const char *fault; /* the first one; `at` is where */
} Parser;

static bool refuse(Parser *parser, uint32_t at, const char *fault)
{
    parser->at = at;
    parser->fault = fault;
    return false;
}

static char peek(const Parser *parser)
{
    return parser->json->text[parser->at];
}

static void skip_space(Parser *parser)
{
    for (char c = peek(parser); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(parser))
        parser->at++;
}

static uint32_t add_token(Parser *parser, uint8_t kind, uint32_t parent)
{
    ChJson *json = parser->json;
    if (json->tokens_n == json->tokens_room) {
        json->tokens_room *= 2;
        json->tokens = g_renew(ChJsonToken, json->tokens, json->tokens_room);
    }
    uint32_t index = json->tokens_n++;
    json->tokens[index] =
        (ChJsonToken){ .start = parser->at, .next = index + 1, .parent = parent, .kind = kind };
    return index;
}

/* ---- numbers and words ---- */

static bool skip_digits(Parser *parser)
{
    uint32_t first = parser->at;
    while (g_ascii_isdigit(peek(parser)))
        parser->at++;
    return parser->at > first;
}

static bool parse_number(Parser *parser, uint32_t parent)
{
    uint32_t start = parser->at;
    uint32_t index = add_token(parser, CH_JSON_NUMBER, parent);
    if (peek(parser) == '-')
        parser->at++;
    bool leading_zero = peek(parser) == '0';
    uint32_t digits = parser->at;
    if (!skip_digits(parser))
        return refuse(parser, start, "not a value");
    if (leading_zero && parser->at > digits + 1)
        return refuse(parser, start, "a number with a leading zero");
    if (peek(parser) == '.') {
        parser->at++;
        if (!skip_digits(parser))
            return refuse(parser, start, "a number without digits behind its point");
    }
    if (peek(parser) == 'e' || peek(parser) == 'E') {
        parser->at++;
        if (peek(parser) == '+' || peek(parser) == '-')
            parser->at++;
        if (!skip_digits(parser))
            return refuse(parser, start, "a number without digits in its exponent");
    }
    parser->json->tokens[index].bytes = parser->at - start;
    return true;
}

static bool parse_word(Parser *parser, uint32_t parent)
{
    static const struct {
        const char *word;
        uint32_t bytes;
        uint8_t kind;
    } words[] = { { "true", 4, CH_JSON_TRUE },
                  { "false", 5, CH_JSON_FALSE },
                  { "null", 4, CH_JSON_NULL } };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strncmp(parser->json->text + parser->at, words[i].word, words[i].bytes) == 0) {
            add_token(parser, words[i].kind, parent);
            parser->at += words[i].bytes;
            return true;
        }
    }
    return refuse(parser, parser->at, "not a value");
}

/* ---- strings ---- */

/* Four hexadecimal digits at `at`; false when there are none. */
static bool parse_hex4(Parser *parser, gunichar *unit)
{
    gunichar value = 0;
    for (uint32_t i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(parser->json->text[parser->at]);
        if (digit < 0)
            return false;
        value = value << 4 | (gunichar)digit;
        parser->at++;
    }
    *unit = value;
    return true;
}

/* The second half of a pair, when that is what follows; else nothing is read. */
static bool parse_low_half(Parser *parser, gunichar *low)
{
    uint32_t start = parser->at;
    if (strncmp(parser->json->text + start, "\\u", 2) == 0) {
        parser->at += 2;
        if (parse_hex4(parser, low) && *low >= 0xDC00 && *low <= 0xDFFF)
            return true;
    }
    parser->at = start;
    return false;
}

/* Behind \u: one code point, of one or two escapes, is appended to @to. In the place of what is
 * none, or would end a text, stands U+FFFD. */
static bool parse_unicode_escape(Parser *parser, char **to, bool *is_flawed)
{
    uint32_t start = parser->at;
    gunichar code = 0;
    gunichar low = 0;
    if (!parse_hex4(parser, &code))
        return refuse(parser, start, "\\u without four hexadecimal digits");
    if (code >= 0xD800 && code <= 0xDBFF && parse_low_half(parser, &low))
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    if (code == 0 || (code >= 0xD800 && code <= 0xDFFF)) {
        *is_flawed = true;
        code = 0xFFFD;
    }
    *to += g_unichar_to_utf8(code, *to); /* never longer than its escapes */
    return true;
}

static bool parse_escape(Parser *parser, char **to, bool *is_flawed)
{
    static const char from[] = "\"\\/bfnrt";
    static const char meaning[] = "\"\\/\b\f\n\r\t";
    parser->at++; /* the backslash */
    char c = peek(parser);
    if (c == 'u') {
        parser->at++;
        return parse_unicode_escape(parser, to, is_flawed);
    }
    const char *found = c == '\0' ? NULL : strchr(from, c);
    if (found == NULL)
        return refuse(parser, parser->at, "an unknown escape");
    *(*to)++ = meaning[found - from];
    parser->at++;
    return true;
}

/* Decodes in place: the decoded text is never longer than the written one. */
static bool parse_text(Parser *parser, uint8_t kind, uint32_t parent)
{
    char *text = parser->json->text;
    parser->at++; /* the quote */
    uint32_t index = add_token(parser, kind, parent);
    uint32_t start = parser->at;
    bool is_flawed = false;
    while ((unsigned char)peek(parser) >= 0x20 && peek(parser) != '"' && peek(parser) != '\\')
        parser->at++;
    char *to = text + parser->at;
    while (peek(parser) != '"') {
        if ((unsigned char)peek(parser) < 0x20)
            return refuse(parser, parser->at,
                          parser->at == parser->end ? "a string without an end"
                                                    : "a control character in a string");
        if (peek(parser) == '\\') {
            if (!parse_escape(parser, &to, &is_flawed))
                return false;
        } else {
            *to++ = text[parser->at++];
        }
    }
    parser->at++;
    *to = '\0'; /* over the closing quote or before it */
    parser->json->tokens[index].bytes = (uint32_t)(to - text) - start;
    parser->json->tokens[index].is_flawed = is_flawed;
    return true;
}

/* ---- containers ---- */

static bool parse_value(Parser *parser, uint32_t parent);

static bool parse_member(Parser *parser, uint32_t object)
{
    ChJson *json = parser->json;
    uint32_t index = json->tokens_n;
    if (peek(parser) != '"')
        return refuse(parser, parser->at, "a member's name was expected");
    if (!parse_text(parser, CH_JSON_NAME, object))
        return false;
    ChJsonToken *name = &json->tokens[index];
    name->hash = ch_json_name_hash(json->text + name->start, name->bytes);
    skip_space(parser);
    if (peek(parser) != ':')
        return refuse(parser, parser->at, "a colon was expected");
    parser->at++;
    skip_space(parser);
    return parse_value(parser, object);
}

static bool parse_container(Parser *parser, uint8_t kind, uint32_t parent)
{
    char end = kind == CH_JSON_OBJECT ? '}' : ']';
    if (parser->depth == CH_JSON_MAX_DEPTH)
        return refuse(parser, parser->at, too_deep);
    uint32_t index = add_token(parser, kind, parent);
    uint32_t n = 0;
    parser->depth++;
    parser->at++;
    skip_space(parser);
    while (peek(parser) != end || n > 0) { /* an empty one ends here, others below */
        if (!(kind == CH_JSON_OBJECT ? parse_member(parser, index) : parse_value(parser, index)))
            return false;
        n++;
        skip_space(parser);
        if (peek(parser) == end)
            break;
        if (peek(parser) != ',')
            return refuse(parser, parser->at, "a comma or the end was expected");
        parser->at++;
        skip_space(parser);
    }
    parser->at++;
    parser->depth--;
    parser->json->tokens[index].bytes = n;
    parser->json->tokens[index].next = parser->json->tokens_n;
    return true;
}

/* Recursion: CH_JSON_MAX_DEPTH levels at most. */
static bool parse_value(Parser *parser, uint32_t parent)
{
    switch (peek(parser)) {
    case '{':
        return parse_container(parser, CH_JSON_OBJECT, parent);
    case '[':
        return parse_container(parser, CH_JSON_ARRAY, parent);
    case '"':
        return parse_text(parser, CH_JSON_TEXT, parent);
    case 't':
    case 'f':
    case 'n':
        return parse_word(parser, parent);
    case '\0':
        return refuse(parser, parser->at, "a value was expected");
    default:
        return parse_number(parser, parent);
    }
}

static bool parse_document(Parser *parser)
{
    const char *invalid = NULL;
    if (!g_utf8_validate_len(parser->json->text, parser->end, &invalid))
        return refuse(parser, (uint32_t)(invalid - parser->json->text), "not UTF-8");
    skip_space(parser);
    if (!parse_value(parser, CH_JSON_NO_PARENT))
        return false;
    skip_space(parser);
    if (parser->at < parser->end)
        return refuse(parser, parser->at, "something behind the value");
    return true;
}

/* @original is the caller's text: decoding has moved bytes in ours. */
static void describe(const Parser *parser, const char *original, GError **error)
{
    uint32_t line = 1;
    uint32_t line_start = 0;
    for (uint32_t i = 0; i < parser->at; i++) {
        if (original[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    uint32_t column = parser->at - line_start + 1;
    if (parser->fault == too_deep)
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED,
                    "is nested more than %d levels deep: line %u, column %u", CH_JSON_MAX_DEPTH,
                    line, column);
    else
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "is not valid JSON: line %u, column %u: %s",
                    line, column, parser->fault);
}

ChJson *ch_json_parse(const char *text, size_t bytes, GError **error)
{
    if (bytes > CH_JSON_MAX_BYTES) {
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "is longer than %d bytes", CH_JSON_MAX_BYTES);
        return NULL;
    }
    if (bytes >= strlen(BYTE_ORDER_MARK) &&
        memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
        g_set_error_literal(error, CH_ERROR, CH_ERROR_FAILED, "begins with a byte order mark");
        return NULL;
    }
    g_autoptr(ChJson) json = g_new0(ChJson, 1);
    json->root_path = "";
    json->text = g_malloc(bytes + 1);
    if (bytes > 0)
        memcpy(json->text, text, bytes);
    json->text[bytes] = '\0';
    json->tokens_room = (uint32_t)bytes / 8 + FIRST_TOKENS;
    json->tokens = g_new(ChJsonToken, json->tokens_room);
    Parser parser = { .json = json, .end = (uint32_t)bytes };
    if (!parse_document(&parser)) {
        describe(&parser, text, error);
        return NULL;
    }
    return g_steal_pointer(&json);
}

void ch_json_free(ChJson *json)
{
    if (json == NULL)
        return;
    g_free(json->tokens);
    g_free(json->text);
    g_free(json);
}
