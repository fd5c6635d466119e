/* Media types. */
#include "chassis/http/media_type.h"

#include "chassis/http/request_life.h"

#include <string.h>

#define VERSIONED "application/vnd.cartwheel."

enum {
    MAX_PARAMETERS = 8,
};

/* The type of @text in lower case, and its parameters behind it. Free with g_strfreev(). */
static char **cut(const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    char **parts = g_strsplit(lower, ";", MAX_PARAMETERS);
    for (char **part = parts; *part != NULL; part++)
        g_strstrip(*part);
    return parts;
}

static bool is_utf8(char *const *parameters)
{
    for (; *parameters != NULL; parameters++) {
        if (g_str_has_prefix(*parameters, "charset=") &&
            strcmp(*parameters, "charset=utf-8") != 0 &&
            strcmp(*parameters, "charset=\"utf-8\"") != 0)
            return false;
    }
    return true;
}

bool ch_http_media_type_is_json(const char *content_type)
{
    if (strcmp(content_type, "application/json") == 0) /* nearly always */
        return true;
    g_auto(GStrv) parts = cut(content_type);
    const char *type = parts[0];
    if (type == NULL || g_str_has_prefix(type, VERSIONED)) /* or the value is empty */
        return false;
    if (strcmp(type, "application/json") != 0 &&
        !(g_str_has_prefix(type, "application/") && g_str_has_suffix(type, "+json")))
        return false;
    return is_utf8(parts + 1);
}

bool ch_http_media_type_is_ndjson(const char *content_type)
{
    g_auto(GStrv) parts = cut(content_type);
    return parts[0] != NULL && strcmp(parts[0], "application/x-ndjson") == 0 && is_utf8(parts + 1);
}

/* ---- Accept ---- */

typedef struct {
    bool versions; /* some that are not there are asked for */
    bool ours;     /* what is there is asked for */
} Asked;

static bool is_excluded(char *const *parameters)
{
    for (; *parameters != NULL; parameters++) {
        if (g_str_has_prefix(*parameters, "q="))
            return g_ascii_strtod(*parameters + 2, NULL) <= 0;
    }
    return false;
}

static void read_accept(const char *accept, Asked *asked)
{
    if (strcmp(accept, "*/*") == 0 || strcmp(accept, "application/json") == 0) { /* nearly always */
        asked->ours = true;
        return;
    }
    g_auto(GStrv) ranges = g_strsplit(accept, ",", -1);
    for (char **range = ranges; *range != NULL; range++) {
        g_auto(GStrv) parts = cut(*range);
        if (parts[0] == NULL || is_excluded(parts + 1))
            continue;
        asked->versions = asked->versions || g_str_has_prefix(parts[0], VERSIONED);
        asked->ours = asked->ours || strcmp(parts[0], "*/*") == 0 ||
                      strcmp(parts[0], "application/*") == 0 ||
                      strcmp(parts[0], "application/json") == 0;
    }
}

bool ch_http_media_type_is_accepted(const ChHttpRequest *request)
{
    Asked asked = { false, false };
    const char *end = request->headers->str + request->headers->len;
    for (const char *at = request->headers->str; at < end;) {
        const char *value = at + strlen(at) + 1;
        if (g_ascii_strcasecmp(at, "Accept") == 0)
            read_accept(value, &asked);
        at = value + strlen(value) + 1;
    }
    return asked.ours || !asked.versions;
}
