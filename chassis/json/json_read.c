/* The typed getters: what is wrong becomes a violation at its path. */
#include "chassis/json/json_read.h"

#include "chassis/core/time.h"
#include "chassis/json/json_tokens.h"

#include <errno.h>
#include <string.h>

/* The member to read; absent when there is none, which is a violation of a required one, or
 * several, which always is. */
static ChJsonValue find(ChJsonValue object, const char *name, ChJsonNeed need,
                        ChViolations *violations)
{
    ChJsonValue value;
    size_t n = ch_json_find(object, name, &value);
    if (n == 1 && ch_json_kind(value) != CH_JSON_NULL)
        return value;
    if (n > 1)
        ch_json_violation(object, name, violations, "must not be there more than once");
    else if (need == CH_JSON_REQUIRED)
        ch_json_violation(object, name, violations, "is required");
    return (ChJsonValue){ NULL, 0 };
}

/* The digits of a number, terminated; false when it is no number or too long for any getter. */
static bool number_text(ChJsonValue value, char text[CH_JSON_MAX_NUMBER_BYTES + 1])
{
    if (ch_json_kind(value) != CH_JSON_NUMBER)
        return false;
    const ChJsonToken *token = &value.json->tokens[value.token];
    if (token->bytes > CH_JSON_MAX_NUMBER_BYTES)
        return false;
    memcpy(text, value.json->text + token->start, token->bytes);
    text[token->bytes] = '\0';
    return true;
}

bool ch_json_read_uuid(ChJsonValue object, const char *name, ChJsonNeed need, ChUuid *value,
                       ChViolations *violations)
{
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member))
        return false;
    size_t bytes = 0;
    const char *text = ch_json_text(member, &bytes);
    ChUuid read;
    if (text == NULL || !ch_uuid_parse(text, bytes, &read)) {
        ch_json_violation(object, name, violations, "must be a UUID");
        return false;
    }
    if (ch_uuid_is_nil(read)) {
        ch_json_violation(object, name, violations,
                          "must not be the nil UUID, which names nothing");
        return false;
    }
    *value = read;
    return true;
}

bool ch_json_read_integer(ChJsonValue object, const char *name, ChJsonNeed need, int64_t min,
                          int64_t max, int64_t *value, ChViolations *violations)
{
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member))
        return false;
    char text[CH_JSON_MAX_NUMBER_BYTES + 1] = "";
    if (!number_text(member, text) || strpbrk(text, ".eE") != NULL) {
        ch_json_violation(object, name, violations, "must be an integer");
        return false;
    }
    errno = 0;
    int64_t number = g_ascii_strtoll(text, NULL, 10); /* ERANGE: clamped to the nearer end */
    bool fits = errno == 0;
    if (fits && number >= min && number <= max) {
        *value = number;
        return true;
    }
    if (number < min || (!fits && number < 0))
        ch_json_violation(object, name, violations, "must be at least %" G_GINT64_FORMAT, min);
    else
        ch_json_violation(object, name, violations, "must be at most %" G_GINT64_FORMAT, max);
    return false;
}

bool ch_json_read_decimal(ChJsonValue object, const char *name, ChJsonNeed need, ChDecimal min,
                          ChDecimal max, ChDecimal *value, ChViolations *violations)
{
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member))
        return false;
    if (ch_json_kind(member) != CH_JSON_NUMBER) {
        ch_json_violation(object, name, violations, "must be a number");
        return false;
    }
    char text[CH_JSON_MAX_NUMBER_BYTES + 1] = "";
    ChDecimal number = 0;
    if (number_text(member, text) && ch_decimal_parse(text, &number) && number >= min &&
        number <= max) {
        *value = number;
        return true;
    }
    char least[CH_DECIMAL_TEXT_BYTES];
    char most[CH_DECIMAL_TEXT_BYTES];
    ch_decimal_format(min, least);
    ch_decimal_format(max, most);
    ch_json_violation(object, name, violations, "must be from %s to %s with at most 4 decimals",
                      least, most);
    return false;
}

bool ch_json_read_text(ChJsonValue object, const char *name, ChJsonNeed need, size_t min_chars,
                       size_t max_chars, const char **text, ChViolations *violations)
{
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member))
        return false;
    size_t bytes = 0;
    const char *found = ch_json_text(member, &bytes);
    if (found == NULL) {
        bool is_text = ch_json_kind(member) == CH_JSON_TEXT;
        ch_json_violation(object, name, violations, "%s",
                          is_text ? "must not hold \\u0000 or half of a surrogate pair"
                                  : "must be a string");
        return false;
    }
    size_t chars = (size_t)g_utf8_strlen(found, (gssize)bytes);
    if (chars >= min_chars && chars <= max_chars) {
        *text = found;
        return true;
    }
    if (chars == 0)
        ch_json_violation(object, name, violations, "must not be empty");
    else if (chars < min_chars)
        ch_json_violation(object, name, violations, "must have at least %zu characters", min_chars);
    else
        ch_json_violation(object, name, violations, "must have at most %zu characters", max_chars);
    return false;
}

bool ch_json_read_bool(ChJsonValue object, const char *name, ChJsonNeed need, bool *value,
                       ChViolations *violations)
{
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member))
        return false;
    ChJsonKind kind = ch_json_kind(member);
    if (kind != CH_JSON_TRUE && kind != CH_JSON_FALSE) {
        ch_json_violation(object, name, violations, "must be true or false");
        return false;
    }
    *value = kind == CH_JSON_TRUE;
    return true;
}

bool ch_json_read_time(ChJsonValue object, const char *name, ChJsonNeed need, int64_t *unix_us,
                       ChViolations *violations)
{
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member))
        return false;
    size_t bytes = 0;
    const char *text = ch_json_text(member, &bytes);
    if (text != NULL && ch_time_parse(text, bytes, unix_us))
        return true;
    ch_json_violation(object, name, violations, "must be a time such as 2026-11-22T10:47:00Z");
    return false;
}

ChJsonValue ch_json_read_array(ChJsonValue object, const char *name, ChJsonNeed need, size_t min,
                               size_t max, ChViolations *violations)
{
    const ChJsonValue none = { NULL, 0 };
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member))
        return none;
    if (ch_json_kind(member) != CH_JSON_ARRAY) {
        ch_json_violation(object, name, violations, "must be an array");
        return none;
    }
    size_t length = ch_json_length(member);
    if (length >= min && length <= max)
        return member;
    if (length < min)
        ch_json_violation(object, name, violations, "must have at least %zu element%s", min,
                          min == 1 ? "" : "s");
    else
        ch_json_violation(object, name, violations, "must have at most %zu elements", max);
    return none;
}

ChJsonValue ch_json_read_object(ChJsonValue object, const char *name, ChJsonNeed need,
                                ChViolations *violations)
{
    ChJsonValue member = find(object, name, need, violations);
    if (!ch_json_is_set(member) || ch_json_kind(member) == CH_JSON_OBJECT)
        return member;
    ch_json_violation(object, name, violations, "must be an object");
    return (ChJsonValue){ NULL, 0 };
}

bool ch_json_expect_object(ChJsonValue value, ChViolations *violations)
{
    if (ch_json_kind(value) == CH_JSON_OBJECT)
        return true;
    ch_json_violation(value, NULL, violations, "must be an object");
    return false;
}
