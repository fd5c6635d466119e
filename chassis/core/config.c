/* The configuration table: reading, checking, printing. */
#include "chassis/core/config.h"

#include "chassis/core/url.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_SECRET_BYTES = 64 * 1024, /* certificates included */
    MAX_QUOTED_BYTES = 64,        /* of a bad value in a message */
};

/* ---- saying what is wrong ---- */

static void set_missing(GError **error, const ChConfigKey *key)
{
    bool secret = key->kind == CH_CONFIG_SECRET;
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s is not set%s%s%s: expected %s", key->name,
                secret ? ", nor is " : "", secret ? key->name : "", secret ? "_FILE" : "",
                key->help);
}

/* Secrets, and URLs that may hold one, are not quoted; others are, cut and escaped to one line. */
static void set_bad(GError **error, const ChConfigKey *key, const char *value, const char *expected)
{
    if (key->kind == CH_CONFIG_SECRET || key->kind == CH_CONFIG_URL) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s is wrong: expected %s", key->name,
                    expected);
        return;
    }
    g_autofree char *cut = g_strndup(value, MAX_QUOTED_BYTES);
    g_autofree char *quoted = g_strescape(cut, NULL);
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s is \"%s\": expected %s", key->name, quoted,
                expected);
}

/* ---- reading one ---- */

static bool store_text(const ChConfigKey *key, char **field, const char *text, GError **error)
{
    bool one_line = ch_config_is_one_line(text);
    bool is_url = key->kind == CH_CONFIG_URL;
    if (one_line && ch_config_begins_well(text, key->choices) && (!is_url || ch_url_valid(text))) {
        *field = g_strdup(text);
        return true;
    }
    set_bad(error, key, text,
            one_line ? key->help : "one line of UTF-8 text without control characters");
    return false;
}

/* What is expected of the kinds that have one form. */
static const char *const forms[] = {
    [CH_CONFIG_COUNT] = "a whole number, 1 or more",
    [CH_CONFIG_LIMIT] = "a whole number, or 0 for no limit",
    [CH_CONFIG_DURATION] = "a duration such as 500ms, 20s, 5m, 24h or 30d",
    [CH_CONFIG_LISTEN] = "host:port such as 127.0.0.1:5001 or [::1]:5001",
};

static bool parse_count(const char *text, int64_t *count)
{
    const char *rest = "";
    return ch_config_parse_count(text, &rest, count) && *rest == '\0';
}

static bool parse_limit(const char *text, int64_t *limit)
{
    *limit = 0;
    return strcmp(text, "0") == 0 || parse_count(text, limit);
}

static bool parse_choice(const char *choices, const char *text, int *choice)
{
    *choice = ch_config_find_choice(choices, text);
    return *choice >= 0;
}

/* Puts @text, not empty, into the field of @key. */
static bool store(const ChConfigKey *key, void *config, const char *text, GError **error)
{
    void *field = (char *)config + key->offset;
    bool ok = false;
    switch (key->kind) {
    case CH_CONFIG_TEXT:
    case CH_CONFIG_SECRET:
    case CH_CONFIG_URL:
        return store_text(key, field, text, error);
    case CH_CONFIG_COUNT:
        ok = parse_count(text, field);
        break;
    case CH_CONFIG_LIMIT:
        ok = parse_limit(text, field);
        break;
    case CH_CONFIG_DURATION:
        ok = ch_config_parse_duration(text, field);
        break;
    case CH_CONFIG_LISTEN:
        ok = ch_config_parse_listen(text, field);
        break;
    case CH_CONFIG_CHOICE:
        ok = parse_choice(key->choices, text, field);
        break;
    }
    if (!ok)
        set_bad(error, key, text, key->kind == CH_CONFIG_CHOICE ? key->choices : forms[key->kind]);
    return ok;
}

/* ---- where a value comes from ---- */

static void free_secret(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

/* Reads up to @max bytes of the file at @path; -1 with errno set when that fails. */
static ssize_t read_file(const char *path, char *bytes, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    size_t n = 0;
    ssize_t got = 1;
    while (n < max && got != 0) {
        got = read(fd, bytes + n, max - n);
        if (got < 0 && errno != EINTR)
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    int failure = got < 0 ? errno : 0;
    close(fd);
    errno = failure;
    return failure == 0 ? (ssize_t)n : -1;
}

/* The secret in the file at @path without the line end after it; free with free_secret(). */
static char *read_secret(const ChConfigKey *key, const char *path, GError **error)
{
    g_autofree char *bytes = g_malloc0(MAX_SECRET_BYTES + 1);
    ssize_t n = read_file(path, bytes, MAX_SECRET_BYTES);
    if (n < 0) {
        int failure = errno;
        g_autofree char *quoted = g_strescape(path, NULL);
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                    "%s_FILE is \"%s\": expected a readable file (%s)", key->name, quoted,
                    g_strerror(failure));
        return NULL;
    }
    if (n > 0 && bytes[n - 1] == '\n')
        bytes[--n] = '\0';
    if (n > 0 && bytes[n - 1] == '\r')
        bytes[--n] = '\0';
    char *secret = NULL;
    if (strlen(bytes) == (size_t)n && n > 0 && n < MAX_SECRET_BYTES)
        secret = g_strdup(bytes);
    else
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                    "%s_FILE names a bad file: expected one line of text in it, less than 64 KiB",
                    key->name);
    explicit_bzero(bytes, MAX_SECRET_BYTES);
    return secret;
}

/* The environment's value of @name; an empty variable is the same as none. */
static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

/* The value for @key in *value, free with free_secret(). */
static bool find_value(const ChConfigKey *key, char **value, GError **error)
{
    const char *plain = from_environment(key->name);
    g_autofree char *file_name = g_strconcat(key->name, "_FILE", NULL);
    bool in_file = key->kind == CH_CONFIG_SECRET || key->kind == CH_CONFIG_URL;
    const char *path = in_file ? from_environment(file_name) : NULL;
    if (plain != NULL && path != NULL) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s and %s are both set: expected only one",
                    key->name, file_name);
        return false;
    }
    if (path != NULL) {
        *value = read_secret(key, path, error);
        return *value != NULL;
    }
    if (plain == NULL && key->fallback == NULL) {
        set_missing(error, key);
        return false;
    }
    *value = g_strdup(plain != NULL ? plain : key->fallback);
    return true;
}

static bool read_key(const ChConfigKey *key, void *config, GError **error)
{
    char *value = NULL;
    if (!find_value(key, &value, error))
        return false;
    bool ok = true;
    if (*value != '\0') {
        ok = store(key, config, value, error);
    } else {                                  /* the fallback alone can be empty */
        g_assert(key->kind <= CH_CONFIG_URL); /* a text */
        *(char **)((char *)config + key->offset) = g_strdup("");
    }
    free_secret(value);
    return ok;
}

bool ch_config_read(const ChConfigKey *keys, size_t n, void *config, GError **error)
{
    g_autoptr(GString) faults = g_string_new(NULL);
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GError) fault = NULL;
        if (!read_key(&keys[i], config, &fault))
            g_string_append_printf(faults, "%s%s", faults->len > 0 ? "\n" : "", fault->message);
    }
    if (faults->len == 0)
        return true;
    g_set_error_literal(error, CH_ERROR, CH_ERROR_CONFIG, faults->str);
    return false;
}

void ch_config_clear(const ChConfigKey *keys, size_t n, void *config)
{
    for (size_t i = 0; i < n; i++) {
        if (keys[i].kind > CH_CONFIG_URL) /* no text */
            continue;
        char **field = (char **)((char *)config + keys[i].offset);
        free_secret(*field);
        *field = NULL;
    }
}

/* ---- showing it ---- */

static const char *kind_text(const ChConfigKey *key)
{
    switch (key->kind) {
    case CH_CONFIG_TEXT:
        return "text";
    case CH_CONFIG_SECRET:
        return "secret";
    case CH_CONFIG_URL:
        return "URL";
    case CH_CONFIG_COUNT:
        return "number, 1 or more";
    case CH_CONFIG_LIMIT:
        return "number; 0: no limit";
    case CH_CONFIG_DURATION:
        return "duration";
    case CH_CONFIG_LISTEN:
        return "host:port";
    case CH_CONFIG_CHOICE:
        return key->choices;
    }
    g_assert_not_reached();
}

void ch_config_print_help(const ChConfigKey *keys, size_t n)
{
    printf("Settings, all from the environment; an empty one counts as not set.\n"
           "Durations are written 500ms, 20s, 5m, 24h, 30d. A secret or a URL may also come\n"
           "from the file that NAME_FILE names.\n\n");
    for (size_t i = 0; i < n; i++) {
        const ChConfigKey *key = &keys[i];
        const char *fallback = key->fallback;
        printf("  %-22s %s\n  %-22s %s; ", key->name, key->help, "", kind_text(key));
        if (fallback == NULL)
            printf("required\n");
        else
            printf("default: %s\n", *fallback == '\0' ? "empty" : fallback);
    }
}

/* Some texts may be URLs, and whoever puts a login into one gets it masked like in any other. */
static char *text_shown(const char *text)
{
    const char *scheme_end = strstr(text, "://");
    if (scheme_end == NULL || strchr(scheme_end, '@') == NULL)
        return g_strdup(text);
    return ch_url_valid(text) ? ch_url_masked(text) : g_strdup("***");
}

/* As one would write it, without its secrets. */
static char *setting_text(const ChConfigKey *key, const void *config)
{
    const void *field = (const char *)config + key->offset;
    switch (key->kind) {
    case CH_CONFIG_TEXT:
        return text_shown(*(char *const *)field);
    case CH_CONFIG_SECRET:
        return g_strdup(**(char *const *)field == '\0' ? "" : "***");
    case CH_CONFIG_URL:
        return **(char *const *)field == '\0' ? g_strdup("") : ch_url_masked(*(char *const *)field);
    case CH_CONFIG_COUNT:
    case CH_CONFIG_LIMIT:
        return g_strdup_printf("%" PRId64, *(const int64_t *)field);
    case CH_CONFIG_DURATION:
        return ch_config_duration_text(*(const int64_t *)field);
    case CH_CONFIG_LISTEN: {
        const ChListen *listen = field;
        bool bracketed = strchr(listen->host, ':') != NULL;
        return g_strdup_printf("%s%s%s:%d", bracketed ? "[" : "", listen->host,
                               bracketed ? "]" : "", listen->port);
    }
    case CH_CONFIG_CHOICE: {
        g_auto(GStrv) names = g_strsplit(key->choices, "|", -1);
        return g_strdup(names[*(const int *)field]);
    }
    }
    g_assert_not_reached();
}

/* @text is the setting's; a default of 24h is the same as 1d. */
static bool is_default(const ChConfigKey *key, const void *config, const char *text)
{
    int64_t fallback_ms = 0;
    if (key->kind != CH_CONFIG_DURATION || key->fallback == NULL)
        return g_strcmp0(text, key->fallback) == 0;
    return ch_config_parse_duration(key->fallback, &fallback_ms) &&
           *(const int64_t *)(const void *)((const char *)config + key->offset) == fallback_ms;
}

void ch_config_log(const ChConfigKey *keys, size_t n, const void *config)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) fields = g_array_new(TRUE, TRUE, sizeof(ChLogField)); /* ends with zeros */
    for (size_t i = 0; i < n; i++) {
        char *text = setting_text(&keys[i], config);
        g_ptr_array_add(texts, text);
        if (!is_default(&keys[i], config, text))
            g_array_append_val(fields, CH_STR(keys[i].name, text));
    }
    ch_log_write(CH_LOG_INFO, "settings that differ from their defaults",
                 (const ChLogField *)(void *)fields->data);
}
