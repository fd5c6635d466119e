/* Typed reading of bodies and query parameters. */
#include "chassis/http/query.h"

#include "chassis/json/json_read.h"

#include <errno.h>
#include <string.h>

ChJson *ch_http_request_json(const ChHttpRequest *request, ChViolations *violations)
{
    size_t bytes = 0;
    const char *body = ch_http_request_body(request, &bytes);
    if (bytes == 0) {
        ch_violations_add(violations, "", "must be a JSON object, but there is no body");
        return NULL;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(ChJson) json = ch_json_parse(body, bytes, &error);
    if (json == NULL) {
        ch_violations_add(violations, "", "%s", error->message);
        return NULL;
    }
    if (!ch_json_expect_object(ch_json_root(json), violations))
        return NULL;
    return g_steal_pointer(&json);
}

/* The parameter, or NULL: absent, or a violation because it is there more than once. */
static const char *find(const ChHttpRequest *request, const char *name, ChViolations *violations)
{
    if (ch_http_request_query_count(request, name) > 1) {
        ch_violations_add(violations, name, "must be given once");
        return NULL;
    }
    return ch_http_request_query(request, name);
}

bool ch_http_query_uuid(const ChHttpRequest *request, const char *name, ChUuid *value,
                        ChViolations *violations)
{
    const char *text = find(request, name, violations);
    if (text == NULL)
        return false;
    if (ch_uuid_parse(text, strlen(text), value))
        return true;
    ch_violations_add(violations, name, "must be a UUID");
    return false;
}

/* Digits with an optional minus sign, nothing else. */
static bool parse_integer(const char *text, int64_t *value)
{
    const char *digits = *text == '-' ? text + 1 : text;
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    *value = g_ascii_strtoll(text, NULL, 10);
    return true;
}

bool ch_http_query_integer(const ChHttpRequest *request, const char *name, int64_t min, int64_t max,
                           int64_t *value, ChViolations *violations)
{
    const char *text = find(request, name, violations);
    if (text == NULL)
        return false;
    int64_t number = 0;
    if (parse_integer(text, &number) && errno == 0 && number >= min && number <= max) {
        *value = number;
        return true;
    }
    ch_violations_add(violations, name,
                      "must be an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, min,
                      max);
    return false;
}

bool ch_http_query_text(const ChHttpRequest *request, const char *name, size_t max_chars,
                        const char **value, ChViolations *violations)
{
    const char *text = find(request, name, violations);
    if (text == NULL)
        return false;
    size_t chars = (size_t)g_utf8_strlen(text, -1);
    if (chars >= 1 && chars <= max_chars) {
        *value = text;
        return true;
    }
    ch_violations_add(violations, name, "must have 1 to %zu characters", max_chars);
    return false;
}

bool ch_http_param_uuid(const ChHttpRequest *request, const char *name, ChUuid *value)
{
    const char *text = ch_http_request_param(request, name);
    return text != NULL && ch_uuid_parse(text, strlen(text), value);
}
