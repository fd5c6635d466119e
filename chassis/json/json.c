/* Finding things in a parsed JSON document, and where they stand. */
#include "chassis/json/json.h"

#include "chassis/json/json_tokens.h"

#include <string.h>

static const ChJsonValue absent = { NULL, 0 };

static const ChJsonToken *token_of(ChJsonValue value)
{
    return &value.json->tokens[value.token];
}

/* The value at token @index, or behind it when that is a name. */
static ChJsonValue value_at(const ChJson *json, uint32_t index)
{
    bool is_name = json->tokens[index].kind == CH_JSON_NAME;
    return (ChJsonValue){ json, is_name ? index + 1 : index };
}

ChJsonValue ch_json_root(const ChJson *json)
{
    return (ChJsonValue){ json, 0 };
}

bool ch_json_is_set(ChJsonValue value)
{
    return value.json != NULL;
}

ChJsonKind ch_json_kind(ChJsonValue value)
{
    return value.json == NULL ? CH_JSON_ABSENT : (ChJsonKind)token_of(value)->kind;
}

static bool is_container(ChJsonValue value)
{
    ChJsonKind kind = ch_json_kind(value);
    return kind == CH_JSON_OBJECT || kind == CH_JSON_ARRAY;
}

size_t ch_json_find(ChJsonValue object, const char *name, ChJsonValue *first)
{
    size_t n = 0;
    *first = absent;
    if (ch_json_kind(object) != CH_JSON_OBJECT)
        return 0;
    const ChJson *json = object.json;
    size_t bytes = strlen(name);
    uint16_t hash = ch_json_name_hash(name, bytes);
    uint32_t end = token_of(object)->next;
    for (uint32_t i = object.token + 1; i < end; i = json->tokens[i + 1].next) {
        const ChJsonToken *member = &json->tokens[i];
        if (member->hash == hash && member->bytes == bytes &&
            g_ascii_strcasecmp(json->text + member->start, name) == 0 && n++ == 0)
            *first = (ChJsonValue){ json, i + 1 };
    }
    return n;
}

ChJsonValue ch_json_member(ChJsonValue object, const char *name)
{
    ChJsonValue member;
    return ch_json_find(object, name, &member) == 1 ? member : absent;
}

size_t ch_json_length(ChJsonValue value)
{
    return is_container(value) ? token_of(value)->bytes : 0;
}

ChJsonValue ch_json_first(ChJsonValue container)
{
    if (ch_json_length(container) == 0)
        return absent;
    return value_at(container.json, container.token + 1);
}

ChJsonValue ch_json_next(ChJsonValue element)
{
    if (element.json == NULL || token_of(element)->parent == CH_JSON_NO_PARENT)
        return absent;
    const ChJson *json = element.json;
    uint32_t next = token_of(element)->next;
    if (next >= json->tokens[token_of(element)->parent].next)
        return absent;
    return value_at(json, next);
}

const char *ch_json_name(ChJsonValue member)
{
    if (member.json == NULL || member.token == 0)
        return NULL;
    const ChJsonToken *before = &member.json->tokens[member.token - 1];
    return before->kind == CH_JSON_NAME ? member.json->text + before->start : NULL;
}

const char *ch_json_text(ChJsonValue value, size_t *bytes)
{
    if (ch_json_kind(value) != CH_JSON_TEXT || token_of(value)->is_flawed)
        return NULL;
    if (bytes != NULL)
        *bytes = token_of(value)->bytes;
    return value.json->text + token_of(value)->start;
}

/* ---- where a value stands ---- */

/* How many elements of its array stand before token @index. */
static uint32_t index_in_array(const ChJson *json, uint32_t index)
{
    uint32_t n = 0;
    for (uint32_t i = json->tokens[index].parent + 1; i < index; i = json->tokens[i].next)
        n++;
    return n;
}

void ch_json_spell_as_event(ChJson *json, const char *root)
{
    json->root_path = root;
    json->upper_names = true;
}

static void append_name(GString *path, const char *name, bool upper)
{
    if (path->len > 0)
        g_string_append_c(path, '.');
    g_string_append_c(path, upper ? g_ascii_toupper(name[0]) : g_ascii_tolower(name[0]));
    if (name[0] != '\0')
        g_string_append(path, name + 1);
}

/* Recursion: as deep as the document, CH_JSON_MAX_DEPTH at most. */
static void append_path(ChJsonValue value, GString *path)
{
    uint32_t parent = token_of(value)->parent;
    if (parent == CH_JSON_NO_PARENT) {
        g_string_append(path, value.json->root_path);
        return;
    }
    append_path((ChJsonValue){ value.json, parent }, path);
    const char *name = ch_json_name(value);
    if (name != NULL)
        append_name(path, name, value.json->upper_names);
    else
        g_string_append_printf(path, "[%u]", index_in_array(value.json, value.token));
}

char *ch_json_path(ChJsonValue value)
{
    GString *path = g_string_new(NULL);
    if (value.json != NULL)
        append_path(value, path);
    return g_string_free(path, FALSE);
}

void ch_json_violation(ChJsonValue object, const char *name, ChViolations *violations,
                       const char *format, ...)
{
    char message[CH_VIOLATION_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    g_vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    GString *path = g_string_new(NULL);
    if (object.json != NULL)
        append_path(object, path);
    if (name != NULL)
        append_name(path, name, object.json != NULL && object.json->upper_names);
    ch_violations_add(violations, path->str, "%s", message);
    g_string_free(path, TRUE);
}
