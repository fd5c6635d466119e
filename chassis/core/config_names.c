/* Compares the names of the environment with those of the settings. */
#include "chassis/core/config_names.h"

#include <string.h>

enum {
    MAX_NAME_BYTES = 64, /* no setting's name is as long */
    LONG_NAME_BYTES = 10,
    SHORT_MISTAKES = 1, /* SMTP_URL is no misspelt AMQP_URL */
    LONG_MISTAKES = 2,
};

static size_t least(size_t a, size_t b, size_t c)
{
    return MIN(a, MIN(b, c));
}

/* Whether @a ends, before @i and @j, in two letters that @b has the other way round. */
static bool exchanged(const char *a, size_t i, const char *b, size_t j)
{
    return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

/* Mistakes between @a and @b, both shorter than MAX_NAME_BYTES: Damerau and Levenshtein's distance,
 * no letter touched twice. */
static size_t mistakes_between(const char *a, const char *b)
{
    size_t rows[3]
               [MAX_NAME_BYTES]; /* of @a up to i, i - 1 and i - 2, against each beginning of @b */
    size_t b_n = strlen(b);
    for (size_t j = 0; j <= b_n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= strlen(a); i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_n; j++) {
            now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (exchanged(a, i, b, j))
                now[j] = MIN(now[j], before[j - 2] + 1);
        }
    }
    return rows[strlen(a) % 3][b_n];
}

static bool is_setting(const ChConfigKey *key, const char *name)
{
    size_t n = strlen(key->name);
    if (strncmp(name, key->name, n) != 0)
        return false;
    return name[n] == '\0' || strcmp(name + n, "_FILE") == 0;
}

static bool is_nearly(const ChConfigKey *key, const char *upper)
{
    size_t allowed = strlen(key->name) < LONG_NAME_BYTES ? SHORT_MISTAKES : LONG_MISTAKES;
    return mistakes_between(upper, key->name) <= allowed;
}

/* The setting that @name is meant to be; NULL when it is one, or like none. */
static const char *meant_by(const ChConfigKey *keys, size_t n, const char *name)
{
    if (strlen(name) >= MAX_NAME_BYTES)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (is_setting(&keys[i], name))
            return NULL;
    }
    g_autofree char *upper = g_ascii_strup(name, -1);
    for (size_t i = 0; i < n; i++) {
        if (is_nearly(&keys[i], upper))
            return keys[i].name;
    }
    return NULL;
}

static void clear_misspelling(void *element)
{
    g_free(((ChConfigMisspelling *)element)->name);
}

GArray *ch_config_misspellings(const ChConfigKey *keys, size_t n)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(ChConfigMisspelling));
    g_array_set_clear_func(found, clear_misspelling);
    g_auto(GStrv) names = g_listenv();
    for (char **name = names; *name != NULL; name++) {
        const ChConfigMisspelling misspelling = { *name, meant_by(keys, n, *name) };
        if (misspelling.setting == NULL)
            continue;
        g_array_append_val(found, misspelling);
        g_array_index(found, ChConfigMisspelling, found->len - 1).name = g_strdup(*name);
    }
    return found;
}
