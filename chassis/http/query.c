/* Typed reading of bodies and query parameters. */
#include "chassis/http/query.h"

#include "chassis/http/problem.h"
#include "chassis/http/request_life.h"
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
    ChUuid read;
    if (!ch_uuid_parse(text, strlen(text), &read)) {
        ch_violations_add(violations, name, "must be a UUID");
        return false;
    }
    if (ch_uuid_is_nil(read)) {
        ch_violations_add(violations, name, "must not be the nil UUID, which names nothing");
        return false;
    }
    *value = read;
    return true;
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

bool ch_http_query_time(const ChHttpRequest *request, const char *name, int64_t *unix_us,
                        ChViolations *violations)
{
    const char *text = find(request, name, violations);
    if (text == NULL)
        return false;
    if (ch_time_parse(text, strlen(text), unix_us))
        return true;
    ch_violations_add(violations, name, "must be a time such as 2026-11-22T10:47:00Z");
    return false;
}

bool ch_http_query_bool(const ChHttpRequest *request, const char *name, bool *value,
                        ChViolations *violations)
{
    const char *text = find(request, name, violations);
    if (text == NULL)
        return false;
    bool is_true = strcmp(text, "true") == 0;
    if (is_true || strcmp(text, "false") == 0) {
        *value = is_true;
        return true;
    }
    ch_violations_add(violations, name, "must be true or false");
    return false;
}

void ch_http_query_created(const ChHttpRequest *request, ChTimeRange *range,
                           ChViolations *violations)
{
    *range = CH_TIME_ALWAYS;
    ch_http_query_time(request, "createdAfter", &range->from_us, violations);
    ch_http_query_time(request, "createdBefore", &range->before_us, violations);
}

/* ---- known and unknown ones ---- */

bool ch_http_query_next_name(const char **rest, char *name, size_t name_bytes)
{
    size_t n = strcspn(*rest, ",");
    g_assert(n < name_bytes);
    if (n == 0)
        return false;
    memcpy(name, *rest, n);
    name[n] = '\0';
    *rest += n + strspn(*rest + n, ", ");
    return true;
}

static bool is_listed(const char *names, const char *name)
{
    char known[64];
    while (ch_http_query_next_name(&names, known, sizeof known)) {
        if (strcmp(known, name) == 0)
            return true;
    }
    return false;
}

bool ch_http_query_is_known(ChHttpRequest *request)
{
    const char *known = request->match.route->query;
    if (request->query_params_n == 0 || strcmp(known, CH_HTTP_ANY_QUERY) == 0)
        return true;
    g_autoptr(ChViolations) violations = ch_violations_new();
    for (size_t i = 0; i < request->query_params_n; i++) {
        const char *name = request->query_params[i].name;
        if (is_listed(known, name))
            continue;
        if (*known == '\0')
            ch_violations_add(violations, name, "is not known here: this call has no parameters");
        else
            ch_violations_add(violations, name, "is not known here; known are %s", known);
    }
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

bool ch_http_param_uuid(const ChHttpRequest *request, const char *name, ChUuid *value)
{
    const char *text = ch_http_request_param(request, name);
    return text != NULL && ch_uuid_parse(text, strlen(text), value);
}
