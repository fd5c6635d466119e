/* One reader for each kind of setting. */
#include "chassis/core/config_values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_DURATION_DAYS = 3650, /* ten years: nothing waits longer */
};

static const struct {
    const char *unit;
    int64_t ms;
} duration_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 },
};

bool ch_config_parse_count(const char *text, const char **end, int64_t *value)
{
    if (!g_ascii_isdigit(*text))
        return false;
    char *stop = NULL;
    errno = 0;
    long long number = strtoll(text, &stop, 10);
    *end = stop;
    *value = number;
    return errno == 0 && number >= 1;
}

bool ch_config_parse_duration(const char *text, int64_t *ms)
{
    const char *unit = NULL;
    int64_t number = 0;
    if (!ch_config_parse_count(text, &unit, &number))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(duration_units); i++) {
        if (strcmp(unit, duration_units[i].unit) == 0)
            return !__builtin_mul_overflow(number, duration_units[i].ms, ms) &&
                   *ms <= MAX_DURATION_DAYS * INT64_C(86400000);
    }
    return false;
}

int ch_config_find_choice(const char *choices, const char *text)
{
    g_auto(GStrv) names = g_strsplit(choices, "|", -1);
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0)
            return i;
    }
    return -1;
}

static bool is_host(const char *host, bool bracketed)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = strlen(host);
    if (n == 0 || n >= sizeof((ChListen *)NULL)->host)
        return false;
    const char *others = bracketed ? "0123456789.:%" : "0123456789.-_";
    for (const char *c = host; *c != '\0'; c++) {
        if (strchr(letters, *c) == NULL && strchr(others, *c) == NULL)
            return false;
    }
    return !bracketed || strchr(host, ':') != NULL;
}

static bool parse_port(const char *text, uint16_t *port)
{
    guint64 number = 0;
    if (!g_ascii_isdigit(*text) ||
        !g_ascii_string_to_unsigned(text, 10, 0, UINT16_MAX, &number, NULL))
        return false;
    *port = (uint16_t)number;
    return true;
}

bool ch_config_parse_listen(const char *text, ChListen *listen)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return false;
    size_t n = (size_t)(colon - text);
    bool bracketed = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    g_autofree char *host = bracketed ? g_strndup(text + 1, n - 2) : g_strndup(text, n);
    ChListen parsed = { .port = 0 };
    if (!is_host(host, bracketed) || !parse_port(colon + 1, &parsed.port))
        return false;
    g_strlcpy(parsed.host, host, sizeof parsed.host);
    *listen = parsed;
    return true;
}

bool ch_config_is_loopback(const ChListen *listen)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, listen->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, listen->host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return g_ascii_strcasecmp(listen->host, "localhost") == 0;
}

bool ch_config_is_one_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            return false;
    }
    return g_utf8_validate(text, -1, NULL);
}

bool ch_config_begins_well(const char *text, const char *beginnings)
{
    if (beginnings == NULL)
        return true;
    g_auto(GStrv) allowed = g_strsplit(beginnings, "|", -1);
    for (char **beginning = allowed; *beginning != NULL; beginning++) {
        if (g_str_has_prefix(text, *beginning) && text[strlen(*beginning)] != '\0')
            return true;
    }
    return false;
}

char *ch_config_duration_text(int64_t ms)
{
    size_t i = G_N_ELEMENTS(duration_units) - 1;
    while (i > 0 && ms % duration_units[i].ms != 0)
        i--;
    return g_strdup_printf("%" PRId64 "%s", ms / duration_units[i].ms, duration_units[i].unit);
}
